"""The command `schedule`."""

from pathlib import Path

import click


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
    from cx_nlp.cli.flows import find_flow
    from cx_nlp.config import load_config
    from cx_nlp.source_config import known_zone

    load_config(config)  # wrong usage ends here, before a server is started
    if timezone is not None:
        known_zone(timezone)
    find_flow("schedule")(config, cron=cron, timezone=timezone, port=port)
