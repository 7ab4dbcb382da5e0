"""The command line. Heavy libraries are imported inside the commands, so that `--help` answers at once.

Exit codes: 0 done, 1 failed, 2 wrong usage. An error that a person can act on is one line; anything else is a
defect and shows its traceback.
"""

import logging
import sys
from collections.abc import Sequence

import click

from cx_nlp import __version__, logs
from cx_nlp.cli.commands import doctor, run, score
from cx_nlp.cli.evaluate import evaluate
from cx_nlp.cli.lake import backfill, forget, publish, rescore
from cx_nlp.cli.lists import lists
from cx_nlp.cli.schedule import schedule
from cx_nlp.cli.themes import themes
from cx_nlp.errors import CxError, UsageError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="cx-nlp")
@click.option("--quiet", "-q", is_flag=True, help="Warnings and errors only.")
@click.option(
    "--log",
    "kind",
    type=click.Choice(logs.FORMATS),
    envvar=logs.VARIABLE,
    default="text",
    show_default=True,
    help=f"json: one object a line on stderr, with run_id, stage, counts and seconds. Also {logs.VARIABLE}.",
)
def cli(quiet: bool, kind: str) -> None:
    """Offline, nightly text analytics of customer feedback: sentiment, emotions and themes as Parquet.

    \b
    Example:
      cx-nlp run --config configs/sample.yaml
    """
    logs.set_up(kind, level=logging.WARNING if quiet else logging.INFO)


for command in (score, run, schedule, backfill, rescore, forget, publish, evaluate, themes, lists, doctor):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    code = _run(arguments)
    # Outside the handlers: an exit raised within one would keep the failed run's objects alive to the very end.
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        # Some commands end with an exit code of their own (doctor); click hands it back.
        return cli.main(args=arguments, prog_name="cx-nlp", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; the committed tables are as they were", err=True)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has gone; nothing is left to say
    except CxError as error:
        click.echo(f"cx-nlp: {' '.join(str(error).split())}", err=True)
        _drop_frames(error)
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        name = f": {error.filename}" if error.filename else ""
        click.echo(f"cx-nlp: {error.strerror or error}{name}", err=True)
    return 1


def _drop_frames(error: BaseException | None) -> None:
    """Prefect keeps a flow's error to the end; its frames would keep DuckDB's objects, which then complain of a leak."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
