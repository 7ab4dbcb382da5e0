"""What a flow that failed or crashed tells people: one line, without text of feedback, to the config's `notify` URLs."""

import logging
from pathlib import Path

from cx_nlp_pipelines import blocks
from prefect import Flow
from prefect.client.schemas.objects import FlowRun
from prefect.states import State

from cx_nlp.config import load_config
from cx_nlp.deliver import deliver
from cx_nlp.errors import CxError
from cx_nlp.failing import reason
from cx_nlp.sources import credentials

log = logging.getLogger("cx_nlp")


def tell(_flow: Flow, run: FlowRun, state: State) -> None:
    """A hook for on_failure and on_crashed; whatever goes wrong in it is one line in the log."""
    what = f"{run.name} {'crashed' if state.is_crashed() else 'failed'}"
    if run.deployment_id is not None:  # the command says it itself
        log.error("%s: %s", what, why(state))
    try:
        urls = load_config(Path(run.parameters["config"])).notify
        with credentials.looking_up(blocks.look_up):
            deliver(f"cx-nlp: {what}", why(state), urls)
    except CxError as error:
        log.warning("nobody was told of %s: %s", run.name, error)
    except Exception as error:
        log.warning("nobody was told of %s: %s", run.name, type(error).__name__)


def why(state: State) -> str:
    """One line for people who may not see feedback: an error's own words only where they quote no row."""
    if state.is_crashed():
        return "The process ended before the run did; the lake is as it was, and the next run repairs what was left."
    error = state.result(raise_on_failure=False)
    return reason(error) if isinstance(error, BaseException) else "no reason given"
