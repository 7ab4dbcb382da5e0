"""Themes by meaning, on vectors written by hand: three directions for three families."""

import numpy as np
import pytest

from cx_nlp.themes import Taxonomy, Theme, ThemeHit
from cx_nlp.themes.seeds import Seeds, by_meaning, nearest, ranking, seed_phrases

PRICE, WAIT, QUEUE, HOLD, OTHER = "t/price", "t/wait", "t/queue", "t/hold", "u/price"
PARENTS = {PRICE: None, WAIT: None, QUEUE: WAIT, HOLD: WAIT, OTHER: None}
SEEDS = Seeds(
    theme_ids=(PRICE, PRICE, WAIT, QUEUE, HOLD, OTHER),
    phrases=("too dear", "costs a lot", "it took long", "stood in line", "on hold", "expensive"),
    vectors=np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1], [0, 1, 0], [0, 0.995, 0.0999], [1, 0, 0]]),
    thresholds=np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.99]),
    parents=PARENTS,
)


def hits(*vector: float, barred: set[str] | None = None, themed: set[str] | None = None) -> tuple[ThemeHit, ...]:
    unit = np.array([vector], dtype=float) / np.linalg.norm(vector)
    return by_meaning(unit, SEEDS, barred=[barred or set()], themed=[themed or set()])[0]


def test_a_mention_gets_the_theme_of_its_nearest_seed_in_each_taxonomy():
    assert hits(1, 0, 0) == (ThemeHit(PRICE, 1.0, "seed"), ThemeHit(OTHER, 1.0, "seed"))
    assert hits(0.9, 0.2, 0.1) == (ThemeHit(PRICE, 0.97, "seed"),), "the other taxonomy asks for 0.99"
    assert hits(0, 0, 1, themed={"u"}) == (ThemeHit(WAIT, 1.0, "seed"),)


def test_what_is_far_from_all_seeds_gets_none():
    assert hits(-1, -1, -1) == ()
    assert hits(0.4, 0.4, -1) == ()


def test_a_taxonomy_that_gave_a_theme_by_pattern_gives_none_by_seed():
    assert hits(1, 0, 0, themed={"t"}) == (ThemeHit(OTHER, 1.0, "seed"),)
    assert hits(1, 0, 0, themed={"t", "u"}) == ()


def test_siblings_about_as_near_give_their_parent():
    assert hits(0, 1, 0.04) == (ThemeHit(WAIT, 1.0, "seed"),)
    assert hits(0, 1, 0.04, barred={WAIT})[0].theme_id in (QUEUE, HOLD)
    assert hits(0, 1, 0.04, barred={HOLD}) == (ThemeHit(QUEUE, 1.0, "seed"),)


def test_families_about_as_near_give_none():
    assert hits(1, 0, 1.01) == ()
    assert hits(1, 0, 1.01, barred={PRICE}) == (ThemeHit(WAIT, 0.71, "seed"),)


def test_a_barred_theme_is_never_given():
    assert hits(1, 0, 0, barred={PRICE, OTHER}) == ()


def test_ranking_says_which_seed_was_nearest():
    ranked = ranking(np.array([0.8, 0.6, 0]), SEEDS, "t")
    assert [(theme, number) for theme, _, number in ranked[:2]] == [(PRICE, 1), (HOLD, 4)] or ranked[1][0] == QUEUE
    assert ranked[0][1] == pytest.approx(1.0) and ranking(np.ones(3), SEEDS, "none") == []
    assert nearest([], SEEDS, set()) is None


def test_no_mention_and_no_seed():
    assert by_meaning(np.zeros((0, 3)), SEEDS, barred=[], themed=[]) == []
    empty = Seeds((), (), np.zeros((0, 3)), np.zeros(0), {})
    assert by_meaning(np.eye(3), empty, barred=[set()] * 3, themed=[set()] * 3) == [(), (), ()]


def test_seed_phrases_carry_the_threshold_of_their_taxonomy():
    theme = Theme("t/a", "A", seeds=("x", "y"), seed_threshold=0.7)
    assert seed_phrases(Taxonomy("v", (theme, Theme("t/b", "B")))) == [("t/a", "x", 0.7), ("t/a", "y", 0.7)]
