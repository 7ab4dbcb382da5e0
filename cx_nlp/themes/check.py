"""Does a taxonomy do what its own examples say?"""

from cx_nlp.themes.match import analyse
from cx_nlp.themes.reading import TaxonomyFile
from cx_nlp.themes.taxonomy import Taxonomy


def check_examples(file: TaxonomyFile) -> None:
    """Raises TaxonomyError for the first example that does not get its theme, or a counter-example that does.

    A mention of a child counts for its parent.
    """
    claims = [
        (i, text, is_hit)
        for i, theme in enumerate(file.themes)
        for texts, is_hit in ((theme.examples, True), (theme.counter_examples, False))
        for text in texts
    ]
    taxonomy = Taxonomy(file.name, file.themes)
    parents = taxonomy.parent_of()
    for (i, text, is_hit), found in zip(claims, analyse((text for _, text, _ in claims), taxonomy), strict=True):
        hits = {hit.theme_id for mention in found.mentions for hit in mention.themes}
        theme = file.themes[i].theme_id
        if (theme in hits or theme in {parents[hit] for hit in hits}) != is_hit:
            must = "must" if is_hit else "must not"
            got = ", ".join(sorted(hits)) or "no theme"
            raise file.error(("themes", i, "examples"), f"example {text!r} {must} give {theme!r}, got {got}")
