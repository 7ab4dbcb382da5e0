"""Does a taxonomy do what its own examples say? By its patterns alone: seeds ask for a model."""

from cx_nlp.errors import TaxonomyError
from cx_nlp.themes.match import analyse
from cx_nlp.themes.reading import TaxonomyFile
from cx_nlp.themes.taxonomy import Taxonomy


def failures(file: TaxonomyFile) -> list[TaxonomyError]:
    """Of each example that does not get its theme, and each counter-example that does, file, line and what it got.

    A mention of a child counts for its parent.
    """
    taxonomy = Taxonomy(file.name, file.themes)
    parents = taxonomy.parent_of()
    failed = []
    for claim, found in zip(file.claims, analyse((claim.text for claim in file.claims), taxonomy), strict=True):
        hits = {hit.theme_id for mention in found.mentions for hit in mention.themes}
        if (claim.theme_id in hits or claim.theme_id in {parents[hit] for hit in hits}) != claim.is_hit:
            must = "must" if claim.is_hit else "must not"
            got = ", ".join(sorted(hits)) or "no theme"
            reason = f"example {claim.text!r} {must} give {claim.theme_id!r}, got {got}"
            failed.append(file.error(claim.where, reason))
    return failed


def check_examples(file: TaxonomyFile) -> None:
    """Raises TaxonomyError for the first of `failures`, with their number if there are more."""
    failed = failures(file)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        name, line, reason = failed[0].args
        raise TaxonomyError(name, line, f"{reason} (and {len(failed) - 1} more, see: cx-nlp themes check)")
