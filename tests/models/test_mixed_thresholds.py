"""The two thresholds of `is_mixed`: what they say is what the engine says, and how they are chosen."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

from cx_nlp.score import heads
from models.recipes.calibrate import mixed_thresholds, said_mixed


def test_it_says_what_the_engine_says():
    rng = np.random.default_rng(3)
    for _ in range(50):
        sentences, others = (rng.dirichlet([0.4, 0.4, 0.4], rng.integers(0, 4)) for _ in range(2))
        poles = [heads.NEGATIVE, heads.POSITIVE]
        sides = np.array([[p.reshape(-1, 3).max(axis=0, initial=0.0)[poles] for p in (sentences, others)]])
        above = np.repeat([0.5, 0.8], [len(sentences), len(others)])[:, None]
        expected = heads.is_mixed(np.concatenate([sentences, others]), above)
        assert said_mixed(sides, above=0.5, aspect_above=0.8).tolist() == [expected]


def test_false_positives_bound_each_threshold_by_itself():
    """Sentences of the plain texts reach 0.7, their mentions 0.9; those of mixed ones 0.8 and 0.93."""
    plain = np.tile([[[0.70, 0.70], [0.90, 0.90]]], (50, 1, 1))
    mixed = np.tile([[[0.80, 0.80], [0.93, 0.93]]], (50, 1, 1))
    sides, truth = np.concatenate([plain, mixed]), np.repeat([False, True], 50)
    found = mixed_thresholds(sides, truth, joined=(sides, truth))
    assert (
        said_mixed(sides, above=found["mixed_above"], aspect_above=found["mixed_aspect_above"]).tolist()
        == truth.tolist()
    )
    assert found["mixed_above"] >= 0.70 and found["mixed_aspect_above"] >= 0.90


def test_where_nothing_keeps_false_positives_down_little_is_called_mixed():
    sides = np.full((20, 2, 2), 0.999)
    found = mixed_thresholds(sides, np.repeat([False, True], 10), joined=(sides, np.repeat([False, True], 10)))
    assert found == {"mixed_above": 0.95, "mixed_aspect_above": 0.95}
