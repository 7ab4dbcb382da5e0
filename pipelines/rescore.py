"""Rescore: bring the scores of history to one version, from the texts that the lake holds.

cx-nlp rescore --lake lake
"""

from functools import partial
from pathlib import Path

import cx_nlp_pipelines  # noqa: F401  (sets Prefect quiet and offline before it is imported)
from cx_nlp_pipelines import blocks, options
from cx_nlp_pipelines import pool as pools
from cx_nlp_pipelines.backfill import THREADS, score_all
from cx_nlp_pipelines.loaded import taxonomy
from cx_nlp_pipelines.nightly import lake_of
from cx_nlp_pipelines.quiet import quiet
from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from cx_nlp import history, night, remembered, store
from cx_nlp.config import Config, load_config
from cx_nlp.sources import credentials


def settings_of(lake: Path, config: str | None, model: str | None) -> Config:
    """What the lake's last run was told, or a config's settings; `model` replaces the model of either."""
    found = remembered.without_sources(load_config(Path(config))) if config else remembered.recall(lake)
    return found.model_copy(update={"lake": lake, **({"model": model} if model else {})})


@flow(name="rescore", task_runner=ThreadPoolTaskRunner(max_workers=THREADS))
@quiet
def rescore(
    lake: str,
    config: str | None = None,
    model: str | None = None,
    first: str | None = None,
    last: str | None = None,
    workers: int = 0,
) -> int:
    """-> rows that were scored again. first, last: dates, both included; without them all of history."""
    settings = settings_of(Path(lake), config, model)
    with credentials.looking_up(blocks.look_up):
        night.check(settings)
    taxonomy(settings)
    dates = None
    if first or last:
        dates = options.days(first or "0001-01-01", last or "9999-12-31")
    this = night.new_night(settings, flow="rescore", dates=dates)
    of = pools.processes(workers)
    with lake_of(this), pools.pool(of) as call:
        languages = store.rescoring.languages(this.lake, store.staging(this.lake, this.run_id))
        return history.rescore(
            this,
            call(pools.wanted, this, languages, of),
            score=partial(score_all, call, of),
            taxonomy=taxonomy(settings),
            model_version=lambda: call(pools.model_version, settings, of),
        )
