"""The nightly flow: take what is new, decide what it means, score it, commit it as one change.

    cx-nlp run --config configs/sample.yaml

Works without a Prefect server. Tasks pass paths and counts, never frames; only what a second try can fix is tried
again.
"""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import cx_nlp_pipelines  # noqa: F401  (sets Prefect quiet and offline before it is imported)
from cx_nlp_pipelines import artifacts, blocks, hooks, options, scaling
from cx_nlp_pipelines import pool as pools
from cx_nlp_pipelines.loaded import taxonomy
from cx_nlp_pipelines.quiet import quiet
from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE

from cx_nlp import alerting, language, logs, memory, night, quality, store
from cx_nlp.config import Config, load_config
from cx_nlp.errors import LakeError, SourceError
from cx_nlp.flow_config import DaskConfig
from cx_nlp.night import Night, Taken
from cx_nlp.publish import publish
from cx_nlp.sources import credentials
from cx_nlp.themes.taxonomy import Taxonomy

LOCK_WAIT_SECONDS = 30.0
# Rows to score and in the lake beyond which heavy stages run in processes of their own, so that none has to share the
# night's memory with what the one before it keeps. Smaller nights are spared the seconds that such a process takes to start.
LARGE = 10_000
ROW_BYTES = 100  # of a file: what it may hold is to be known before it is read
TAGS = ("cx-nlp",)
log = logging.getLogger("cx_nlp")


# How often and how long is set by the config: see `options.Timed`. A task without retries is never tried again.
@task(retries=2, retry_condition_fn=options.may_help, cache_policy=NO_CACHE, task_run_name="take-{source}", tags=TAGS)
@quiet
def take(this: Night, source: str, paths: Sequence[Path]) -> Taken:
    return night.take_source(this, source, paths)


@task(cache_policy=NO_CACHE, tags=TAGS)
@quiet
def resolve(call: pools.Call, this: Night, taken: Sequence[Taken]) -> store.Plan:
    return call(night.resolve, this, taken)


@task(cache_policy=NO_CACHE, tags=TAGS)
@quiet
def check_entry(this: Night, plan: store.Plan) -> list[quality.Check]:
    checks = quality.entry(plan, this.config.quality, flow=this.flow)
    quality.enforce(checks)
    return checks


@task(cache_policy=NO_CACHE, task_run_name="score-{dates[0]}", tags=TAGS)
@quiet
def score(call: pools.Call, this: Night, plan: store.Plan, dates: Sequence[date]) -> store.Built:
    return call(pools.score, this, plan, dates, None)


@task(cache_policy=NO_CACHE, tags=TAGS)
@quiet
def discover(
    call: pools.Call, this: Night, plan: store.Plan, built: Sequence[store.Built], model: str | None
) -> list[store.Built]:
    return call(pools.discover, this, plan, built, 1, model)


@task(cache_policy=NO_CACHE, tags=TAGS)
@quiet
def measure(
    call: pools.Call, this: Night, plan: store.Plan, built: Sequence[store.Built], themes: Taxonomy
) -> store.Built:
    return call(pools.measure, this, plan, built, themes)


@task(cache_policy=NO_CACHE, tags=TAGS)
@quiet
def check_exit(
    this: Night, plan: store.Plan, built: Sequence[store.Built], entered: Sequence[quality.Check]
) -> list[quality.Check]:
    checks = [*entered, *quality.leaving(plan, built, this.config.quality)]
    quality.enforce(checks[len(entered) :], before=entered)
    return checks


@task(cache_policy=NO_CACHE, tags=TAGS)
@quiet
def commit(
    this: Night,
    plan: store.Plan,
    built: Sequence[store.Built],
    taken: Sequence[Taken],
    *,
    themes: Taxonomy,
    model_version: str | None,
    seconds: dict[str, float],
) -> dict[str, dict[str, int]]:
    return night.commit(this, plan, built, taken, taxonomy=themes, model_version=model_version, seconds=seconds)


@task(**options.TRIED_AGAIN, cache_policy=NO_CACHE, tags=TAGS)
@quiet
def copy_out(this: Night) -> None:
    """The committed state, for readers of an object store. The night is committed, whatever becomes of the copy."""
    place = this.config.publish
    assert place is not None
    publish(this.lake, place.url, place.options, wait=LOCK_WAIT_SECONDS)


@contextlib.contextmanager
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


def _may_be_large(settings: Config) -> bool:
    """Whether files and lake may hold more than LARGE rows together; how many rows a query gives, nobody knows yet."""
    rows = 0.0
    with contextlib.suppress(SourceError, LakeError, OSError):  # the stage that reads them tells
        found = night.find_files(settings).values()
        rows += sum(path.stat().st_size for paths in found for path in paths if path.is_file()) / ROW_BYTES
        rows += store.rows(settings.lake, "feedback")
    return rows > LARGE


def _run_name() -> str:
    return f"nightly-{runtime.flow_run.parameters.get('only_date') or date.today().isoformat()}"


@flow(name="nightly", flow_run_name=_run_name, on_failure=[hooks.tell], on_crashed=[hooks.tell])
@quiet
def nightly(
    config: str, only_date: str | None = None, reread: bool = False, workers: int | None = None
) -> dict[str, dict[str, int]]:
    """One night over all sources of a config; -> the accounting by source.

    workers: score in so many processes of a local Dask cluster, whatever the config says of `dask`.
    """
    if log.level == logging.NOTSET:
        log.setLevel(logging.INFO)  # a worker's process: no command has set it
    settings = load_config(Path(config))
    if workers:
        settings = settings.model_copy(update={"dask": DaskConfig(workers=workers)})
    day = options.day(only_date, "only_date") if only_date else None
    with credentials.looking_up(blocks.look_up):
        return _night(settings, day, reread)


def _night(settings: Config, day: date | None, reread: bool) -> dict[str, dict[str, int]]:
    timed = options.Timed(settings.flow)
    night.check(settings)
    large = _may_be_large(settings)
    process = partial(pools.pool, 1, apart=large)
    with process() as call:  # it loads spaCy, to check the patterns
        themes = call(taxonomy, settings)
    this = night.new_night(settings, flow="nightly", dates=(day, day) if day else None, reread=reread)
    with lake_of(this):
        stages = logs.Stages(this.run_id)
        with stages("read"):
            taken = [timed(take)(this, source, paths) for source, paths in night.find_files(settings).items()]
        with stages("resolve"), process() as call:
            plan = timed(resolve)(call, this, taken)
        language.release()
        memory.give_back()
        with stages("quality"):
            checks = timed(check_entry)(this, plan)
        total = sum(plan.to_score.values())
        process = partial(pools.pool, 1, apart=large or total + store.rows(this.lake, "feedback") > LARGE)
        progress = artifacts.progress("nightly-progress", total=total, run_id=this.run_id)
        with stages("score"), progress as done:
            built = scaling.score_all(lambda: timed(score), process, this, plan, done)
            version, vectors = None, None
            if any(one.scored for one in built):
                with process() as call:
                    version, vectors = call(pools.versions, settings)
        with stages("discover"), process() as call:
            built = timed(discover)(call, this, plan, built, vectors)
        with stages("measure"), process() as call:
            built.append(timed(measure)(call, this, plan, built, themes))
        with stages("quality"):
            checks = timed(check_exit)(this, plan, built, checks)
            built.append(quality.keep(plan, built, checks))
        before = alerting.standing(this.lake)
        with stages("commit"):
            counts = commit(this, plan, built, taken, themes=themes, model_version=version, seconds=stages.seconds)
    alerting.announce(settings.alerts, this.lake, this.run_id, before)
    artifacts.accounting(counts, run_id=this.run_id)
    artifacts.gates(checks, run_id=this.run_id)
    artifacts.themes(this.lake, run_id=this.run_id)
    if settings.publish:
        options.Timed(settings.flow)(copy_out)(this)
    return counts
