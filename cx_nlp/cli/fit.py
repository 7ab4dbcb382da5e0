"""`cx-nlp themes fit`: themes of your own, learned from labelled comments."""

import json
from pathlib import Path

import click

from cx_nlp.cli.options import engine_option
from cx_nlp.errors import UsageError


@click.command()
@click.option(
    "--labels", "labels", type=click.Path(path_type=Path), required=True,
    help="CSV, JSONL or Parquet with the columns text and labels (joined by |; empty: none).",
)  # fmt: skip
@click.option("--name", required=True, help="Of the fit: its themes are fit/NAME/LABEL.")
@click.option("--output", type=click.Path(path_type=Path), help="The folder to write (default: themes/NAME).")
@click.option(
    "--taxonomy", "taxonomies", multiple=True, help="Labels that are its theme ids take their owners from it."
)
@click.option("--owner", "owners", multiple=True, metavar="LABEL=OWNER", help="Who acts on a label; may be repeated.")
@click.option("--model", default="minilm-cx", show_default=True, help="A shipped model's name or a model folder.")
@click.option("--threads", type=click.IntRange(min=0), default=0, show_default=True, help="0 takes all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@engine_option
def fit(
    labels: Path,
    name: str,
    output: Path | None,
    taxonomies: tuple[str, ...],
    owners: tuple[str, ...],
    model: str,
    threads: int,
    as_json: bool,
    engine: str,
) -> None:
    """Learn themes of whole comments from some hundred labelled ones, and show how well they are met.

    Figures are cross-validated: each comment is judged by a fit that has not seen it. A config takes the folder as
    `fitted: [themes/NAME]`. It stands on one version of the model; after a new one, fit again.

    \b
    Example:
      cx-nlp themes fit --labels labelled.csv --name nhs --owner "Parking=Facilities"
    """
    from cx_nlp.evaluate_table import format_report
    from cx_nlp.themes.fit import fit_file

    pairs = [owner.partition("=") for owner in owners]
    for option, (label, _, owner) in zip(owners, pairs, strict=True):
        if not label or not owner:
            raise UsageError(f"--owner {option[:80]!r}: expected LABEL=OWNER")
    folder = output or Path("themes") / name
    report = fit_file(
        labels,
        name=name,
        output=folder,
        model=model,
        engine=engine,
        threads=threads,
        known=_owners(taxonomies),
        owners={label: owner for label, _, owner in pairs},
    )
    click.echo(json.dumps(report) if as_json else format_report(report))
    click.echo(f"-> {folder}", err=True)


def _owners(taxonomies: tuple[str, ...]) -> dict[str, str]:
    """Theme ids, with and without their taxonomy, -> owners."""
    from cx_nlp.themes.reading import read_taxonomy, resolve

    themes = [theme for name in taxonomies for theme in read_taxonomy(resolve(name)).themes if theme.owner]
    return {key: str(theme.owner) for theme in themes for key in (theme.theme_id, theme.theme_id.rpartition("/")[2])}
