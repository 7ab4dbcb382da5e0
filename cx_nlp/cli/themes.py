"""`cx-nlp themes`: a taxonomy checked, and the reason a mention got its theme."""

import json
import sys
from dataclasses import asdict

import click

from cx_nlp.cli.fit import fit
from cx_nlp.cli.options import engine_option


@click.group()
def themes() -> None:
    """Check taxonomies, see why a mention got its theme, and learn themes from labelled comments.

    \b
    Example:
      cx-nlp themes check configs/taxonomies/general.yaml
    """


@themes.command()
@click.argument("file")
def check(file: str) -> int:
    """Read a taxonomy (FILE: a path or a shipped name) and run the examples in it.

    \b
    Exit code 0: all as they should be; 1: examples fail, a line for each; 2: the file itself is wrong.

    \b
    Example:
      cx-nlp themes check mine.yaml
    """
    from cx_nlp.themes.check import failures
    from cx_nlp.themes.reading import read_taxonomy, resolve
    from cx_nlp.themes.taxonomy import version_of

    read = read_taxonomy(resolve(file))
    failed = failures(read)
    for error in failed:
        click.echo(" ".join(str(error).split()), err=True)
    against = sum(not claim.is_hit for claim in read.claims)
    click.echo(
        f"{version_of(read.name, read.version, read.themes)}: {len(read.themes)} themes, "
        f"{len(read.claims)} examples ({against} of them of what is not meant), {len(failed)} fail"
    )
    return 1 if failed else 0


@themes.command()
@click.argument("file")
@click.option("--text", help="The comment (default: all of stdin).")
@click.option("--model", default="minilm-cx", show_default=True, help="The model whose theme head matches seeds.")
@engine_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def trace(file: str, text: str | None, model: str, engine: str, as_json: bool) -> None:
    """Say why the mentions of a comment got their themes by a taxonomy (FILE: a path or a shipped name).

    \b
    Each pattern or seed that could have given a theme stands below its mention: + gave it, - did not, with the reason.

    \b
    Example:
      cx-nlp themes trace general --text "The wait was far too long."
    """
    from cx_nlp.clean import clean_text
    from cx_nlp.score.encoder import Encoder
    from cx_nlp.score.model import load_model
    from cx_nlp.score.seeding import embed_seeds, mention_vectors
    from cx_nlp.themes.match import analyse
    from cx_nlp.themes.taxonomy import load_taxonomies
    from cx_nlp.themes.trace import table, trace_patterns, trace_seeds

    taxonomy = load_taxonomies([file])
    text = clean_text(sys.stdin.buffer.read().decode("utf-8", "replace") if text is None else text)
    found = next(iter(analyse([text], taxonomy)))
    candidates = trace_patterns(text, taxonomy)
    if any(theme.seeds for theme in taxonomy.themes) and not all(mention.themes for mention in found.mentions):
        loaded = load_model(model)
        encoder = Encoder(loaded, engine=engine)
        seeds = embed_seeds(loaded, encoder, taxonomy)
        if seeds is not None:
            candidates += trace_seeds(found, mention_vectors(loaded, encoder, text, found), seeds)
    if as_json:
        out = {"taxonomy": taxonomy.version, "text": text, "candidates": [asdict(one) for one in candidates]}
        click.echo(json.dumps(out, ensure_ascii=False))
    else:
        click.echo(table(candidates, found))


themes.add_command(fit)
