"""The command `schedule`."""

import os
import signal
import sys
from pathlib import Path

import click

from cx_nlp.errors import PermanentError


@click.command()
@click.option("--config", type=click.Path(path_type=Path), required=True, help="The YAML config of the night.")
@click.option("--cron", help="When: minute hour day month weekday (default: the config's flow.cron, else '0 3 * * *').")
@click.option("--timezone", help="IANA name that cron is local to (default: the config's flow.timezone, else UTC).")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4200,
    show_default=True,
    help="Of the local server and its page; 0 takes a free one.",
)
def schedule(config: Path, cron: str | None, timezone: str | None, port: int) -> None:
    """Run the nightly flow on its cron on this machine, until Ctrl-C or SIGTERM.

    Starts the local Prefect server that cron needs, which no other machine can reach; with PREFECT_API_URL set, uses the
    server there.

    \b
    Example:
      cx-nlp schedule --config configs/sample.yaml --cron "0 3 * * *" --timezone Europe/London
    """
    from importlib.metadata import entry_points

    from cx_nlp.config import load_config
    from cx_nlp.source_config import known_zone

    # Told to stop while the server starts, leave in order: it would go on alone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    load_config(config)  # wrong usage ends here, before a server is started
    if timezone is not None:
        known_zone(timezone)
    found = entry_points(group="cx_nlp.flows", name="schedule")
    if not found:
        raise PermanentError("`schedule` is not installed: install cx-nlp with pip, a bare source tree lacks it")
    next(iter(found)).load()(config, cron=cron, timezone=timezone, port=port)
