"""What a config says about one source, checked as far as that goes without opening it."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.sources import query as queries
from cx_nlp.strict import StorageOptions, Strict, Url

# What a source's columns can be mapped onto.
TARGETS = (
    "feedback_id", "response_id", "submitted_at", "updated_at", "customer_id", "text", "question", "channel",
    "touchpoint", "segment", "respondent_role", "weight", "may_quote", "may_contact", "nps", "csat", "ces", "rating",
)  # fmt: skip
FIXABLE = (
    "submitted_at", "question", "channel", "touchpoint", "segment", "respondent_role", "rating_scale", "weight",
    "may_quote", "may_contact",
)  # fmt: skip
_SCALED = ("nps", "csat", "ces", "rating")
# Which of path, url and query a kind needs; a kind in neither is unknown, which `sources.resolve` says.
_FILES = ("csv", "jsonl", "parquet", "excel")
_NEEDS = {"sql": ("url", "query"), "duckdb": ("path", "query"), "datasets": ("path",)}
_SPAN = re.compile(r"(\d{1,5})\s?([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class ScaleConfig(Strict):
    """How a rating column becomes "higher is better" on its scale.

    `reverse: true` maps the source's low..high onto high..low. Values outside low..high become null and are
    named in `issues`. `values` says what emoji and words stand for, on the scale as it shall be (never reversed); case
    and outer blanks do not count. `name` fills `rating_scale` (for the target `rating`).
    """

    low: float | None = Field(None, description="lowest number; needed without `values`, else their lowest")
    high: float | None = Field(None, description="highest number; needed without `values`, else their highest")
    reverse: bool = False
    name: str | None = None
    values: dict[str, float] = Field(default_factory=dict, description='such as {"😀": 5, "very satisfied": 5}')

    @field_validator("values", mode="before")
    @classmethod
    def _text_keys(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        if any(isinstance(key, bool) for key in values):
            raise ValueError("a key is a boolean to YAML: put yes, no, on and off into quotes")
        return {str(key): value for key, value in values.items()}

    @model_validator(mode="after")
    def _ordered(self) -> "ScaleConfig":
        if not self.values and (self.low is None or self.high is None):
            raise ValueError("a scale needs low and high, or values")
        low, high = self.range
        if low >= high:
            raise ValueError(f"low {low} must be below high {high}")
        if not all(low <= value <= high for value in self.values.values()):
            raise ValueError(f"a value lies outside {low:g}..{high:g}")
        return self

    @property
    def range(self) -> tuple[float, float]:
        low = min(self.values.values()) if self.low is None else self.low
        return low, max(self.values.values()) if self.high is None else self.high


class TombstoneConfig(Strict):
    """Which rows say that a feedback was deleted: those with any value in a column, or with one of `values`."""

    column: str
    values: list[str] | None = Field(None, description="such as [deleted, spam], in any case; null: any value at all")

    @field_validator("values", mode="before")
    @classmethod
    def _texts(cls, values: Any) -> Any:
        """YAML reads yes as true, and 1 as a number; a source may write either."""
        if not isinstance(values, list):
            return values
        if not values:
            raise ValueError("an empty list marks no row; leave `values` out if any value marks one")
        flags = {True: ["true", "yes"], False: ["false", "no"]}
        return [text for value in values for text in (flags[value] if isinstance(value, bool) else [str(value)])]


class SourceConfig(Strict):
    kind: str = Field(description="csv, jsonl, parquet, excel, datasets, sql or duckdb: see cx_nlp.sources.SOURCES")
    path: str | None = Field(None, description="a file or a glob, relative to the config file")
    url: Url | None = Field(
        None, description="a database for SQLAlchemy, or files for fsspec; ${NAME} is taken from the environment"
    )
    options: StorageOptions = Field(default_factory=dict, description="storage options of fsspec, such as {anon: true}")
    query: str | None = Field(None, description="a SELECT that may name :since and :until (local times of the source)")
    overlap: timedelta = Field(timedelta(days=2), description="how far before the watermark :since lies, such as 2d")
    sheet: str | int | None = Field(None, description="of an Excel workbook: name, or number from 1; default the first")
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
    tombstone: TombstoneConfig | None = Field(None, description="rows that delete the feedback of their id")
    snapshot: bool = Field(False, description="each reading is the whole source: what it no longer holds is removed")
    snapshot_min: float = Field(
        0.5, ge=0, le=1, description="a snapshot with a smaller share of what the lake holds stops the run"
    )
    max_rejected: float | None = Field(None, ge=0, le=1, description="a greater share of rejected rows stops the run")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return known_zone(name)

    @field_validator("overlap", mode="before")
    @classmethod
    def _span(cls, value: Any) -> Any:
        return read_span(value)

    @model_validator(mode="after")
    def _known_targets(self) -> "SourceConfig":
        for key in self.columns:
            if key not in TARGETS:
                raise UnknownName("column target", key, TARGETS)
        for key in self.fixed:
            if key not in FIXABLE:
                raise UnknownName("fixed target", key, FIXABLE)
        for key in self.scales:
            if key not in _SCALED:
                raise UnknownName("scale", key, _SCALED)
        if "submitted_at" not in self.columns and "submitted_at" not in self.fixed:
            raise ValueError("no date: map columns.submitted_at or set fixed.submitted_at")
        return self

    @model_validator(mode="after")
    def _whole(self) -> "SourceConfig":
        """Settings that only some kinds have, and that need one another."""
        given = [name for name in ("path", "url", "query") if getattr(self, name) is not None]
        if self.kind in _FILES and (len(given) != 1 or given == ["query"]):
            raise UsageError(f"kind {self.kind} needs one of path and url, got {' and '.join(given) or 'neither'}")
        if self.kind in _NEEDS and set(given) != set(_NEEDS[self.kind]):
            raise UsageError(
                f"kind {self.kind} needs {' and '.join(_NEEDS[self.kind])}, got {' and '.join(given) or 'neither'}"
            )
        if self.options and (self.kind not in _FILES or self.url is None):
            raise UsageError("options are fsspec's: they need a kind of file and its url")
        if self.sheet is not None and self.kind != "excel":
            raise UsageError(f"sheet is for kind excel, not {self.kind}")
        named = queries.parameters(self.query) if self.query is not None else set()
        if self.snapshot and named:
            raise UsageError("snapshot: true reads everything; leave :since and :until out of the query")
        if (self.tombstone or self.snapshot) and "feedback_id" not in self.columns:
            raise UsageError("tombstone and snapshot need columns.feedback_id: without ids no row can be told gone")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def known_zone(name: str) -> str:
    """The IANA name of a time zone. Raises UnknownName for another, with near ones."""
    if name not in available_timezones():
        raise UnknownName("timezone", name, available_timezones() if len(name) < 3 else _near_zones(name))
    return name


def read_span(value: Any) -> Any:
    """2d, 12h or 30m -> a timedelta; 0 is none. Raises ValueError for anything else."""
    if isinstance(value, timedelta) or value == 0:
        return timedelta(0) if value == 0 else value
    match = _SPAN.fullmatch(str(value).strip())
    # A float or a bare number would be read as seconds, which nobody means.
    if not match:
        raise ValueError("expected a time such as 2d, 12h or 30m")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _near_zones(name: str) -> list[str]:
    import difflib

    return difflib.get_close_matches(name, available_timezones(), n=5, cutoff=0.3) or ["UTC", "Europe/London"]
