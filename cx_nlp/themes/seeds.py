"""Themes by meaning: a mention that no pattern of a taxonomy matched gets the theme of the seed phrase nearest to it.

Pure numpy. M mentions, S seed phrases, H size of a theme vector. Both sides come from the same theme head, so that a
cosine between them is one of the untouched embedding.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from cx_nlp.themes.match import ThemeHit
from cx_nlp.themes.taxonomy import Taxonomy

# By how much the best theme must lead over one of another family: nearer than that, the phrase says neither clearly.
MARGIN = 0.03
DECIMALS = 2  # of theme_score; the last digits of a cosine move with the texts that are read beside it


@dataclass(frozen=True)
class Seeds:
    """Seed phrases (S) with their themes, unit vectors (S, H) and the least cosine of each (S,)."""

    theme_ids: tuple[str, ...]
    phrases: tuple[str, ...]
    vectors: np.ndarray
    thresholds: np.ndarray
    parents: Mapping[str, str | None]


def seed_phrases(taxonomy: Taxonomy) -> list[tuple[str, str, float]]:
    """(theme id, phrase, threshold) of each seed, in file order."""
    return [(theme.theme_id, seed, theme.seed_threshold) for theme in taxonomy.themes for seed in theme.seeds]


def ranking(vector: np.ndarray, seeds: Seeds, taxonomy: str) -> list[tuple[str, float, int]]:
    """vector (H,) -> (theme of that taxonomy, cosine of its nearest seed, number of that seed), nearest first.

    A theme is as near as its nearest seed; equal ones stand in file order. [] for a taxonomy without seeds.
    """
    return _ranked((seeds.vectors @ vector.astype(np.float64)), seeds, taxonomy)


def by_meaning(
    vectors: np.ndarray, seeds: Seeds, *, barred: Sequence[Set[str]], themed: Sequence[Set[str]]
) -> list[tuple[ThemeHit, ...]]:
    """vectors (M, H) of mentions -> the hits of each (M): at most one a taxonomy.

    barred: themes that a mention may not get. themed: taxonomies of which it has a theme already, by pattern.
    """
    cosines = vectors.astype(np.float64) @ seeds.vectors.T  # (M, S)
    taxonomies = list(dict.fromkeys(theme.partition("/")[0] for theme in seeds.theme_ids))
    out: list[tuple[ThemeHit, ...]] = []
    least = seeds.thresholds.min(initial=np.inf)
    for row, excluded, known in zip(cosines, barred, themed, strict=True):
        if row.max(initial=-np.inf) < least:  # most mentions, and ranking takes longer than this look
            out.append(())
            continue
        hits = (nearest(_ranked(row, seeds, name), seeds, excluded) for name in taxonomies if name not in known)
        out.append(tuple(hit for hit in hits if hit))
    return out


def nearest(ranked: Sequence[tuple[str, float, int]], seeds: Seeds, barred: Set[str]) -> ThemeHit | None:
    """Of ranked themes the one that the mention gets: near enough, and clearly nearer than other families.

    Where two themes of one family are about as near, it gets their parent: it speaks of staff, but not of which skill.
    """
    ranked = [one for one in ranked if one[0] not in barred]
    if not ranked or ranked[0][1] < seeds.thresholds[ranked[0][2]]:
        return None
    theme, cosine, _ = ranked[0]
    rivals = [other for other, value, _ in ranked[1:] if value > cosine - MARGIN]
    family = seeds.parents[theme] or theme
    if any((seeds.parents[other] or other) != family for other in rivals):
        return None
    if any(other != family for other in rivals) and family not in barred:
        theme = family
    return ThemeHit(theme, round(float(cosine), DECIMALS), "seed")


def _ranked(cosines: np.ndarray, seeds: Seeds, taxonomy: str) -> list[tuple[str, float, int]]:
    """cosines (S,) -> see `ranking`."""
    best: dict[str, tuple[float, int]] = {}
    for i, theme in enumerate(seeds.theme_ids):
        if theme.partition("/")[0] == taxonomy and (theme not in best or cosines[i] > best[theme][0]):
            best[theme] = float(cosines[i]), i
    return sorted(((theme, value, i) for theme, (value, i) in best.items()), key=lambda one: (-one[1], one[2]))
