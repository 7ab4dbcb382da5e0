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


@evaluate.command()
@click.option(
    "--taxonomy", "taxonomies", multiple=True, default=["general"], show_default=True,
    help="A taxonomy file or a shipped taxonomy's name; may be given more than once.",
)  # fmt: skip
@click.option("--fitted", help="A folder of cx-nlp themes fit, in place of taxonomies.")
@click.option(
    "--every", is_flag=True, help="Count themes that no row is labelled with too: their predictions are wrong."
)
@_options
def themes(
    data: Path, taxonomies: tuple[str, ...], fitted: str | None, every: bool, model: str, engine: str, as_json: bool
) -> None:
    """Columns `text` and `labels` (theme ids joined by |; empty: no theme).

    \b
    An id is written whole ("general/price") or, where that is unique, without its taxonomy ("price"). A theme counts
    for its parent too. Themes that no row is labelled with are left out.

    \b
    Example:
      cx-nlp evaluate themes comments.csv --taxonomy general --json
      cx-nlp evaluate themes comments.csv --fitted themes/nhs
    """
    import numpy as np

    from cx_nlp.evaluate_table import format_report
    from cx_nlp.evaluate_themes import judge, theme_ids
    from cx_nlp.labelled import read_columns
    from cx_nlp.score.judge import taxonomy_predictor
    from cx_nlp.themes.taxonomy import load_taxonomies

    values, positions = read_columns(data, ("text", "labels"))
    if fitted is not None:
        report = _judge_fitted(fitted, values, positions, every, model, engine)
        click.echo(json.dumps(report) if as_json else format_report(report))
        return
    taxonomy = load_taxonomies(taxonomies)
    parents = taxonomy.parent_of()
    labelled, written = theme_ids(values["labels"], positions, parents)
    report = judge(
        taxonomy_predictor(taxonomy, model=model, engine=engine),
        values["text"],
        labelled,
        parents,
        rng=np.random.default_rng(_SEED),
        model=taxonomy.version,
        names=written,
        every=every,
    )
    click.echo(json.dumps(report) if as_json else format_report(report))


def _judge_fitted(
    folder: str, values: dict[str, list[str]], positions: list[str], every: bool, model: str, engine: str
) -> dict:
    import numpy as np

    from cx_nlp.evaluate_themes import judge
    from cx_nlp.score.judge import fitted_labels, fitted_predictor
    from cx_nlp.themes.fitted import load_fitted

    fitted = load_fitted(folder)
    labelled, written, passed = fitted_labels(values["labels"], positions, fitted)
    report = judge(
        fitted_predictor(fitted, model=model, engine=engine),
        values["text"],
        labelled,
        dict.fromkeys(fitted.ids),
        rng=np.random.default_rng(_SEED),
        model=f"{fitted.version} on {fitted.model}",
        names=dict(zip(fitted.ids, fitted.labels, strict=True)) | written,
        every=every,
    )
    if passed:
        report["notes"]["left out"] = f"{passed:,} labels that the fit had too few rows of"
    return report


def _run(task: str, data: Path, model: str, engine: str, as_json: bool) -> None:
    import numpy as np

    from cx_nlp.evaluate_table import format_report
    from cx_nlp.labelled import COLUMNS, read_labelled
    from cx_nlp.score.judge import JUDGES
    from cx_nlp.score.predict import Predictor

    labelled = read_labelled(data, COLUMNS[task])
    report = JUDGES[task](Predictor.load(model, engine=engine), labelled, rng=np.random.default_rng(_SEED))
    click.echo(json.dumps(report) if as_json else format_report(report))
