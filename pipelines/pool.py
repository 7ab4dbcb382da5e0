"""Scoring in processes of its own: texts are parsed in Python, which uses one core a process.

No Prefect here: a process loads the model once and nothing else. One whose parent was killed ends by itself.
"""

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

from cx_nlp import discovery, history, night, store
from cx_nlp.config import Config
from cx_nlp.errors import TransientError
from cx_nlp.night import Night

MOST = 4  # processes by default: each holds the model and its share of the memory
_WATCH_SECONDS = 0.5
Call = Callable[..., Any]


def processes(wanted: int) -> int:
    """wanted: 0 takes one a core, at most MOST."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return wanted or max(1, min(cores, MOST))


@contextmanager
def pool(number: int) -> Iterator[Call]:
    """-> call(function, *arguments), which waits for the result; from several threads, that many run at once.

    number: 1 calls in this process. Raises TransientError if a process dies, as one that the system kills for its
    memory does.
    """
    if number == 1:
        alone = threading.Lock()  # the parser is not safe across threads

        def here(function: Call, *arguments: Any) -> Any:
            with alone:
                return function(*arguments)

        yield here
        return
    context = multiprocessing.get_context("spawn")  # a fork would take threads' locks along, and the lake's lock
    level = logging.getLogger("cx_nlp").getEffectiveLevel()
    executor = ProcessPoolExecutor(number, mp_context=context, initializer=_begin, initargs=(os.getpid(), level))

    def call(function: Call, *arguments: Any) -> Any:
        try:
            future: Future = executor.submit(function, *arguments)
            return future.result()
        except BrokenProcessPool:
            raise TransientError(
                "a process that scored was killed, perhaps for its memory; what was committed stays, and the next call "
                "goes on from there (--workers 1 needs the least memory)"
            ) from None

    try:
        yield call
    finally:
        executor.shutdown(cancel_futures=True)


def _begin(parent: int, level: int) -> None:
    logging.getLogger("cx_nlp").setLevel(max(level, logging.WARNING))
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def score(this: Night, plan: store.Plan, dates: Sequence[date], of: int) -> store.Built:
    """Some dates of a plan, as one of so many calls at once; in whichever process it is called."""
    from cx_nlp_pipelines import loaded

    config = _threaded(this.config, of)
    return night.score_dates(this, plan, dates, lambda: loaded.scorer(config), of=of)


def discover(this: Night, plan: store.Plan, built: Sequence[store.Built], of: int) -> list[store.Built]:
    """What was built of all dates of a plan, with the themes that are discovered in it."""
    from cx_nlp_pipelines import loaded

    config = _threaded(this.config, of)
    return discovery.discover(plan, built, lambda: loaded.scorer(config), config.discovery)


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
