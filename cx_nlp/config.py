"""The configuration file, typed once at the edge; code further in takes plain values.

A config is a contract: unknown keys fail and name their nearest valid neighbour. Relative paths are relative
to the file that holds them.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator

from cx_nlp import config_heads
from cx_nlp.config_heads import EmotionConfig, HeadsConfig, SentimentConfig
from cx_nlp.discovery_config import DiscoveryConfig
from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.flow_config import DaskConfig, EvaluationConfig, FlowConfig, check_notify
from cx_nlp.leader_config import AlertsConfig, RuleConfig
from cx_nlp.measures_config import MeasuresConfig
from cx_nlp.publish_config import PublishConfig, short
from cx_nlp.quality_config import QualityConfig
from cx_nlp.score.engines import check_name
from cx_nlp.score.replacement import Replacement
from cx_nlp.source_config import FIXABLE as FIXABLE
from cx_nlp.source_config import TARGETS as TARGETS
from cx_nlp.source_config import ScaleConfig as ScaleConfig
from cx_nlp.source_config import SourceConfig as SourceConfig
from cx_nlp.source_config import TombstoneConfig
from cx_nlp.strict import Strict


class Config(Strict):
    lake: Path = Field(description="folder of the tables")
    sources: dict[str, SourceConfig] = Field(min_length=1)
    taxonomies: list[str] = Field(default_factory=lambda: ["general"], description="shipped names or paths")
    fitted: list[str] = Field(default_factory=list, description="folders that cx-nlp themes fit wrote")
    model: str = Field("minilm-cx", description="a shipped model's name or a folder")
    sentences: bool = Field(False, description="write the table of sentences too")
    engine: str = Field("auto", description="what runs the encoder: auto, or a name in cx_nlp.score.engines.ENGINES")
    threads: int = Field(0, ge=0, description="processor threads for scoring; 0 takes all")
    sentiment: SentimentConfig | None = Field(None, description="a checkpoint in place of the model's head")
    emotion: EmotionConfig | None = Field(None, description="a checkpoint in place of the model's head")
    languages: dict[str, HeadsConfig] = Field(default_factory=dict, description="ISO 639-1: checkpoints for it")
    measures: MeasuresConfig = Field(default_factory=lambda: MeasuresConfig.model_validate({}), description="figures")
    quality: QualityConfig = Field(default_factory=lambda: QualityConfig.model_validate({}), description="gates")
    flow: FlowConfig = Field(
        default_factory=lambda: FlowConfig.model_validate({}), description="when, how long, retries"
    )
    dask: DaskConfig | None = Field(None, description="score on a Dask cluster instead of in the flow's own process")
    notify: list[str] = Field(default_factory=list, description="apprise URLs that hear of a failed or late night")
    evaluation: dict[str, EvaluationConfig] = Field(default_factory=dict, description="labelled files by name")
    publish: PublishConfig | None = Field(None, description="where a copy of each committed state goes")
    discovery: DiscoveryConfig = Field(default_factory=lambda: DiscoveryConfig.model_validate({}), description="themes")
    alerts: AlertsConfig = Field(default_factory=lambda: AlertsConfig.model_validate({}), description="who is told")

    @field_validator("notify")
    @classmethod
    def _no_secrets(cls, urls: list[str]) -> list[str]:
        return check_notify(urls)

    @field_validator("publish", mode="before")
    @classmethod
    def _bare_url(cls, value: Any) -> Any:
        return short(value)

    @field_validator("languages", mode="before")
    @classmethod
    def _norwegian(cls, languages: Any) -> Any:
        return config_heads.language_keys(languages)

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, languages: dict[str, HeadsConfig]) -> dict[str, HeadsConfig]:
        config_heads.check_languages(languages)
        return languages

    @property
    def replacements(self) -> tuple[Replacement, ...]:
        """The heads that a checkpoint takes the place of."""
        return config_heads.replacements(self.sentiment, self.emotion, self.languages)

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, name: str) -> str:
        return check_name(name)

    @property
    def hash(self) -> str:
        """16 hex digits over every setting; secrets are never part of a config."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def load_config(path: Path) -> Config:
    """Read and check a YAML config. Raises UsageError (or UnknownName) with one line that names file and key."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"config not found: {path}") from None
    except IsADirectoryError:
        raise UsageError(f"config is a directory, expected a YAML file: {path}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: not UTF-8, or a date such as 2026-02-30
        raise UsageError(f"{path}: not readable as YAML: {_problem(error)}") from None
    if not isinstance(raw, dict):
        raise UsageError(f"{path}: expected a mapping with the keys {', '.join(Config.model_fields)}")
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise _explain(error, path) from None
    except UnknownName as error:
        kind, got, known, _ = error.args
        raise UnknownName(kind, got, known, str(path)) from None
    except UsageError as error:
        raise UsageError(f"{path}: {_culprit(raw)}{error}") from None
    base = path.resolve().parent
    sources = {name: _from(base, source) for name, source in config.sources.items()}
    return config.model_copy(
        update={
            "lake": base / config.lake,
            "sources": sources,
            "taxonomies": [_relative(name, base) for name in config.taxonomies],
            "fitted": [str(base / folder) for folder in config.fitted],
            "model": _relative(config.model, base),
            "sentiment": config_heads.absolute(config.sentiment, base),
            "emotion": config_heads.absolute(config.emotion, base),
            "languages": config_heads.absolute_languages(config.languages, base),
            "evaluation": {
                name: one.model_copy(update={"data": str(base / one.data)}) for name, one in config.evaluation.items()
            },
            "measures": config.measures.from_folder(base),
            "alerts": config.alerts.from_folder(base),
        }
    )


_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:|\$\{)(.+)")


def _from(base: Path, source: SourceConfig) -> SourceConfig:
    """A source with what is relative to the config file made absolute."""
    path = None if source.path is None else str(base / source.path)
    match = _SQLITE.fullmatch(source.url or "")
    return source.model_copy(update={"path": path, "url": f"{match[1]}{base / match[2]}" if match else source.url})


def _relative(name: str, base: Path) -> str:
    """A shipped name stays; anything that looks like a path becomes one relative to the config file."""
    return str(base / name) if "/" in name or name.endswith((".yaml", ".yml")) else name


_FIELDS = {
    "sources": SourceConfig.model_fields,
    "measures": MeasuresConfig.model_fields,
    "quality": QualityConfig.model_fields,
    "flow": FlowConfig.model_fields,
    "dask": DaskConfig.model_fields,
    "publish": PublishConfig.model_fields,
    "discovery": DiscoveryConfig.model_fields,
    "alerts": AlertsConfig.model_fields,
}


def _problem(error: Exception) -> str:
    """What YAML's reader says, without the line that it quotes: that may hold a password."""
    mark = getattr(error, "problem_mark", None)
    said = f"line {mark.line + 1}: {getattr(error, 'problem', None)}" if mark else str(error)
    return " ".join(said.split())


def _culprit(raw: dict) -> str:
    """Where in the config a UsageError without a place comes from: "sources.NAME: ", or "" if from elsewhere."""
    sources = raw.get("sources")
    for name, source in sources.items() if isinstance(sources, dict) else ():
        try:
            SourceConfig.model_validate(source)
        except ValidationError:
            continue
        except UsageError:
            return f"sources.{name}: "
    return ""


def _explain(error: ValidationError, path: Path) -> UsageError:
    # A misspelt key also leaves the right one missing: name the misspelling.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        fields = _FIELDS.get(str(first["loc"][0]) if len(first["loc"]) > 1 else "", Config.model_fields)
        if "scales" in first["loc"]:
            fields = ScaleConfig.model_fields
        elif "tombstone" in first["loc"]:
            fields = TombstoneConfig.model_fields
        elif "rules" in first["loc"][:-1]:
            fields = RuleConfig.model_fields
        fields = config_heads.fields_at(first["loc"][:-1]) or fields
        return UnknownName("key", str(first["loc"][-1]), fields, where=f"{path}: {where}")
    # A whole section is too long to show, and may hold what nobody may see.
    is_shown = first["type"] != "missing" and not isinstance(first.get("input"), dict | list)
    is_shown &= not {"url", "options", "notify"} & set(first["loc"])
    got = f", got {json.dumps(first.get('input'), default=str)[:80]}" if is_shown else ""
    return UsageError(f"{path}: {where}: {first['msg']}{got}")
