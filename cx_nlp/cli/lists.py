"""The command `list`: who is to be thanked, or answered, as a file for people and other systems."""

from pathlib import Path

import click


@click.group("list")
def lists() -> None:
    """Write a list out of a lake: who recommends us in words worth quoting, who needs an answer today.

    \b
    Example:
      cx-nlp list advocates --lake lake --output advocates.csv
    """


@lists.command()
@click.option("--lake", type=click.Path(path_type=Path), required=True, help="A lake that `cx-nlp run` wrote.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A CSV file.")
@click.option("--quotable", is_flag=True, help="Only those who agreed to be quoted.")
@click.option("--contactable", is_flag=True, help="Only those who agreed to be contacted.")
def advocates(lake: Path, output: Path, quotable: bool, contactable: bool) -> None:
    """Customers who promote and say so, best first, one piece of feedback each; consent is yes, no or unknown.

    \b
    Example:
      cx-nlp list advocates --lake lake --quotable --output advocates.csv
    """
    from cx_nlp import lists

    rows = lists.advocates(lake, quotable=quotable, contactable=contactable)
    count = lists.write_csv(output, lists.ADVOCATES, rows)
    click.echo(f"{count} advocates -> {output}", err=True)


@lists.command(name="close-the-loop")
@click.option("--lake", type=click.Path(path_type=Path), required=True, help="A lake that `cx-nlp run` wrote.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A CSV file.")
@click.option("--with-text", is_flag=True, help="Add the comment as the lake holds it: cleaned and masked.")
def close_the_loop(lake: Path, output: Path, with_text: bool) -> None:
    """Who is leaving, angry or at risk, and who praises a team; nobody who said that we may not contact them.

    \b
    Example:
      cx-nlp list close-the-loop --lake lake --output today.csv
    """
    from cx_nlp import lists

    columns = (*lists.CLOSE_THE_LOOP, *(["text"] if with_text else []))
    count = lists.write_csv(output, columns, lists.close_the_loop(lake))
    click.echo(f"{count} to answer -> {output}", err=True)
