"""Commands on a lake and its history: `backfill`, `rescore`, `forget` and `publish`."""

from datetime import datetime
from pathlib import Path

import click

from cx_nlp.errors import UsageError

_config = click.option("--config", type=click.Path(path_type=Path), help="A YAML config; its settings are used.")
_lake = click.option("--lake", type=click.Path(path_type=Path), required=True, help="The folder of the tables.")
_date = click.DateTime(["%Y-%m-%d"])
_workers = click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Processes that score; 0 takes one a core, at most 4. Each needs about 0.5 GB.",
)


@click.command()
@click.option("--config", type=click.Path(path_type=Path), required=True, help="The YAML config of the night.")
@click.option("--from", "first", type=_date, required=True, help="The first feedback date.")
@click.option("--to", "last", type=_date, required=True, help="The last feedback date; it is included.")
@_workers
def backfill(config: Path, first: datetime, last: datetime, workers: int) -> None:
    """Take the feedback of a range of dates from the sources again. Moves no watermark.

    Commits groups of dates one after the other: a backfill that was stopped goes on where it was, when called again.

    \b
    Example:
      cx-nlp backfill --config configs/sample.yaml --from 2026-01-01 --to 2026-01-31
    """
    from cx_nlp.cli.flows import find_flow
    from cx_nlp.config import load_config

    _ordered(first, last)
    load_config(config)  # wrong usage ends here, before Prefect takes seconds to start
    counts = find_flow("backfill")(str(config), first.date().isoformat(), last.date().isoformat(), workers=workers)
    if not any(some.get("read") for some in counts.values()):
        click.echo("no feedback of these dates in the sources")
    for source, some in counts.items():
        said = ", ".join(f"{kind} {rows:,}" for kind, rows in some.items() if rows)
        if said:
            click.echo(f"{source}: {said}")


@click.command()
@_lake
@_config
@click.option("--model", help="A shipped model's name or a folder; default: the config's.")
@click.option("--from", "first", type=_date, help="The first feedback date; default: all of history.")
@click.option("--to", "last", type=_date, help="The last feedback date; it is included.")
@_workers
def rescore(
    lake: Path, config: Path | None, model: str | None, first: datetime | None, last: datetime | None, workers: int
) -> None:
    """Bring the scores of history to one version of model and themes, from the texts in the lake.

    Only rows that another version has scored are scored again. Without --config, what the lake's last run was told
    is used. A rescore that was stopped goes on where it was, when called again.

    \b
    Example:
      cx-nlp rescore --lake lake
    """
    from cx_nlp.cli.flows import find_flow
    from cx_nlp.config import load_config
    from cx_nlp.remembered import recall

    _known(lake)
    _ordered(first, last)
    load_config(config) if config else recall(lake)
    days = [day.date().isoformat() if day else None for day in (first, last)]
    rows = find_flow("rescore")(
        str(lake.resolve()),
        config=str(config) if config else None,
        model=str(Path(model).resolve()) if model and Path(model).is_dir() else model,
        first=days[0],
        last=days[1],
        workers=workers,
    )
    click.echo(f"{rows:,} rows scored again" if rows else "every row is of today's versions; nothing to do")


@click.command()
@_lake
@click.option("--customer", "customers", multiple=True, required=True, help="An id as the sources give it; repeatable.")
@click.option("--source", help="Forget them in this source alone; default: in all.")
@_config
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(lake: Path, customers: tuple[str, ...], source: str | None, config: Path | None, yes: bool) -> None:
    """Erase people from every table, and compute all figures again without them.

    What later exports still hold of them is kept out. Rows without a customer id cannot be found.

    \b
    Example:
      cx-nlp forget --lake lake --customer C-1009
    """
    from cx_nlp import forget as people
    from cx_nlp.config import load_config

    _known(lake)
    settings = load_config(config) if config else None
    found = people.find(lake, customers, source=source)
    for line in _rows(found, "to remove"):
        click.echo(line, err=True)
    if found.is_known and not found.total:
        click.echo("nothing is there of them, and nothing will come back: they are forgotten already")
        return
    if not yes:
        click.confirm("Erase for good?", abort=True, err=True)
    done = people.erase(lake, customers, source=source, config=settings)
    for line in _rows(done, "removed"):
        click.echo(line)
    click.echo("they are kept out of later runs; a published copy follows with the next publish")


@click.command()
@_lake
@click.option("--to", "url", help="A folder as fsspec names it, such as s3://bucket/prefix; default: the config's.")
@_config
def publish(lake: Path, url: str | None, config: Path | None) -> None:
    """Copy the committed state to an object store: unchanged files stay, and a manifest, written last, names all.

    \b
    Example:
      cx-nlp publish --lake lake --to s3://bucket/feedback
    """
    from cx_nlp.config import load_config
    from cx_nlp.publish import publish as copy
    from cx_nlp.publish_config import PublishConfig

    _known(lake)
    named = load_config(config).publish if config else None
    if url is not None:
        place = PublishConfig(url=url, options=named.options if named else {})
    elif named is not None:
        place = named
    else:
        raise UsageError("where to? expected --to URL, or a --config with the key publish")
    done = copy(lake, place.url, place.options)
    click.echo(f"generation {done.generation}: {done.files:,} files, {done.copied:,} copied, {done.swept:,} removed")


def _known(lake: Path) -> None:
    if not (lake / "_state").is_dir():
        raise UsageError(f"no lake at {lake}: expected a folder that `cx-nlp run` wrote")


def _ordered(first: datetime | None, last: datetime | None) -> None:
    if first and last and last < first:
        raise UsageError(f"--to {last.date()} lies before --from {first.date()}")


def _rows(found, said: str) -> list[str]:
    lines = []
    for table, by_source in found.rows.items():
        parts = ", ".join(f"{source} {rows:,}" for source, rows in by_source.items())
        lines.append(f"{table}: {sum(by_source.values()):,} rows {said} ({parts})")
    return lines or ["no table holds a row of them"]
