"""Backfill: take the feedback of a range of dates from the sources, whatever the watermarks say.

    cx-nlp backfill --config configs/sample.yaml --from 2026-01-01 --to 2026-03-31

Days are scored side by side in processes of their own; groups of days are committed one after the other.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import cx_nlp_pipelines  # noqa: F401  (sets Prefect quiet and offline before it is imported)
from cx_nlp_pipelines import blocks, hooks, options
from cx_nlp_pipelines import pool as pools
from cx_nlp_pipelines.loaded import taxonomy
from cx_nlp_pipelines.nightly import lake_of, take
from cx_nlp_pipelines.quiet import quiet
from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ThreadPoolTaskRunner

from cx_nlp import history, logs, night, store
from cx_nlp.config import Config, load_config
from cx_nlp.night import Night
from cx_nlp.sources import credentials

# Its threads only wait for the processes, which are what bounds the work.
THREADS = 8


@task(cache_policy=NO_CACHE, task_run_name="score-{dates[0]}")
@quiet
def score(call: pools.Call, this: Night, plan: store.Plan, dates: Sequence[date], of: int) -> store.Built:
    return call(pools.score, this, plan, dates, of)


def score_all(
    call: pools.Call, of: int, this: Night, plan: store.Plan, done: Callable[[int], None]
) -> list[store.Built]:
    """A plan's dates in parts, side by side, and then the themes that are discovered in them, in order of date."""
    built = []
    groups = plan.groups(history.TASK_ROWS)
    for first in range(0, len(groups), THREADS):  # bounded: no thousands of waiting tasks
        waiting = {score.submit(call, this, plan, dates, of): dates for dates in groups[first : first + THREADS]}
        for future, dates in waiting.items():
            built.append(future.result())
            done(sum(plan.to_score[day] for day in dates))
    return call(pools.discover, this, plan, built, of)


def _run_name() -> str:
    given = runtime.flow_run.parameters
    return f"backfill-{given.get('first')}-{given.get('last')}"


@flow(
    name="backfill",
    flow_run_name=_run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=THREADS),
    on_failure=[hooks.tell],
    on_crashed=[hooks.tell],
)
@quiet
def backfill(config: str, first: str, last: str, workers: int = 0) -> dict[str, dict[str, int]]:
    """The feedback of `first` to `last` (dates, both included); -> the accounting by source, over all groups."""
    settings = load_config(Path(config))
    with credentials.looking_up(blocks.look_up):
        return _backfill(settings, first, last, workers)


def _backfill(settings: Config, first: str, last: str, workers: int) -> dict[str, dict[str, int]]:
    night.check(settings)
    taxonomy(settings)
    dates = options.days(first, last)
    this = night.new_night(settings, flow="backfill", dates=dates)
    of = pools.processes(workers)
    with lake_of(this), pools.pool(of) as call:
        stages = logs.Stages(this.run_id)
        with stages("read"):
            for source, paths in night.find_files(settings).items():
                options.Timed(settings.flow)(take)(this, source, paths)
        return history.backfill(
            this,
            score=partial(score_all, call, of),
            taxonomy=taxonomy(settings),
            model_version=lambda: call(pools.model_version, settings, of),
        )
