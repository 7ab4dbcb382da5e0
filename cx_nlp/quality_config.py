"""The part of a configuration that says when a night's data look wrong, and whether that warns or stops."""

import re

from pydantic import Field, field_validator, model_validator

from cx_nlp.strict import Strict

_BELOW = ("volume",)  # checks that speak where a value is too low; all others where it is too high


class Limits(Strict):
    """From where on a check warns, and from where on it stops the run; neither is given: it only notes the value."""

    warn: float | None = Field(default=None, ge=0)
    stop: float | None = Field(default=None, ge=0)


class QualityConfig(Strict):
    volume: Limits = Field(Limits(warn=0.5), description="new rows of the day, as a share of the median day: too few")
    surge: Limits = Field(Limits(warn=5.0), description="the same: too many")
    rejected: Limits = Field(Limits(warn=0.1), description="share of the rows read (see also max_rejected of a source)")
    unknown_language: Limits = Field(Limits(warn=0.3), description="share of the new texts that no model reads")
    nulls: Limits = Field(Limits(warn=0.25), description="a column's share of nulls, above what the lake has of late")
    drift: Limits = Field(Limits(warn=0.25), description="PSI of a sentiment probability against the reference month")
    ranges: Limits = Field(Limits(warn=0), description="values outside what their column may hold")
    duplicates: Limits = Field(Limits(stop=0), description="keys that stand twice")
    orphans: Limits = Field(Limits(stop=0), description="theme mentions without their feedback")
    history: int = Field(28, ge=1, description="days of runs (volume) and of feedback (nulls) to compare with")
    min_history: int = Field(7, ge=1, description="days of runs below which volume is not judged")
    min_rows: int = Field(200, ge=1, description="rows below which shares, nulls and drift are not judged")
    reference_month: str | None = Field(
        None,
        description="YYYY-MM that drift compares with; without one the last month that is over and has enough rows",
    )

    @field_validator("reference_month")
    @classmethod
    def _month(cls, month: str | None) -> str | None:
        if month is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
            raise ValueError(f"expected a month such as 2026-01, got {month!r}")
        return month

    @model_validator(mode="after")
    def _in_order(self) -> "QualityConfig":
        for name in type(self).model_fields:
            limits = getattr(self, name)
            if not isinstance(limits, Limits) or limits.warn is None or limits.stop is None:
                continue
            if limits.stop > limits.warn if name in _BELOW else limits.stop < limits.warn:
                side = "below" if name in _BELOW else "above"
                raise ValueError(f"{name}: stop ({limits.stop:g}) must lie {side} warn ({limits.warn:g})")
        return self
