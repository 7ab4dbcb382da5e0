"""Long work shows a bar on a terminal and plain log lines elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger("cx_nlp")
_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def bar(what: str, *, total: int | None) -> Iterator[Callable[[int], None]]:
    """-> a function to call with the number of items just done; `total` None means unknown."""
    started = time.monotonic()
    done = 0
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task(what, total=total)
            yield lambda n: shown.update(task, advance=n)
        return
    spoken = started

    def step(n: int) -> None:
        nonlocal done, spoken
        done += n
        if time.monotonic() - spoken >= _SECONDS_BETWEEN_LINES:
            spoken = time.monotonic()
            rate = done / (spoken - started)
            log.info("%s: %d%s rows, %.0f a second", what, done, f" of {total}" if total else "", rate)

    yield step
