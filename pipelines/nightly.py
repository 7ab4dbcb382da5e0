"""The nightly flow: take what is new, decide what it means, score it, commit it as one change.

    cx-nlp run --config configs/sample.yaml

Works without a Prefect server. Tasks pass paths and counts, never frames; only what a second try can fix is tried
again.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path

import cx_nlp_pipelines  # noqa: F401  (sets Prefect quiet and offline before it is imported)
from prefect import flow, runtime, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import State

from cx_nlp import alerting, night, store
from cx_nlp.config import Config, load_config
from cx_nlp.errors import TransientError
from cx_nlp.night import Night, Taken
from cx_nlp.score import hub
from cx_nlp.score.model import find_model
from cx_nlp.score.replacement import Replacement
from cx_nlp.score.scorer import Scorer
from cx_nlp.themes.reading import resolve as find_taxonomy
from cx_nlp.themes.taxonomy import Taxonomy, load_taxonomies

LOCK_WAIT_SECONDS = 30.0
log = logging.getLogger("cx_nlp")


def _may_help(_task: object, _run: TaskRun, state: State) -> bool:
    """Whether to try again: only what the error's type calls transient, and trouble with a file share."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, TransientError | OSError)


# Model and taxonomy are loaded once a process, whatever the number of tasks; a process that lives for many nights
# loads them again once their files have changed, which is what the digest in the key is for.
@lru_cache(maxsize=1)
def _loaded_taxonomy(names: tuple[str, ...], digest: str) -> Taxonomy:
    return load_taxonomies(names)


@lru_cache(maxsize=1)
def _loaded_scorer(
    model: str,
    digest: str,
    names: tuple[str, ...],
    names_digest: str,
    threads: int,
    engine: str,
    replacements: tuple[Replacement, ...],
    prints: tuple[str, ...],
) -> Scorer:
    taxonomy = _loaded_taxonomy(names, names_digest)
    return Scorer.load(model=model, taxonomy=taxonomy, threads=threads, engine=engine, replacements=replacements)


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def _taxonomy(config: Config) -> Taxonomy:
    return _loaded_taxonomy(*_named(config))


def _named(config: Config) -> tuple[tuple[str, ...], str]:
    return tuple(config.taxonomies), _digest(*map(find_taxonomy, config.taxonomies))


def _scorer(config: Config) -> Scorer:
    digest = _digest(find_model(config.model) / "model.json")
    prints = tuple(hub.fingerprint(hub.locate(one.model, one.revision)) for one in config.replacements)
    names = _named(config)
    return _loaded_scorer(config.model, digest, *names, config.threads, config.engine, config.replacements, prints)


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
    return night.score_dates(this, plan, dates, lambda: _scorer(this.config))


@task(cache_policy=NO_CACHE)
def measure(this: Night, plan: store.Plan, built: Sequence[store.Built]) -> store.Built:
    return night.measure(this, plan, built, taxonomy=_taxonomy(this.config))


@task(cache_policy=NO_CACHE)
def commit(
    this: Night, plan: store.Plan, built: Sequence[store.Built], taken: Sequence[Taken], seconds: dict[str, float]
) -> dict[str, dict[str, int]]:
    version = _scorer(this.config).model_version if any(one.scored for one in built) else None
    return night.commit(
        this, plan, built, taken, taxonomy=_taxonomy(this.config), model_version=version, seconds=seconds
    )


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
def _lake_of(this: Night) -> Iterator[None]:
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
    _taxonomy(settings)
    day = date.fromisoformat(only_date) if only_date else None
    this = night.new_night(settings, flow="nightly", only_date=day, reread=reread)
    with _lake_of(this):
        taken = [take(this, source, paths) for source, paths in night.find_files(settings).items()]
        started = time.monotonic()
        plan = resolve(this, taken)
        resolved = time.monotonic()
        built = [score(this, plan, dates) for dates in plan.groups()]
        seconds = {"resolve": resolved - started, "score": time.monotonic() - resolved}
        built.append(measure(this, plan, built))
        before = alerting.standing(this.lake)
        counts = commit(this, plan, built, taken, seconds)
    alerting.announce(settings.alerts, this.lake, this.run_id, before)
    publish_summary(this, counts)
    return counts
