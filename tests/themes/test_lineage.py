from dataclasses import replace

import numpy as np
import pytest

from cx_nlp.themes.growth import Limits, grow
from cx_nlp.themes.lineage import EXEMPLARS, merge_near, split_apart
from cx_nlp.themes.registry import POOL, Registry, dimension, forget, match, survivor
from cx_nlp.themes.vectors import grid
from tests.themes import planted

LIMITS = Limits(min_mentions=12, min_customers=5, sample=1_000)
AXES = planted.directions(4)


def spread(axis: np.ndarray, n: int, *, seed: int, spread: float = 0.2) -> np.ndarray:
    return planted.around(axis, n, rng=np.random.default_rng(seed), spread=spread)


def step(registry: Registry, vectors: np.ndarray, *, night: int, word: str) -> Registry:
    """A step in which `word` is said n times around a place, beside something else that is said in all nights."""
    noise = np.random.default_rng(night).normal(size=(40, planted.WIDTH))
    words = [word] * len(vectors) + [chr(97 + i % 26) + chr(97 + i // 26) + "odd" for i in range(40)]
    return grow(registry, planted.mentions(words, night=night), grid(np.concatenate([vectors, noise])), LIMITS)


@pytest.fixture(scope="module")
def two() -> Registry:
    """Two themes 45 degrees apart, found on two nights."""
    registry = step(
        Registry(), np.concatenate([spread(AXES[0], 30, seed=1), spread(AXES[3], 30, seed=9)]), night=0, word="zipper"
    )
    return step(registry, spread(AXES[0] + AXES[1], 30, seed=2), night=1, word="lantern")


def test_a_cluster_at_the_edge_extends_the_theme(two):
    number = match(two, grid(AXES[:1]))[0][0]
    edge = spread(AXES[0] + 0.28 * AXES[2], 30, seed=3, spread=0.25)
    missed = match(two, grid(edge))[0] == POOL
    later = step(two, edge, night=2, word="zipper")
    assert missed.any() and [t.number for t in later.themes] == [t.number for t in two.themes]
    assert (match(later, grid(edge))[0] == number).mean() >= (~missed).mean()


def test_exemplars_are_bounded(two):
    registry = two
    for night in range(2, 7):
        axis = AXES[0] + 0.1 * night * AXES[2]
        registry = step(registry, spread(axis, 60, seed=night), night=night, word="zipper")
    counts = registry.mentions["number"].value_counts()
    assert counts.drop(POOL, errors="ignore").max() <= EXEMPLARS
    assert len({theme.theme_id for theme in registry.themes}) == len(registry.themes)


def test_themes_that_accept_one_another_are_merged_into_the_older():
    registry = step(
        Registry(), np.concatenate([spread(AXES[0], 30, seed=1), spread(AXES[3], 30, seed=9)]), night=0, word="zipper"
    )
    registry = step(registry, spread(AXES[0] + 0.5 * AXES[1], 30, seed=2), night=1, word="lantern")
    older, younger = match(registry, grid(np.stack([AXES[0], AXES[0] + 0.5 * AXES[1]])))[0]
    assert POOL < older < younger
    before = match(registry, registry.vectors)[0]
    loose = replace(registry, themes=tuple(replace(t, threshold=t.threshold - 0.1) for t in registry.themes))
    joined = merge_near(loose, {younger})
    assert survivor(joined, younger) == older and merge_near(loose, set()) == loose
    row = next(row for row in dimension(joined) if row["theme_id"] == f"new/{younger}")
    assert row["status"] == "retired" and row["merged_into"] == f"new/{older}"
    # Nothing that either accepted is lost, and what the younger accepted counts for the older one.
    after = match(joined, registry.vectors)[0]
    assert (after[before == younger] == older).all() and (after[before == older] == older).all()
    # The younger one's exemplars keep the older theme alive.
    its = joined.mentions[joined.mentions["number"] == older]
    left = forget(joined, zip(its["source"], its["feedback_id"], strict=True))
    assert older in {theme.number for theme in left.active}


def test_a_theme_that_has_fallen_apart_is_split(two):
    number = 1
    far = np.flatnonzero(two.numbers == 2)
    numbers = two.numbers.copy()
    numbers[far] = number
    apart = replace(
        two, mentions=two.mentions.assign(number=numbers), themes=tuple(t for t in two.themes if t.number != 2)
    )
    parts = split_apart(apart, {number}, min_size=12)
    new = [theme for theme in parts.themes if theme.split_from == number]
    assert len(new) == 1 and new[0].number == two.next_number and parts.next_number == two.next_number + 1
    row = next(row for row in dimension(parts) if row["theme_id"] == new[0].theme_id)
    assert row["parent_theme_id"] == "new/1" and row["status"] == "active"
    assert new[0].born == parts.themes[0].born
    assert split_apart(two, {1, 2}, min_size=12).themes == two.themes


def test_other_themes_are_left_alone(two):
    assert [theme.merged_into for theme in two.themes] == [None] * len(two.themes)
    assert two.next_number == len(two.themes) + 1
