"""Finding a flow by its entry point: the library imports neither the flows nor Prefect."""

import os
import signal
import sys
from collections.abc import Callable

from cx_nlp.errors import PermanentError


def find_flow(name: str) -> Callable:
    """The flow of that name, ready to be called from a command. Raises PermanentError where it is not installed."""
    from importlib.metadata import entry_points

    # Killed by a scheduler, leave in order: otherwise Prefect's temporary server would outlive the night.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # An error reaches the user through its command, as one line; Prefect would print its traceback as well.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    found = entry_points(group="cx_nlp.flows", name=name)
    if not found:
        raise PermanentError(
            f"the flow {name!r} is not installed: install cx-nlp with pip, a bare source tree lacks it"
        )
    return next(iter(found)).load()
