"""Theme vectors of mentions: matched with the seeds of a taxonomy, and handed out for theme discovery."""

from collections.abc import Sequence

import numpy as np

from cx_nlp.score import heads
from cx_nlp.score.encoder import Encoder
from cx_nlp.score.model import Model
from cx_nlp.score.span_rows import Keep
from cx_nlp.themes.match import TextSpans, ThemeHit
from cx_nlp.themes.seeds import Seeds, by_meaning, seed_phrases
from cx_nlp.themes.taxonomy import Taxonomy


def embed_seeds(model: Model, encoder: Encoder, taxonomy: Taxonomy) -> Seeds | None:
    """Each seed phrase read alone, so that no other taxonomy moves its vector; None for a taxonomy without seeds."""
    phrases = seed_phrases(taxonomy)
    if not phrases:
        return None
    means = np.stack([encoder.span_means([phrase], [()])[0].means[0] for _, phrase, _ in phrases])
    return Seeds(
        tuple(theme for theme, _, _ in phrases),
        tuple(phrase for _, phrase, _ in phrases),
        heads.theme_vectors(model, means).astype(np.float64),
        np.array([threshold for _, _, threshold in phrases]),
        taxonomy.parent_of(),
    )


def themes_and_vectors(
    model: Model, found: Sequence[TextSpans], means: np.ndarray, seeds: Seeds | None, *, keep: Keep
) -> tuple[list[tuple[ThemeHit, ...]], list[np.ndarray | None]]:
    """means (M, H) of all mentions of some texts -> the themes of each (M), and the vector to hand out of each (M)."""
    mentions = [mention for f in found for mention in f.mentions]
    themes = [mention.themes for mention in mentions]
    kept: list[np.ndarray | None] = [None] * len(mentions)
    seeded = {theme.partition("/")[0] for theme in seeds.theme_ids} if seeds else set()
    known = [{hit.theme_id.partition("/")[0] for hit in its} for its in themes]
    wanted = [keep == "all" or (keep == "unthemed" and not its) or not seeded <= its for its in known]
    at = np.flatnonzero(wanted)
    vectors = heads.theme_vectors(model, means[at])
    if seeds:
        hits = by_meaning(vectors, seeds, barred=[mentions[i].barred for i in at], themed=[known[i] for i in at])
        for i, its in zip(at, hits, strict=True):
            themes[i] = tuple(sorted((*themes[i], *its), key=lambda hit: hit.theme_id))
    for i, vector in zip(at, vectors.astype(np.float16), strict=True):
        if keep == "all" or (keep == "unthemed" and not themes[i]):
            kept[i] = vector
    return themes, kept


def mention_vectors(model: Model, encoder: Encoder, text: str, found: TextSpans) -> np.ndarray:
    """The mentions (M) of one text -> their theme vectors (M, H), as the scorer sees them."""
    spans = [(mention.start, mention.end) for mention in found.mentions]
    return heads.theme_vectors(model, encoder.span_means([text], [spans])[0].means[1:])
