"""The nightly flow: take what is new, decide what it means, score it, commit it as one change.

    cx-nlp run --config configs/sample.yaml

Works without a Prefect server. Tasks pass paths and counts, never frames; only what a second try can fix is tried
again.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import cx_nlp_pipelines  # noqa: F401  (sets Prefect quiet and offline before it is imported)
from cx_nlp_pipelines.loaded import scorer, taxonomy
from prefect import flow, runtime, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import State

from cx_nlp import discovery, logs, night, store
from cx_nlp.config import load_config
from cx_nlp.errors import TransientError
from cx_nlp.night import Night, Taken
from cx_nlp.publish import publish

LOCK_WAIT_SECONDS = 30.0
log = logging.getLogger("cx_nlp")


def _may_help(_task: object, _run: TaskRun, state: State) -> bool:
    """Whether to try again: only what the error's type calls transient, and trouble with a file share."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, TransientError | OSError)


@task(
    retries=2,
    retry_delay_seconds=[2, 10],
    retry_jitter_factor=0.5,
    retry_condition_fn=_may_help,
    cache_policy=NO_CACHE,
    task_run_name="take-{source}",
)
def take(this: Night, source: str, paths: Sequence[Path]) -> Taken:
    return night.take_source(this, source, paths)


@task(cache_policy=NO_CACHE)
def resolve(this: Night, taken: Sequence[Taken]) -> store.Plan:
    return night.resolve(this, taken)


@task(cache_policy=NO_CACHE, task_run_name="score-{dates[0]}")
def score(this: Night, plan: store.Plan, dates: Sequence[date]) -> store.Built:
    return night.score_dates(this, plan, dates, lambda: scorer(this.config))


@task(cache_policy=NO_CACHE)
def discover(this: Night, plan: store.Plan, built: Sequence[store.Built]) -> list[store.Built]:
    return discovery.discover(plan, built, lambda: scorer(this.config), this.config.discovery)


@task(cache_policy=NO_CACHE)
def measure(this: Night, plan: store.Plan, built: Sequence[store.Built]) -> store.Built:
    return night.measure(this, plan, built, taxonomy=taxonomy(this.config))


@task(cache_policy=NO_CACHE)
def commit(
    this: Night, plan: store.Plan, built: Sequence[store.Built], taken: Sequence[Taken], seconds: dict[str, float]
) -> dict[str, dict[str, int]]:
    version = scorer(this.config).model_version if any(one.scored for one in built) else None
    return night.commit(
        this, plan, built, taken, taxonomy=taxonomy(this.config), model_version=version, seconds=seconds
    )


@task(
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_jitter_factor=0.5,
    retry_condition_fn=_may_help,
    cache_policy=NO_CACHE,
)
def copy_out(this: Night) -> None:
    """The committed state, for readers of an object store. The night is committed, whatever becomes of the copy."""
    place = this.config.publish
    assert place is not None
    publish(this.lake, place.url, place.options, wait=LOCK_WAIT_SECONDS)


def publish_summary(this: Night, counts: dict[str, dict[str, int]]) -> None:
    """A table for Prefect's page. The night is committed by now: a server that is away must not make it a failure."""
    rows = [{"source": source, **numbers} for source, numbers in counts.items()]
    try:
        create_table_artifact(key="nightly-accounting", table=rows, description=f"Run {this.run_id}")
    except Exception as error:
        log.warning(
            "run %s is committed, but its summary could not be published: %s", this.run_id, type(error).__name__
        )


@contextmanager
def lake_of(this: Night) -> Iterator[None]:
    """The lake, whole and ours alone; a failure is written down and leaves it as it was."""
    with store.locked(this.lake, wait=LOCK_WAIT_SECONDS, holder=this.run_id):
        store.open_lake(this.lake)
        try:
            yield
        except Exception as error:
            try:
                night.fail(this, error)
            except Exception as second:
                log.warning("run %s failed and could not be written down: %s", this.run_id, type(second).__name__)
            raise


def _run_name() -> str:
    return f"nightly-{runtime.flow_run.parameters.get('only_date') or date.today().isoformat()}"


@flow(name="nightly", flow_run_name=_run_name)
def nightly(config: str, only_date: str | None = None, reread: bool = False) -> dict[str, dict[str, int]]:
    """One night over all sources of a config; -> the accounting by source."""
    settings = load_config(Path(config))
    night.check(settings)
    taxonomy(settings)
    day = date.fromisoformat(only_date) if only_date else None
    this = night.new_night(settings, flow="nightly", dates=(day, day) if day else None, reread=reread)
    with lake_of(this):
        stages = logs.Stages(this.run_id)
        taken = [take(this, source, paths) for source, paths in night.find_files(settings).items()]
        with stages("resolve"):
            plan = resolve(this, taken)
        with stages("score"):
            built = [score(this, plan, dates) for dates in plan.groups()]
            built = discover(this, plan, built)
        with stages("measure"):
            built.append(measure(this, plan, built))
        with stages("commit"):
            counts = commit(this, plan, built, taken, stages.seconds)
    publish_summary(this, counts)
    if settings.publish:
        copy_out(this)
    return counts
