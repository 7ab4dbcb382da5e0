"""Log lines that a machine can read too: counts and ids beside the message, never the text of a row.

    cx-nlp --log json run --config FILE     (or CX_NLP_LOG=json)

gives one JSON object a line: time, level, message, and where they are known run_id, stage, seconds and counts.
"""

import datetime as dt
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

FORMATS = ("text", "json")
VARIABLE = "CX_NLP_LOG"
log = logging.getLogger("cx_nlp")
_kind: str | None = None  # of this process, once it is set up
Rows = TypeVar("Rows", bound=Sized)
Result = TypeVar("Result")


class JsonLines(logging.Formatter):
    """A record as one JSON object on one line; what `fields` gave stands beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "cx_nlp", {}),
        }
        if record.exc_info and record.exc_info[0]:
            # Its message may quote a row.
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False, default=str)


def fields(run_id: str, stage: str, **values: object) -> dict[str, dict[str, object]]:
    """For `extra` of a log call. values: counts, seconds and names of sources; never text of a row."""
    return {"cx_nlp": {"run_id": run_id, "stage": stage, **values}}


def set_up(kind: str, *, level: int = logging.INFO) -> None:
    """Send logs to stderr as `text` or `json`. Libraries speak only when something is wrong."""
    global _kind
    _kind = kind
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S")
    handler.setFormatter(JsonLines() if kind == "json" else plain)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    log.setLevel(level)


def as_here() -> tuple[str, int]:
    """Kind and level for `set_up` in a process that this one starts; a worker's process, which no command has set up,
    speaks as the environment says.
    """
    return _kind or os.environ.get(VARIABLE, "text"), log.getEffectiveLevel()


class Stages:
    """Seconds by stage of one run, each logged as it ends.

    with stages("resolve"): ...     then stages.seconds == {"resolve": 1.2}
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """A stage that is entered again adds to its seconds; one that fails is not logged as done."""
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        log.info(
            "run %s: %s took %.1f s", self.run_id, stage, seconds,
            extra=fields(self.run_id, stage, seconds=round(seconds, 3)),
        )  # fmt: skip


def timed(run_id: str, stage: str, function: Callable[[Rows], Result]) -> Callable[[Rows], Result]:
    """The function of some rows, each call logged with how many they were and how long it took."""

    def call(rows: Rows) -> Result:
        started = time.monotonic()
        result = function(rows)
        seconds = time.monotonic() - started
        log.info(
            "run %s: %s took %.1f s for %d rows", run_id, stage, seconds, len(rows),
            extra=fields(run_id, stage, seconds=round(seconds, 3), rows=len(rows)),
        )  # fmt: skip
        return result

    return call
