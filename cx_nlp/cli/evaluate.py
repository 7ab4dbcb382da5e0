"""`cx-nlp evaluate`: figures on a labelled file, each with its n and a bootstrap 95% interval."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from cx_nlp.cli.options import engine_option

_SEED = 0  # of the bootstrap: the same file gives the same intervals


def _options(command: Callable) -> Callable:
    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)
    command = click.option(
        "--model", default="minilm-cx", show_default=True, help="A shipped model's name or a model folder."
    )(command)
    command = engine_option(command)
    return click.argument("data", type=click.Path(path_type=Path))(command)


@click.group()
def evaluate() -> None:
    """Measure a model on a labelled CSV, JSONL or Parquet file.

    \b
    Example:
      cx-nlp evaluate sentiment reviews.csv --json
    """


@evaluate.command()
@_options
def sentiment(data: Path, model: str, engine: str, as_json: bool) -> None:
    """Columns `text` and `label` (negative, neutral or positive).

    \b
    Example:
      cx-nlp evaluate sentiment reviews.csv
    """
    _run("sentiment", data, model, engine, as_json)


@evaluate.command()
@_options
def emotion(data: Path, model: str, engine: str, as_json: bool) -> None:
    """Columns `text` and `labels` (GoEmotions names joined by |).

    \b
    Example:
      cx-nlp evaluate emotion comments.jsonl --json
    """
    _run("emotion", data, model, engine, as_json)


@evaluate.command()
@_options
def aspect(data: Path, model: str, engine: str, as_json: bool) -> None:
    """Columns `text`, `start`, `end` (code points, half-open) and `label`.

    \b
    Example:
      cx-nlp evaluate aspect terms.parquet
    """
    _run("aspect", data, model, engine, as_json)


def _run(task: str, data: Path, model: str, engine: str, as_json: bool) -> None:
    import numpy as np

    from cx_nlp.evaluate import format_report
    from cx_nlp.labelled import COLUMNS, read_labelled
    from cx_nlp.score.judge import JUDGES
    from cx_nlp.score.predict import Predictor

    labelled = read_labelled(data, COLUMNS[task])
    report = JUDGES[task](Predictor.load(model, engine=engine), labelled, rng=np.random.default_rng(_SEED))
    click.echo(json.dumps(report) if as_json else format_report(report))
