from dataclasses import replace

import numpy as np
import pytest

from cx_nlp.schema import EMOTIONS
from cx_nlp.score import heads
from cx_nlp.score.model import Calibration, load_model

CALIBRATION = Calibration(emotion_thresholds=tuple(0.3 if e == "grief" else 0.5 for e in EMOTIONS), mixed_above=0.7)


def emotions(**p):
    row = np.zeros((1, len(EMOTIONS)))
    for name, value in p.items():
        row[0, EMOTIONS.index(name)] = value
    return row


@pytest.mark.parametrize(
    ("p", "primary", "emotional"),
    [
        ({"anger": 0.6, "joy": 0.55}, "anger", True),
        ({"anger": 0.4, "grief": 0.35}, "grief", True),  # most probable above its *own* threshold
        ({"anger": 0.49}, "neutral", False),
        ({"neutral": 0.99}, "neutral", False),
        ({"neutral": 0.99, "joy": 0.5}, "joy", True),
        ({"curiosity": 0.9}, "curiosity", False),  # curious is not moved
        ({"curiosity": 0.9, "sadness": 0.5}, "curiosity", True),
        ({}, "neutral", False),
    ],
)
def test_primary_emotion_and_is_emotional(p, primary, emotional):
    assert heads.primary_emotion(emotions(**p), CALIBRATION).tolist() == [primary]
    assert heads.is_emotional(emotions(**p), CALIBRATION).tolist() == [emotional]


def test_intensity_is_the_strongest_emotion_that_moves():
    assert heads.intensity(emotions(curiosity=0.9, neutral=0.8, sadness=0.4)).tolist() == [0.4]
    assert heads.intensity(emotions()).tolist() == [0.0]


@pytest.mark.parametrize(
    ("spans", "mixed"),
    [
        ([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]], True),
        ([[0.8, 0.1, 0.1], [0.2, 0.2, 0.6]], False),
        ([[0.1, 0.8, 0.1]], False),
        (np.zeros((0, 3)), False),
    ],
)
def test_mixed_needs_one_clear_span_of_each(spans, mixed):
    assert heads.is_mixed(np.asarray(spans), CALIBRATION.mixed_above) is mixed


def test_the_whole_text_raises_or_lowers_what_counts_as_clear():
    spans = np.array([[0.65, 0.25, 0.1], [0.1, 0.1, 0.8]])
    assert [heads.is_mixed(spans, 0.7, whole=whole) for whole in (-1.0, 0.0, 0.5)] == [False, False, True]


def test_no_span_is_on_two_sides_however_mixed_the_whole_sounds():
    one = np.array([[0.5, 0.05, 0.45]])
    assert not heads.is_mixed(one, 0.4, whole=5.0)
    assert not heads.is_mixed(one[:0], 0.4, whole=5.0)
    assert heads.clear_sides(one, 0.4).tolist() == [pytest.approx(np.log(0.5 / 0.5 * 0.6 / 0.4)), -np.inf]


def test_a_model_without_a_head_for_it_adds_nothing(tiny):
    model = load_model(str(tiny))
    means = np.random.default_rng(0).normal(size=(5, model.hidden)).astype(np.float32)
    weight = np.linspace(-0.5, 0.5, model.hidden, dtype=np.float32)[:, None]
    mine = replace(
        model,
        layers=model.layers | {"mixed": (weight, np.array([1.0], dtype=np.float32))},
        calibration=replace(model.calibration, mixed_weight=0.5),
    )
    assert heads.mixed_evidence(model, means).tolist() == [0.0] * 5
    said = np.clip((means @ weight + 1.0)[:, 0], -2, 2)
    assert len(set(np.abs(said))) > 1 and heads.mixed_evidence(mine, means) == pytest.approx(0.5 * said, rel=1e-5)
    assert heads.mixed_evidence(mine, means[:0]).shape == (0,)


def test_probabilities_sum_to_one_and_no_rows_give_no_rows(tiny):
    model = load_model(str(tiny))
    means = np.random.default_rng(0).normal(size=(50, model.hidden)).astype(np.float32)
    p = heads.sentiment(model, means, range(1, 51))
    assert p.shape == (50, 3) and np.abs(p.sum(axis=1) - 1).max() < 3e-5
    assert heads.sentiment(model, means[:0], []).shape == (0, 3)
    assert heads.emotions(model, means[:0]).shape == (0, 28)
    norms = np.linalg.norm(heads.theme_vectors(model, means), axis=1)
    np.testing.assert_allclose(norms, 1, rtol=1e-5)


def test_a_temperature_goes_with_the_length_of_its_text():
    t = heads.temperatures([32, 64, 8, 1, 6, 10_000, 160], reference=1.2, power=-0.5)
    assert t.shape == (7, 1)
    assert t[0, 0] == pytest.approx(1.2) and t[1, 0] == pytest.approx(1.2 / 2**0.5) and t[2, 0] == pytest.approx(2.4)
    assert t[3, 0] == t[4, 0] and t[5, 0] == t[6, 0]  # beyond what dev holds, the ends stand
    assert (heads.temperatures([3, 300], reference=0.9, power=0.0) == 0.9).all()
