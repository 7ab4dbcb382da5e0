"""The commands `score`, `run` and `doctor`."""

from pathlib import Path

import click

from cx_nlp.cli.options import engine_option
from cx_nlp.errors import UsageError


@click.command()
@click.argument("input_", metavar="INPUT")
@click.option("--text-column", required=True, help="The column that holds the comment.")
@click.option("--id-column", help="The column that names the row (default: the row's number from 0).")
@click.option("--output", type=click.Path(path_type=Path), help="A Parquet file (default: JSON lines on stdout).")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    help="Default: from the file's name; stdin is CSV.",
)
@click.option("--language", default="en", show_default=True, help="What very short texts are taken to be in.")
@click.option("--model", default="minilm-cx", show_default=True, help="A shipped model's name or a model folder.")
@click.option(
    "--threads",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Processor threads; 0 takes all.",
)
@engine_option
def score(
    input_: str,
    text_column: str,
    id_column: str | None,
    output: Path | None,
    kind: str | None,
    language: str,
    model: str,
    threads: int,
    engine: str,
) -> None:
    """Score a CSV, JSONL or Parquet file; "-" reads stdin. One row out for each row in, in the same order.

    \b
    Example:
      cx-nlp score reviews.csv --text-column comment --id-column id --output scored.parquet
    """
    from cx_nlp.score.file import score_file

    done = score_file(
        input_,
        text_column=text_column,
        id_column=id_column,
        output=output,
        kind=kind,
        language=language,
        model=model,
        threads=threads,
        engine=engine,
    )
    if output is not None:
        click.echo(f"{done.rows} rows, {done.scored} scored, {done.bad} not readable as rows -> {output}", err=True)
    elif done.bad:
        click.echo(f"{done.bad} of {done.rows} rows could not be read as rows", err=True)


@click.command()
@click.option("--config", type=click.Path(path_type=Path), required=True, help="The YAML config of the night.")
@click.option(
    "--date", "date", type=click.DateTime(["%Y-%m-%d"]), help="Only feedback of this date; moves no watermark."
)
@click.option("--reread", is_flag=True, help="Read files again that have not changed since they were taken.")
@click.option("--workers", type=click.IntRange(min=1), help="Score in so many processes of a local Dask cluster.")
def run(config: Path, date, reread: bool, workers: int | None) -> None:
    """Run the nightly flow once: read, score, commit to the lake, and print what it found.

    \b
    Example:
      cx-nlp run --config configs/sample.yaml
    """
    from cx_nlp.cli.flows import find_flow
    from cx_nlp.config import load_config
    from cx_nlp.summary import summarise

    settings = load_config(config)  # wrong usage ends here, before Prefect takes seconds to start
    flow = find_flow("nightly")
    flow(str(config), only_date=date.date().isoformat() if date else None, reread=reread, workers=workers)
    click.echo(summarise(settings.lake))


@click.command()
@click.option("--lake", type=click.Path(path_type=Path), help="Check this lake's integrity too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(lake: Path | None, as_json: bool) -> int:
    """Show versions and model checksums, and say what is missing or broken; exit code 1 if anything is.

    \b
    Example:
      cx-nlp doctor --lake lake
    """
    import json

    from cx_nlp.examine import examine, format_report

    if lake is not None and not lake.is_dir():
        raise UsageError(f"no lake at {lake}: expected a folder that `cx-nlp run` wrote")
    report = examine(lake)
    click.echo(json.dumps(report) if as_json else format_report(report))
    return 1 if report["problems"] else 0
