"""`cx-nlp list`: the lake's lists of keys as CSV for people, with what belongs beside them."""

from pathlib import Path

import click


@click.group(name="list")
def lists() -> None:
    """Write a list of the lake as CSV.

    \b
    Example:
      cx-nlp list close-the-loop --lake lake --output today.csv
    """


@lists.command(name="close-the-loop")
@click.option("--lake", type=click.Path(path_type=Path), required=True, help="The lake that `cx-nlp run` wrote.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The CSV file; it is replaced.")
@click.option("--with-text", is_flag=True, help="Add the comment, as the lake holds it: cleaned and masked.")
def close_the_loop(lake: Path, output: Path, with_text: bool) -> None:
    """What needs an answer today: who is leaving, angry or at risk, and who praises a team.

    Those who said that they may not be contacted are not on it; `contact` is unknown for those who were never asked.

    \b
    Example:
      cx-nlp list close-the-loop --lake lake --output today.csv --with-text
    """
    from cx_nlp.listing import listed
    from cx_nlp.safe_csv import write_csv

    columns, rows = listed(lake, "close_the_loop", with_text=with_text)
    count = write_csv(output, columns, rows)
    click.echo(f"{count} rows -> {output}", err=True)
