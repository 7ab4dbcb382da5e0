"""The nightly flow: take what is new, decide what it means, score it, commit it as one change.

    cx-nlp run --config configs/sample.yaml

Works without a Prefect server. Tasks pass paths and counts, never frames; only what a second try can fix is tried again.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path

import cx_nlp_pipelines  # noqa: F401  (sets Prefect quiet and offline before it is imported)
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import State

from cx_nlp import night, store
from cx_nlp.config import load_config
from cx_nlp.errors import TransientError
from cx_nlp.night import Night, Taken
from cx_nlp.score.scorer import Scorer
from cx_nlp.themes.taxonomy import Taxonomy, load_taxonomies

LOCK_WAIT_SECONDS = 30.0


def _may_help(_task: object, _run: TaskRun, state: State) -> bool:
    """Whether to try again: only what the error's type calls transient, and trouble with a file share."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, TransientError | OSError)


@lru_cache(maxsize=1)
def _scorer(model: str, taxonomies: tuple[str, ...], threads: int) -> Scorer:
    """The model is loaded once a process, whatever the number of tasks."""
    return Scorer.load(model=model, taxonomy=_taxonomy(taxonomies), threads=threads)


@lru_cache(maxsize=1)
def _taxonomy(names: tuple[str, ...]) -> Taxonomy:
    return load_taxonomies(names)


def _scorer_of(this: Night) -> Scorer:
    return _scorer(this.config.model, tuple(this.config.taxonomies), this.config.threads)


@task(
    retries=2, retry_delay_seconds=[2, 10], retry_jitter_factor=0.5, retry_condition_fn=_may_help, cache_policy=NO_CACHE
)
def take(this: Night, source: str, paths: Sequence[Path]) -> Taken:
    return night.take_source(this, source, paths)


@task(cache_policy=NO_CACHE)
def resolve(this: Night) -> store.Plan:
    return night.resolve(this)


@task(cache_policy=NO_CACHE, task_run_name="score-{dates[0]}")
def score(this: Night, plan: store.Plan, dates: Sequence[date]) -> store.Built:
    return night.score_dates(this, plan, dates, lambda: _scorer_of(this))


@task(cache_policy=NO_CACHE)
def commit(
    this: Night, plan: store.Plan, built: Sequence[store.Built], taken: Sequence[Taken], seconds: dict[str, float]
) -> dict[str, dict[str, int]]:
    taxonomy = _taxonomy(tuple(this.config.taxonomies))
    version = _scorer_of(this).model.version if any(one.scored for one in built) else None
    return night.commit(this, plan, built, taken, taxonomy=taxonomy, model_version=version, seconds=seconds)


@task(cache_policy=NO_CACHE)
def publish_summary(this: Night, counts: dict[str, dict[str, int]]) -> None:
    rows = [{"source": source, **numbers} for source, numbers in counts.items()]
    create_table_artifact(key="nightly-accounting", table=rows, description=f"Run {this.run_id}")


@contextmanager
def _lake_of(this: Night) -> Iterator[None]:
    """The lake, whole and ours alone; a failure is written down and leaves it as it was."""
    with store.locked(this.lake, wait=LOCK_WAIT_SECONDS, holder=this.run_id):
        store.open_lake(this.lake)
        try:
            yield
        except Exception as error:
            night.fail(this, error)
            raise


@flow(name="nightly", flow_run_name="nightly-{only_date}", validate_parameters=True)
def nightly(config: str, only_date: str | None = None, reread: bool = False) -> dict[str, dict[str, int]]:
    """One night over all sources of a config; -> the accounting by source."""
    settings = load_config(Path(config))
    paths = night.check(settings)
    this = night.new_night(
        settings, flow="nightly", only_date=date.fromisoformat(only_date) if only_date else None, reread=reread
    )
    with _lake_of(this):
        taken = [take(this, source, found) for source, found in paths.items()]
        started = time.monotonic()
        plan = resolve(this)
        resolved = time.monotonic()
        built = [score(this, plan, dates) for dates in plan.groups()]
        seconds = {"resolve": resolved - started, "score": time.monotonic() - resolved}
        counts = commit(this, plan, built, taken, seconds)
    publish_summary(this, counts)
    return counts
