"""The part of a configuration that says when nights run, how long they may take, and who hears of it when they do not."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cx_nlp.deliver import check_urls
from cx_nlp.source_config import known_zone, read_span
from cx_nlp.strict import Strict, Url

Span = Annotated[timedelta, BeforeValidator(read_span)]


class FlowConfig(Strict):
    cron: str = Field("0 3 * * *", description="when `cx-nlp schedule` starts the night: minute hour day month weekday")
    timezone: str = Field("UTC", description="IANA name that cron is local to")
    retries: int = Field(2, ge=0, description="further tries of what another try may help: a source that is away")
    retry_delay: list[float] = Field(
        [2, 10], min_length=1, description="seconds before each further try, then the last"
    )
    jitter: float = Field(0.5, ge=0, description="share by which each delay is stretched at random")
    timeout: Span | None = Field(None, description="of the whole night, such as 6h; without one it may take for ever")
    task_timeout: Span | None = Field(None, description="of one task: a source read, a group of days scored")
    late_after: Span | None = Field(None, description="a night not done so long after its start by cron is reported")

    @field_validator("cron")
    @classmethod
    def _five(cls, cron: str) -> str:
        if len(cron.split()) != 5:
            raise ValueError("expected five fields: minute hour day month weekday, such as '0 3 * * *'")
        return cron

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return known_zone(name)

    @field_validator("timeout", "task_timeout", "late_after")
    @classmethod
    def _some(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value <= timedelta(0):
            raise ValueError("expected more than no time, such as 2h")
        return value


class DaskConfig(Strict):
    """Scoring on a Dask cluster: a local one of so many worker processes, or one that runs at an address."""

    workers: int | None = Field(None, ge=1, description="processes of a cluster of this machine")
    scheduler: Url | None = Field(None, description="tcp://host:port of a cluster that shares the lake's folder")
    rows: int = Field(20_000, ge=1, description="rows a task scores, at least")

    @model_validator(mode="after")
    def _one(self) -> "DaskConfig":
        if (self.workers is None) == (self.scheduler is None):
            raise ValueError("expected workers (of this machine) or scheduler (an address), one of the two")
        return self


class EvaluationConfig(Strict):
    """A labelled file that the evaluation flow measures the config's model on."""

    task: str = Field(description="as in `cx-nlp evaluate`: sentiment, emotion or aspect")
    data: str = Field(description="CSV, JSONL or Parquet as `cx-nlp evaluate` reads it")
    floor: dict[str, float] = Field(
        default_factory=dict, description="figure: a value that its whole 95% interval must not lie below"
    )


def check_notify(urls: list[str]) -> list[str]:
    """URLs that hear of a night that failed or is late. Raises UsageError for one with a secret in plain text."""
    check_urls(urls, where="notify")
    return urls
