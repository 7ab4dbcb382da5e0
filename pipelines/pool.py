"""Scoring in processes of its own: texts are parsed in Python, which uses one core a process.

A process also gives back all that it held as it ends, which no library does: `apart` bounds the memory of large nights.
No Prefect here: a process loads the model once and nothing else. One whose parent was killed ends by itself.
"""

import atexit
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import date
from typing import Any

from cx_nlp_pipelines.quiet import quiet

from cx_nlp import discovery, history, logs, night, store
from cx_nlp.config import Config
from cx_nlp.errors import TransientError, UsageError
from cx_nlp.night import Night
from cx_nlp.themes.taxonomy import Taxonomy

MOST = 4  # processes by default: each holds the model and its share of the memory
_WATCH_SECONDS = 0.5
Call = Callable[..., Any]


def processes(wanted: int) -> int:
    """wanted: 0 takes one a core, at most MOST."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return wanted or max(1, min(cores, MOST))


@contextmanager
def pool(number: int, *, apart: bool = False) -> Iterator[Call]:
    """-> call(function, *arguments), which waits for the result; from several threads, that many run at once.

    number: 1 calls in this process; apart: not even then, and the one process logs and draws its bar as this one would.
    Processes end with the block, at once if it raises: after a timeout nobody waits for what they were doing. Raises
    TransientError if a process dies, as one that the system kills for its memory does, and UsageError if none has begun.
    """
    if number == 1 and not apart:
        alone = threading.Lock()  # the parser is not safe across threads

        def here(function: Call, *arguments: Any) -> Any:
            with alone:
                return function(*arguments)

        yield here
        return
    context = multiprocessing.get_context("spawn")  # a fork would take threads' locks along, and the lake's lock
    kind, level = logs.as_here()
    level = level if apart else max(level, logging.WARNING)  # of several, each would tell the same
    over, begun = context.RawValue("b", 0), context.RawValue("b", 0)  # no lock: a process that is killed would keep it
    executor = ProcessPoolExecutor(
        number, mp_context=context, initializer=_begin, initargs=(os.getpid(), over, begun, kind, level)
    )

    def call(function: Call, *arguments: Any) -> Any:
        try:
            future: Future = executor.submit(_quietly, function, *arguments)
            return future.result()
        except BrokenProcessPool:
            if not begun.value:  # each imports the script that runs, and dies of a script that runs all once more
                raise UsageError(
                    'a process of this run ended before it began: a script must call this below if __name__ == "__main__":'
                ) from None
            raise TransientError(
                "a process of this run was killed, perhaps for its memory; what was committed stays, and the next call "
                "goes on from there" + (" (--workers 1 needs the least memory)" if number > 1 else "")
            ) from None

    try:
        yield call
    except BaseException:
        over.value = 1
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _begin(parent: int, over: Any, begun: Any, kind: str, level: int) -> None:
    begun.value = 1
    logs.set_up(kind, level=level)
    # Its results are sent: an interpreter taken down to the end lets libraries write of their leaks into the log.
    atexit.register(os._exit, 0)
    threading.Thread(target=_watch, args=(parent, over), daemon=True).start()


def _quietly(function: Call, *arguments: Any) -> Any:
    """Where a defect happened is known only here: its traceback does not travel."""
    return quiet(function)(*arguments)


def _watch(parent: int, over: Any) -> None:
    while os.getppid() == parent and not over.value:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def score(this: Night, plan: store.Plan, dates: Sequence[date], of: int | None) -> store.Built:
    """Some dates of a plan, as one of so many calls at once (None: alone, with a bar); in whichever process it is called."""
    from cx_nlp_pipelines import loaded

    config = _threaded(this.config, of or 1)
    return night.score_dates(this, plan, dates, lambda: loaded.scorer(config), of=of)


def discover(
    this: Night, plan: store.Plan, built: Sequence[store.Built], of: int, model: str | None = None
) -> list[store.Built]:
    """What was built of all dates of a plan, with the themes that are discovered in it. model: as `discovery.discover`."""
    from cx_nlp_pipelines import loaded

    config = _threaded(this.config, of)
    return discovery.discover(plan, built, lambda: loaded.scorer(config), config.discovery, model=model)


def measure(this: Night, plan: store.Plan, built: Sequence[store.Built], taxonomy: Taxonomy) -> store.Built:
    """The measures of the lake as this run will leave it. taxonomy: loaded, as loading it takes 80 MB."""
    return night.measure(this, plan, built, taxonomy=taxonomy)


def versions(config: Config) -> tuple[str, str]:
    """Of the scorer and of its vectors; the scorer itself goes, for the rest of the night needs its memory."""
    from cx_nlp_pipelines import loaded

    scorer = loaded.scorer(config)
    found = scorer.model_version, scorer.model.vectors
    del scorer
    loaded.release()
    return found


def wanted(this: Night, languages: Sequence[str], of: int) -> store.rescoring.Wanted:
    """What this config's scorer would write today."""
    from cx_nlp_pipelines import loaded

    return history.wanted(this, loaded.scorer(_threaded(this.config, of)), languages)


def model_version(config: Config, of: int) -> str:
    """Of all heads of all languages."""
    from cx_nlp_pipelines import loaded

    return loaded.scorer(_threaded(config, of)).model_version


def _threaded(config: Config, of: int) -> Config:
    """Cores are shared out between processes; a number of threads that the config names is each one's own."""
    if config.threads or of == 1:
        return config
    return config.model_copy(update={"threads": max(1, processes(0) // of)})
