"""Calibration and abstaining against plain versions and closed forms."""

import numpy as np
import pytest

from cx_nlp.calibration import at_coverage, aurc, chance_ece, ece, excess_ece, risk_coverage


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def calibrated(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, 3) and labels drawn from them."""
    draw = rng(seed)
    p = draw.dirichlet([0.6, 0.6, 0.6], n)
    return p, (p.cumsum(axis=1) < draw.random((n, 1))).sum(axis=1).clip(max=2)


def plain_ece(confidence, is_right, bins=15):
    total = 0.0
    for i in range(bins):
        inside = (confidence > i / bins) & (confidence <= (i + 1) / bins)
        if inside.any():
            total += inside.sum() * abs(is_right[inside].mean() - confidence[inside].mean())
    return total / len(confidence)


def test_ece():
    p, labels = calibrated(700, 0)
    confidence, is_right = p.max(1), p.argmax(1) == labels
    assert ece(confidence, is_right) == pytest.approx(plain_ece(confidence, is_right))
    assert ece(np.ones(4), np.ones(4, dtype=bool)) == 0
    assert ece(np.full(4, 0.9), np.array([True, True, False, False])) == pytest.approx(0.4)
    # 10/15 closes the bin 9/15..10/15, so the two lie apart and their gaps do not cancel.
    assert ece(np.array([10 / 15, 0.7]), np.array([True, False])) == pytest.approx((1 / 3 + 0.7) / 2)
    assert np.isnan(ece(np.array([]), np.array([], dtype=bool)))


def test_chance_is_the_mean_ece_of_label_sets_drawn_from_the_probabilities():
    p, _ = calibrated(400, 1)
    draw, found = rng(2), []
    for _ in range(2000):
        labels = (p.cumsum(axis=1) < draw.random((400, 1))).sum(axis=1).clip(max=2)
        found.append(plain_ece(p.max(1), p.argmax(1) == labels))
    assert chance_ece(p.max(1), rng=rng(3), draws=2000) == pytest.approx(np.mean(found), abs=0.0015)
    assert chance_ece(np.ones(5), rng=rng()) == 0
    assert np.isnan(chance_ece(np.array([]), rng=rng()))


def test_a_calibrated_model_has_no_excess_though_its_ece_is_not_zero():
    raw, excess = [], []
    for seed in range(40):
        p, labels = calibrated(1000, seed)
        raw.append(ece(p.max(1), p.argmax(1) == labels))
        excess.append(excess_ece(p, labels, rng=rng(seed)))
    assert 0.015 < np.mean(raw) < 0.035
    assert abs(np.mean(excess)) < 0.004 and min(excess) < 0 < max(excess)


def test_an_overconfident_model_has_the_excess_that_theory_says():
    # All say 0.9 and 0.6 are right: one bin, whose noise is the mean absolute deviation of a binomial.
    p = np.tile([0.9, 0.07, 0.03], (2000, 1))
    labels = np.where(np.arange(2000) < 1200, 0, 1)
    noise = np.sqrt(2 / np.pi * 0.9 * 0.1 / 2000)
    assert excess_ece(p, labels, rng=rng(), draws=2000) == pytest.approx(0.3 - noise, abs=5e-4)
    assert np.isnan(excess_ece(np.zeros((0, 3)), np.zeros(0), rng=rng()))


def test_risk_and_coverage_by_hand():
    table = risk_coverage(np.array([0.8, 0.6, 0.9, 0.8]), np.array([False, True, True, False]))
    assert table["threshold"].tolist() == [0.9, 0.8, 0.6]
    assert table["coverage"].tolist() == [0.25, 0.75, 1.0]
    assert table["risk"].tolist() == pytest.approx([0, 2 / 3, 1 / 2])
    assert table["n"].tolist() == [1, 3, 4]
    assert risk_coverage(np.array([]), np.array([], dtype=bool)).empty
    assert at_coverage(table, 0.5)["threshold"] == 0.8 and at_coverage(table, 0.75)["n"] == 3
    with pytest.raises(ValueError, match="no row of the table covers 70%"):
        at_coverage(table.iloc[:0], 0.7)


def test_aurc_of_a_perfect_ranking_is_the_closed_form():
    n, wrong = 200, 50
    is_right = np.arange(n) >= wrong
    # The k most confident hold no error until the right ones run out.
    expected = sum(j / (n - wrong + j) for j in range(1, wrong + 1)) / n
    assert aurc(np.linspace(0, 1, n), is_right) == pytest.approx(expected)
    r = wrong / n
    assert expected == pytest.approx(r + (1 - r) * np.log(1 - r), abs=0.002)  # Geifman et al. 2019
    assert aurc(np.linspace(1, 0, n), is_right) > r


def test_aurc_of_confidences_that_say_nothing_is_the_error_rate():
    is_right = np.arange(100) % 5 != 0
    assert aurc(np.full(100, 0.7), is_right) == pytest.approx(0.2)
    order = rng().permutation(100)
    confidence = np.repeat([0.9, 0.8, 0.5, 0.4], 25)
    assert aurc(confidence[order], is_right[order]) == pytest.approx(aurc(confidence, is_right))
    assert aurc(np.zeros(7), np.ones(7, dtype=bool)) == 0
    assert np.isnan(aurc(np.array([]), np.array([], dtype=bool)))
