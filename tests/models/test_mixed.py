"""The thresholds of `is_mixed`: what they say is what the engine says, and how they are chosen."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

from sklearn.metrics import roc_auc_score

from cx_nlp.score import heads
from models.recipes.mixed import Evidence, _greatest, thresholds
from models.recipes.mixed_head import head


def even(low: float, high: float, n: int, whole: float = 0.0) -> Evidence:
    """n texts, both sides of whose sentences reach `low`, of their mentions `high`."""
    return Evidence(np.tile([[[low, low], [high, high]]], (n, 1, 1)), np.full(n, whole))


def both(one: Evidence, other: Evidence) -> Evidence:
    return Evidence(np.concatenate([one.sides, other.sides]), np.concatenate([one.whole, other.whole]))


def test_it_says_what_the_engine_says():
    rng = np.random.default_rng(3)
    said = []
    for _ in range(300):
        parts = [rng.dirichlet([0.4, 0.4, 0.4], rng.integers(0, 4)).reshape(-1, 3) for _ in range(2)]
        whole = rng.normal(scale=3)
        one = Evidence(np.array([[_greatest(spans) for spans in parts]]), np.array([whole]))
        above = np.repeat([0.5, 0.8], list(map(len, parts)))[:, None]
        expected = heads.is_mixed(np.concatenate(parts), above, whole=0.5 * whole)
        assert one.said(mixed_above=0.5, mixed_aspect_above=0.8, mixed_weight=0.5).tolist() == [expected]
        said.append(expected)
    assert 20 < sum(said) < 280


def test_false_positives_bound_each_threshold_by_itself():
    """Sentences of the plain texts reach 0.7, their mentions 0.9; those of mixed ones 0.8 and 0.93."""
    its, truth = both(even(0.70, 0.90, 50), even(0.80, 0.93, 50)), np.repeat([False, True], 50)
    found = thresholds((its, truth), (its, truth))
    assert its.said(**found).tolist() == truth.tolist()
    assert found["mixed_above"] >= 0.70 and found["mixed_aspect_above"] >= 0.90 and found["mixed_weight"] == 0


def test_where_spans_tell_nothing_the_whole_text_may():
    its, truth = both(even(0.80, 0.80, 50, whole=-2.0), even(0.80, 0.80, 50, whole=2.0)), np.repeat([False, True], 50)
    found = thresholds((its, truth), (its, truth))
    assert its.said(**found).tolist() == truth.tolist() and found["mixed_weight"] > 0


def test_joined_texts_may_err_a_little_more_than_annotated_ones():
    """Plain ones of which 3 in 50 look mixed: 0.06."""
    its, truth = (
        both(even(0.50, 0.50, 47), both(even(0.90, 0.90, 3), even(0.80, 0.80, 50))),
        np.repeat([False, True], 50),
    )
    clean = even(0.50, 0.50, 50), np.zeros(50, dtype=bool)
    annotated = both(clean[0], even(0.80, 0.80, 50)), truth
    assert its.said(**thresholds(annotated, (its, truth)))[truth].all()
    assert not its.said(**thresholds((its, truth), annotated)).any()


def test_where_nothing_keeps_false_positives_down_little_is_called_mixed():
    pair = even(0.999, 0.999, 20), np.repeat([False, True], 10)
    assert thresholds(pair, pair) == {"mixed_above": 0.98, "mixed_aspect_above": 0.98, "mixed_weight": 0.0}


def test_the_head_learns_a_direction_of_the_means():
    rng = np.random.default_rng(5)
    means = rng.normal(size=(400, 8)) * [1, 1, 1, 1, 1, 1, 1, 20] + 3
    truth = means[:, 2] + rng.normal(scale=0.1, size=400) > 3.5
    weight, bias = head(means, truth)
    assert weight.shape == (8, 1) and bias.shape == (1,)
    said = (means @ weight + bias)[:, 0]
    assert roc_auc_score(truth, said) > 0.98  # of another column alone: 0.5
