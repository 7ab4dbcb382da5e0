"""The configuration file, typed once at the edge; code further in takes plain values.

A config is a contract: unknown keys fail and name their nearest valid neighbour. Relative paths are relative
to the file that holds them.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from cx_nlp import config_heads
from cx_nlp.config_heads import EmotionConfig, HeadsConfig, SentimentConfig
from cx_nlp.config_heads import Strict as _Strict
from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.score.engines import check_name
from cx_nlp.score.replacement import Replacement

# What a source's columns can be mapped onto.
TARGETS = (
    "feedback_id", "response_id", "submitted_at", "updated_at", "customer_id", "text", "question", "channel",
    "touchpoint", "segment", "respondent_role", "weight", "may_quote", "may_contact", "nps", "csat", "ces", "rating",
)  # fmt: skip
FIXABLE = (
    "submitted_at", "question", "channel", "touchpoint", "segment", "respondent_role", "rating_scale", "weight",
    "may_quote", "may_contact",
)  # fmt: skip


class ScaleConfig(_Strict):
    """How a rating column becomes "higher is better" on its scale.

    `reverse: true` maps the source's low..high onto high..low. Values outside low..high become null and are
    named in `issues`. `name` fills `rating_scale` (for the target `rating`).
    """

    low: float
    high: float
    reverse: bool = False
    name: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "ScaleConfig":
        if self.low >= self.high:
            raise ValueError(f"low {self.low} must be below high {self.high}")
        return self


class SourceConfig(_Strict):
    kind: str = Field(description="a name in cx_nlp.sources.SOURCES: csv, jsonl, parquet")
    path: str = Field(description="a file or a glob, relative to the config file")
    timezone: str = Field("UTC", description="IANA name; dates without an offset are local to it")
    columns: dict[str, str] = Field(description="target: the source's column")
    fixed: dict[str, Any] = Field(default_factory=dict, description="target: one value for every row")
    attributes: list[str] | bool = Field(True, description="columns to keep in `attributes`; true keeps all others")
    scales: dict[str, ScaleConfig] = Field(default_factory=dict, description="target: scale of the source's values")
    date_order: Literal["day_first", "month_first"] = Field(
        "day_first", description="how 03/04/2026 is read; ISO dates are always read as such"
    )
    date_sequence: str | None = Field(
        None,
        description="a column whose trailing number runs in time within its prefix: settles dates written in both orders",
    )
    no_comment: list[str] = Field(default_factory=list, description="comments that mean none, such as 'Did not answer'")
    language: str = Field("en", description="ISO 639-1; what very short texts are taken to be in")
    encoding: str | None = Field(None, description="default: UTF-8, else found per file")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise UnknownName("timezone", name, available_timezones() if len(name) < 3 else _near_zones(name))
        return name

    @model_validator(mode="after")
    def _known_targets(self) -> "SourceConfig":
        for key in self.columns:
            if key not in TARGETS:
                raise UnknownName("column target", key, TARGETS)
        for key in self.fixed:
            if key not in FIXABLE:
                raise UnknownName("fixed target", key, FIXABLE)
        for key in self.scales:
            if key not in ("nps", "csat", "ces", "rating"):
                raise UnknownName("scale", key, ("nps", "csat", "ces", "rating"))
        if "submitted_at" not in self.columns and "submitted_at" not in self.fixed:
            raise ValueError("no date: map columns.submitted_at or set fixed.submitted_at")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def _near_zones(name: str) -> list[str]:
    import difflib

    return difflib.get_close_matches(name, available_timezones(), n=5, cutoff=0.3) or ["UTC", "Europe/London"]


class Config(_Strict):
    lake: Path = Field(description="folder of the tables")
    sources: dict[str, SourceConfig] = Field(min_length=1)
    taxonomies: list[str] = Field(default_factory=lambda: ["general"], description="shipped names or paths")
    model: str = Field("minilm-cx", description="a shipped model's name or a folder")
    sentences: bool = Field(False, description="write the table of sentences too")
    engine: str = Field("auto", description="what runs the encoder: auto, or a name in cx_nlp.score.engines.ENGINES")
    threads: int = Field(0, ge=0, description="processor threads for scoring; 0 takes all")
    sentiment: SentimentConfig | None = Field(None, description="a checkpoint in place of the model's head")
    emotion: EmotionConfig | None = Field(None, description="a checkpoint in place of the model's head")
    languages: dict[str, HeadsConfig] = Field(default_factory=dict, description="ISO 639-1: checkpoints for it")

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
        raise UsageError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise UsageError(f"{path}: expected a mapping with the keys {', '.join(Config.model_fields)}")
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise _explain(error, path) from None
    except UnknownName as error:
        kind, got, known, _ = error.args
        raise UnknownName(kind, got, known, str(path)) from None
    base = path.resolve().parent
    sources = {
        name: source.model_copy(update={"path": str(base / source.path)}) for name, source in config.sources.items()
    }
    return config.model_copy(
        update={
            "lake": base / config.lake,
            "sources": sources,
            "taxonomies": [_relative(name, base) for name in config.taxonomies],
            "model": _relative(config.model, base),
            "sentiment": config_heads.absolute(config.sentiment, base),
            "emotion": config_heads.absolute(config.emotion, base),
            "languages": config_heads.absolute_languages(config.languages, base),
        }
    )


def _relative(name: str, base: Path) -> str:
    """A shipped name stays; anything that looks like a path becomes one relative to the config file."""
    return str(base / name) if "/" in name or name.endswith((".yaml", ".yml")) else name


def _explain(error: ValidationError, path: Path) -> UsageError:
    # A misspelt key also leaves the right one missing: name the misspelling.
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        fields = SourceConfig.model_fields if first["loc"][0] == "sources" else Config.model_fields
        if "scales" in first["loc"]:
            fields = ScaleConfig.model_fields
        fields = config_heads.fields_at(first["loc"][:-1]) or fields
        return UnknownName("key", str(first["loc"][-1]), fields, where=f"{path}: {where}")
    got = "" if first["type"] == "missing" else f", got {json.dumps(first.get('input'), default=str)[:80]}"
    return UsageError(f"{path}: {where}: {first['msg']}{got}")
