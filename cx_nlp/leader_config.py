"""The parts of a configuration that say what to be told of (alerts) and what needs an answer (close the loop)."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, TypeAdapter, ValidationError, field_validator

from cx_nlp.deliver import check_urls
from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.measures import alerts, close_the_loop
from cx_nlp.measures.changes import AGAINST, OVERALL
from cx_nlp.schema import EMOTIONS
from cx_nlp.strict import Strict

MEASURES = (*OVERALL, "theme_share", "responses", *(f"emotion_{name}" for name in EMOTIONS))


class CloseTheLoopConfig(Strict):
    days: int = Field(close_the_loop.DAYS, ge=1, description="latest dates on the list")
    leaving: list[str] = Field(list(close_the_loop.LEAVING), description="theme_ids: a negative mention means leaving")
    praise: list[str] = Field(list(close_the_loop.PRAISE), description="theme_ids of teams that can be praised")


class RuleConfig(Strict):
    name: str = Field(min_length=1)
    measure: str = Field(description="a measure of the table changes")
    condition: str = Field(description="such as: drop > 10 and q < 0.10, or: below 20")
    against: str = Field("week", description="night | week | half_year")
    touchpoint: str = Field(alerts.ALL, description="a touchpoint, or each")
    theme: str = Field(alerts.ALL, description="a theme_id, or each")
    min_n: int = Field(20, ge=1, description="rows on either side below which the rule is silent")
    severity: str = Field("medium", description="high | medium | low")
    owner: str | None = Field(None, description="who is to act; the theme's owner without")

    @field_validator("measure", "against", "severity")
    @classmethod
    def _known(cls, value: str, info: Any) -> str:
        known = {"measure": MEASURES, "against": AGAINST, "severity": alerts.SEVERITIES}[info.field_name]
        if value not in known:
            raise UnknownName(f"{info.field_name} of an alert rule", value, known)
        return value

    @field_validator("condition")
    @classmethod
    def _readable(cls, value: str) -> str:
        alerts.parse(value)
        return value


_RULES = TypeAdapter(list[RuleConfig])


class AlertsConfig(Strict):
    rules: list[RuleConfig] = Field(default_factory=list)
    rules_file: Path | None = Field(None, description="YAML with a list under `rules`, as here")
    output: Path | None = Field(None, description="JSON lines to which each new alert is appended")
    urls: list[str] = Field(default_factory=list, description="apprise URLs with ${NAME} where a secret belongs")

    @field_validator("urls")
    @classmethod
    def _no_secrets(cls, urls: list[str]) -> list[str]:
        check_urls(urls, where="alerts.urls")
        return urls

    def from_folder(self, base: Path) -> "AlertsConfig":
        """With paths that are relative to the config file made absolute."""
        return self.model_copy(
            update={name: base / path for name in ("rules_file", "output") if (path := getattr(self, name)) is not None}
        )

    def all_rules(self) -> list[alerts.Rule]:
        """Of the config and of its file, in this order. Raises UsageError for a file that is wrong, or a name twice."""
        rules = [*self.rules, *(read_rules(self.rules_file) if self.rules_file else ())]
        names = [rule.name for rule in rules]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise UsageError(f"alert rules: {sorted(twice)[0]!r} is the name of several, expected one")
        return [alerts.Rule(**rule.model_dump()) for rule in rules]


def read_rules(path: Path) -> list[RuleConfig]:
    """Rules of a YAML file that holds nothing but `rules`. Raises UsageError or UnknownName, one line."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None
    except (yaml.YAMLError, ValueError):
        raise UsageError(f"{path}: not readable as YAML") from None
    if not isinstance(raw, dict) or set(raw) != {"rules"}:
        raise UsageError(f"{path}: expected a mapping with the one key rules")
    try:
        return _RULES.validate_python(raw["rules"] or [])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UnknownName(
                "key", str(first["loc"][-1]), RuleConfig.model_fields, where=f"{path}: rules.{where}"
            ) from None
        raise UsageError(f"{path}: rules.{where}: {first['msg']}") from None
    except UnknownName as error:
        kind, got, known, _ = error.args
        raise UnknownName(kind, got, known, str(path)) from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
