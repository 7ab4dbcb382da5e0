"""The watch: a flow of its own schedule that fails, and so tells people, where the lake has no night of late."""

import datetime as dt
from pathlib import Path

import cx_nlp_pipelines  # noqa: F401  (sets Prefect quiet and offline before it is imported)
from cx_nlp_pipelines import hooks
from prefect import flow

from cx_nlp.config import load_config
from cx_nlp.errors import RunStopped
from cx_nlp.late import last_done


@flow(
    name="watch",
    flow_run_name=lambda: f"watch-{dt.date.today().isoformat()}",
    on_failure=[hooks.tell],
    on_crashed=[hooks.tell],
)
def watch(config: str, hours: float = 24) -> str:
    """When the last night was done, if one began within so many hours; else RunStopped, which the hook tells of."""
    settings = load_config(Path(config))
    since = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours)
    done = last_done(settings.lake, since=since)
    if done is None:
        raise RunStopped(f"no night is done that began in the last {hours:g} hours")
    return done.isoformat()
