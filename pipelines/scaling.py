"""Scoring a plan's dates: one after the other in this process, or side by side on a Dask cluster.

A task is a group of dates: it gets paths, counts and dates, and gives paths and counts. Its worker loads the model once.
What a killed worker had built already is found again in the run's scratch folder (`store.build`), so a task that Dask
runs twice scores nothing twice; what it had begun is written anew under the same names, with the same bytes.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date

from cx_nlp_pipelines import pool
from cx_nlp_pipelines.quiet import quiet
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import TaskRunner

from cx_nlp import store
from cx_nlp.errors import TransientError, UsageError
from cx_nlp.flow_config import DaskConfig
from cx_nlp.night import Night

Done = Callable[[int], None]
Process = Callable[[], AbstractContextManager[pool.Call]]
Score = Callable[[pool.Call, Night, store.Plan, Sequence[date]], store.Built]
GROUPS = 8  # of dates that one process scores: what its libraries keep grows by some 5 MB a group


@task(cache_policy=NO_CACHE, task_run_name="score-{dates[0]}", tags=["cx-nlp"])
@quiet
def score_part(this: Night, plan: store.Plan, dates: Sequence[date], of: int) -> store.Built:
    return pool.score(this, plan, dates, of)


def score_all(
    score: Callable[[], Score], process: Process, this: Night, plan: store.Plan, done: Done
) -> list[store.Built]:
    """Every group of dates -> what waits for the commit, in the plan's order.

    score: gives the task that does it without a cluster; process: where it calls what it does, anew for each GROUPS.
    """
    dask = this.config.dask
    if dask is None or not sum(plan.to_score.values()):
        built, groups = [], plan.groups()
        for first in range(0, len(groups), GROUPS):
            with process() as call:
                for dates in groups[first : first + GROUPS]:
                    built.append(score()(call, this, plan, dates))
                    done(_rows(plan, dates))
        return built
    groups = plan.groups(dask.rows)
    with _cluster(dask) as runner:
        common = {"this": this, "plan": plan, "of": dask.workers or 1}
        futures = [runner.submit(score_part, parameters={**common, "dates": dates}) for dates in groups]
        built = []
        for future, dates in zip(futures, groups, strict=True):
            built.append(_result(future))
            done(_rows(plan, dates))
        return built


def _result(future: PrefectFuture) -> store.Built:
    """Raises TransientError where a task has taken one worker after the other with it."""
    try:
        return future.result()
    except Exception as error:
        if type(error).__name__ != "KilledWorker":  # of `distributed`, which only a cluster needs
            raise
        raise TransientError("dask: workers that scored were killed several times, perhaps for their memory") from None


def _rows(plan: store.Plan, dates: Sequence[date]) -> int:
    return sum(plan.to_score[day] for day in dates)


@contextmanager
def _cluster(dask: DaskConfig) -> Iterator[TaskRunner]:
    """A cluster of this machine for the time being, or a client of the one that runs at the address."""
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError:
        raise UsageError("dask: prefect-dask is not installed: pip install 'cx-nlp[dask]'") from None
    logging.getLogger("distributed").setLevel(logging.ERROR)
    if dask.scheduler:
        runner = DaskTaskRunner(address=dask.scheduler)
    else:
        # One thread a worker: it scores one group at a time, and its model uses as many threads as its share of the cores.
        local = {"n_workers": dask.workers, "threads_per_worker": 1, "processes": True, "host": "127.0.0.1"}
        runner = DaskTaskRunner(cluster_kwargs={**local, "dashboard_address": None})
    with get_client(sync_client=True) as client:
        api = str(client.api_url).rstrip("/")
    # Without an address each worker would start a server of its own.
    with temporary_settings({PREFECT_API_URL: api}), runner:
        yield runner
