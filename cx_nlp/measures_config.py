"""The part of a configuration that says how figures are made and when they are shown."""

from pathlib import Path

from pydantic import Field, model_validator

from cx_nlp.errors import UnknownName
from cx_nlp.leader_config import CloseTheLoopConfig
from cx_nlp.strict import Strict

FILES = ("outcomes", "loops", "beliefs", "actions")  # files beside the feedback


class MeasuresConfig(Strict):
    min_n: int = Field(20, ge=1, description="rows below which a figure is suppressed")
    days: int = Field(92, ge=0, description="days before the latest one that are shown day by day")
    weeks: int = Field(53, ge=0, description="weeks before the latest one that are shown week by week; months all are")
    journey: list[str] = Field(default_factory=list, description="touchpoints in order; others follow by first use")
    known_shares: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="channel | touchpoint | segment: each value's share among all customers"
    )
    outcomes: Path | None = Field(None, description="what customers did: CSV or Parquet, see docs/measures.md")
    loops: Path | None = Field(None, description="what was answered, and when: CSV or Parquet, see docs/measures.md")
    advocates: int = Field(500, ge=0, description="rows that the list of advocates has at most")
    beliefs: Path | None = Field(None, description="what leaders believe: CSV, see docs/measures.md")
    actions: Path | None = Field(None, description="what was done about a theme: CSV, see docs/measures.md")
    close_the_loop: CloseTheLoopConfig = Field(
        default_factory=lambda: CloseTheLoopConfig.model_validate({}), description="what needs an answer"
    )

    def from_folder(self, base: Path) -> "MeasuresConfig":
        """With paths that are relative to the config file made absolute."""
        beside = {name: base / path for name in FILES if (path := getattr(self, name)) is not None}
        return self.model_copy(update=beside)

    @model_validator(mode="after")
    def _shares(self) -> "MeasuresConfig":
        for split, shares in self.known_shares.items():
            if split not in ("channel", "touchpoint", "segment"):
                raise UnknownName("split of known_shares", split, ("channel", "touchpoint", "segment"))
            if min(shares.values(), default=0) <= 0 or abs(sum(shares.values()) - 1) > 0.01:
                raise ValueError(f"known_shares.{split} must be above 0 and add up to 1, got {sum(shares.values()):g}")
        return self
