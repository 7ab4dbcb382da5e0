from dataclasses import replace

import numpy as np
import pytest

from cx_nlp.themes.discover import SLACK
from cx_nlp.themes.growth import Limits, grow
from cx_nlp.themes.keeping import exemplified, rematch, waiting_anew
from cx_nlp.themes.registry import POOL, Registry, match
from cx_nlp.themes.vectors import closeness, grid, unit
from tests.themes import planted


@pytest.fixture(scope="module")
def known() -> Registry:
    """Two themes, zipper (1) and lantern (2), founded on one night."""
    return grow(Registry(), *planted.said({0: 60, 1: 40}, noise=60), Limits(min_mentions=12, min_customers=5))


@pytest.fixture(scope="module")
def later() -> tuple:
    """Mentions of the next night, 300 of either theme, each near its own or at its edge: (mentions, vectors)."""
    rng = np.random.default_rng(4)
    axes = planted.directions(2)
    spread = np.repeat([0.35, 0.5, 0.6], 100)
    parts = [np.concatenate([planted.around(axis, 1, rng=rng, spread=one) for one in spread]) for axis in axes]
    return planted.mentions(["zipper"] * 300 + ["lantern"] * 300, night=1), grid(np.concatenate(parts))


def near(registry: Registry, vectors: np.ndarray, number: int) -> np.ndarray:
    return closeness(unit(vectors), unit(registry.vectors[registry.rows_of(number)]), np.zeros(1, int))[:, 0]


def test_a_theme_stays_while_it_nearly_accepts(known, later):
    mentions, vectors = later
    plain, _ = match(known, vectors)
    had = np.full(len(vectors), 1)
    numbers, scores = rematch(known, mentions.assign(number=had), vectors)
    close, least = near(known, vectors, 1), known.themes[0].threshold
    edge, beyond = (close < least) & (close >= least - SLACK), close < least - SLACK
    assert edge.sum() > 10 and beyond.sum() > 300
    assert (plain[edge] == POOL).all() and (numbers[edge] == 1).all()
    assert np.allclose(scores[edge], close[edge])
    assert (numbers[beyond] == plain[beyond]).all()
    assert (numbers[close >= least] == 1).all()


def test_an_older_theme_takes_no_mention_that_had_another(known, later):
    mentions, vectors = later
    greedy = replace(known, themes=(replace(known.themes[0], threshold=-1.0, born=0), known.themes[1]))
    its = match(known, vectors)[0] == 2
    assert its.sum() > 50 and (match(greedy, vectors)[0] == 1).all()
    numbers, _ = rematch(greedy, mentions.assign(number=np.where(its, 2, POOL)), vectors)
    assert (numbers[its] == 2).all() and (numbers[~its] == 1).all()


def test_what_was_merged_is_kept_as_what_it_is_today_and_what_is_retired_not_at_all(known, later):
    mentions, vectors = later
    one, other = known.themes
    merged = replace(known, themes=(one, replace(other, merged_into=1)))
    its = match(known, vectors)[0] == 2
    assert (rematch(merged, mentions.assign(number=2), vectors)[0][its] == 1).all()
    alone = known.taking(np.flatnonzero(known.numbers != 2))
    assert (rematch(alone, mentions.assign(number=2), vectors)[0][its] == POOL).all()


def test_without_a_theme_so_far_it_is_match(known, later):
    mentions, vectors = later
    for one, other in zip(rematch(known, mentions.assign(number=POOL), vectors), match(known, vectors), strict=True):
        assert np.array_equal(one, other)


def test_an_exemplar_keeps_its_theme_in_any_case(known):
    """Even if its theme asked for more than it is, or an older one accepted everything."""
    one, other = known.themes
    strict = replace(known, themes=(replace(one, threshold=1.0), replace(other, threshold=1.0)))
    greedy = replace(known, themes=(replace(one, threshold=-1.0, born=0), other))
    its = known.mentions[known.numbers != POOL]
    vectors, stored = known.vectors[known.numbers != POOL], known.numbers[known.numbers != POOL]
    for registry in (strict, greedy):
        assert (match(registry, vectors)[0] != stored)[stored == 2].all()
        for number, expected in ((POOL, stored), (stored, stored), (1, np.ones(len(its)))):
            numbers, scores = rematch(registry, its.assign(number=number), vectors)
            assert np.array_equal(numbers, expected) and (scores <= 1).all()


def test_an_exemplar_is_the_same_words_at_the_same_place(known):
    assert np.array_equal(exemplified(known, known.mentions), known.numbers)
    for other in ({"mention": "the zip"}, {"start": 7}, {"source": "shop"}):
        assert not exemplified(known, known.mentions.assign(**other)).any()
    assert exemplified(Registry(), known.mentions).tolist() == [POOL] * len(known.mentions)


def test_each_row_by_itself_alone(known, later):
    mentions, vectors = later
    mentions = mentions.assign(number=np.arange(len(mentions)) % 3)
    numbers, scores = rematch(known, mentions, vectors)
    some = np.arange(0, len(vectors), 37)
    alone = [rematch(known, mentions.iloc[[i]], vectors[[i]]) for i in some]
    assert [one.item() for one, _ in alone] == numbers[some].tolist()
    assert [one.item() for _, one in alone] == scores[some].tolist()
    assert len(rematch(known, mentions[:0], vectors[:0])[0]) == 0


def test_only_what_waits_comes_anew(known):
    pairs = list(zip(known.mentions["source"], known.mentions["feedback_id"], strict=True))
    left = waiting_anew(known, set(pairs))
    assert (left.numbers != POOL).all() and len(left.mentions) == (known.numbers != POOL).sum()
    assert waiting_anew(known, set()) is known
