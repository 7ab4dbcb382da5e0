import numpy as np
import pytest

from cx_nlp.themes.discover import LEAST, TIGHT, covering, discover, least_threshold, principal
from cx_nlp.themes.vectors import grid, unit
from tests.themes import planted


def test_groups_are_found_the_largest_first_and_noise_is_none():
    _, vectors = planted.said({0: 30, 1: 60, 2: 40}, noise=80)
    groups = discover(unit(vectors), min_size=12)
    assert [set(np.repeat([0, 1, 2, 3], [30, 60, 40, 80])[group.rows]) for group in groups] == [{1}, {2}, {0}]
    assert all(group.threshold >= LEAST and set(group.exemplars) <= set(group.rows) for group in groups)


@pytest.mark.parametrize("count", [0, 1, 2, 23])
def test_few_rows_are_no_group(count):
    _, vectors = planted.said({0: count})
    assert discover(unit(vectors), min_size=12) == []


def test_noise_alone_is_no_group():
    for seed in range(3):
        _, vectors = planted.said({}, noise=200, seed=seed)
        assert discover(unit(vectors), min_size=12) == []


def test_equal_vectors_do_not_break_it():
    _, vectors = planted.said({0: 1, 1: 1}, noise=20)
    repeated = unit(
        np.concatenate([np.repeat(vectors[:1], 30, axis=0), np.repeat(vectors[1:2], 30, axis=0), vectors[2:]])
    )
    assert [len(group.rows) for group in discover(repeated, min_size=12)] == [30, 30]


def test_two_tight_groups_that_are_all_there_is_are_found():
    """Then most pairs have something in common, and chance says little."""
    _, vectors = planted.said({0: 50, 1: 50})
    assert len(discover(unit(vectors), min_size=12)) == 2
    assert LEAST <= least_threshold(unit(vectors)) <= TIGHT


def test_exemplars_cover_what_they_stand_for():
    _, vectors = planted.said({0: 20, 1: 20, 2: 20})
    chosen = covering(unit(vectors), most=3)
    assert sorted(row // 20 for row in chosen) == [0, 1, 2]
    assert covering(unit(vectors), most=60).tolist() == list(range(60))


def test_components_keep_the_distances_of_what_lies_in_them():
    rng = np.random.default_rng(0)
    flat = unit(grid(np.concatenate([rng.normal(size=(50, 4)), np.zeros((50, 20))], axis=1)))
    reduced = principal(flat, dimensions=10)
    centred = flat - flat.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    assert np.allclose(reduced @ reduced.T, centred @ centred.T, atol=0.01)
