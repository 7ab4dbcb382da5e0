"""Prefect flows: when, where and how often to try. What is done lies in `cx_nlp`.

Prefect is set quiet and offline before it is first imported; a setting of the user's own wins.
"""

import os
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    # The server that Prefect starts for a flow without one needs more than its 20 seconds on a busy machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def prepare(environment: MutableMapping[str, str]) -> None:
    """Fill in what Prefect reads from the environment and the user has not set."""
    for name, value in SETTINGS.items():
        environment.setdefault(name, value)
    # Behind a proxy, Prefect would look for its own server on the other side of it, and wait for ever.
    for name in ("NO_PROXY", "no_proxy"):
        known = [host.strip() for host in environment.get(name, "").split(",") if host.strip()]
        environment[name] = ",".join([*known, *(host for host in _LOOPBACK if host not in known)])
    if "PREFECT_HOME" not in environment and not _may_write(Path.home()):
        # A service's user often has no home; its runs are known from the lake, not from Prefect's database.
        environment["PREFECT_HOME"] = tempfile.mkdtemp(prefix="cx-nlp-prefect-")


def _may_write(home: Path) -> bool:
    folder = home / ".prefect"
    return os.access(folder if folder.exists() else home, os.W_OK)


prepare(os.environ)
