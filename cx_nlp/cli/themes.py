"""`cx-nlp themes`: a taxonomy checked, and the reason a mention got its theme."""

import click


@click.group()
def themes() -> None:
    """Check taxonomies, and see why a mention got its theme.

    \b
    Example:
      cx-nlp themes check configs/taxonomies/general.yaml
    """


@themes.command()
@click.argument("file")
def check(file: str) -> None:
    """Read a taxonomy (FILE: a path or a shipped name) and run the examples in it.

    \b
    Example:
      cx-nlp themes check mine.yaml
    """
    from cx_nlp.themes.taxonomy import load_taxonomies

    taxonomy = load_taxonomies([file])
    count = sum(len(theme.examples) + len(theme.counter_examples) for theme in taxonomy.themes)
    click.echo(f"{taxonomy.version}: {len(taxonomy.themes)} themes, {count} examples, all as they should be")
