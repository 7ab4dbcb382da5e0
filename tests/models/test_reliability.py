"""Calibration before and after, and abstaining: figures that say what a model with known faults deserves."""

import numpy as np
import pytest

from models.recipes import card_tables
from models.recipes.reliability import COVERAGES, abstaining, before_and_after, emotions_before_and_after


def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.6, 0.6, 0.6], n)
    return p, np.array([rng.choice(3, p=row) for row in p])


def test_a_temperature_that_mends_shows():
    p, labels = drawn(1500)
    sharp = p**2.5 / (p**2.5).sum(axis=1, keepdims=True)
    found = before_and_after(sharp, p, labels, rng=np.random.default_rng(1))
    assert found["before"]["ece_excess"]["ci"][0] > 0.05
    assert found["after"]["ece_excess"]["value"] < 0.02 < found["before"]["ece"]["value"]
    assert found["after"]["log_loss"]["value"] < found["before"]["log_loss"]["value"]
    low, high = found["after"]["log_loss"]["ci"]
    assert low < found["after"]["log_loss"]["value"] < high and found["after"]["ece"]["n"] == 1500


def test_errors_fall_as_less_is_kept():
    p, labels = drawn(1000)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    found = abstaining(confidence, right, threshold=0.5, rng=np.random.default_rng(1))
    assert [one["coverage"] for one in found["at"]] == list(COVERAGES)
    errors = [one["error"]["value"] for one in found["at"]]
    assert errors == sorted(errors, reverse=True) and errors[0] == pytest.approx(1 - right.mean())
    assert [one["error"]["n"] for one in found["at"]] == [1000, 950, 900, 800, 700]
    shipped, kept = found["shipped"], confidence >= 0.5
    assert shipped["coverage"] == pytest.approx(kept.mean(), abs=1e-4)
    assert shipped["error"]["kept"]["value"] == pytest.approx((~right[kept]).mean(), abs=1e-6)
    assert shipped["error"]["kept"]["value"] < shipped["error"]["all"]["value"] < shipped["error"]["uncertain"]["value"]
    assert 0 < found["aurc"]["value"] < errors[0]


def test_no_rows_and_few_rows_give_reasons():
    none = abstaining(np.zeros(0), np.zeros(0, dtype=bool), threshold=0.5, rng=np.random.default_rng(0))
    assert none["at"] == [] and none["aurc"]["reason"] == "no rows" and none["shipped"]["coverage"] is None
    few = abstaining(np.full(5, 0.9), np.ones(5, dtype=bool), threshold=0.5, rng=np.random.default_rng(0))
    assert few["at"][0]["error"]["reason"] == few["aurc"]["reason"] == "5 rows, fewer than 20"
    assert few["shipped"]["coverage"] is None
    table = card_tables.abstaining({"abstaining": {"none": none, "few": few}})
    assert len({line.count("|") for line in table[4:8]}) == 1, "a set without rows is as wide as the others"
    empty = before_and_after(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, dtype=int), rng=np.random.default_rng(0))
    assert empty["after"]["ece"]["reason"] == "no rows: there are no figures"
    assert empty["after"]["log_loss"]["reason"] == "no rows"


def test_a_temperature_that_mends_emotions_shows_by_label():
    rng = np.random.default_rng(2)
    p = rng.random((1500, 28)) * 0.6
    truth = rng.random(p.shape) < p
    sharp = 1 / (1 + (1 / p - 1) ** 2.5)
    found = emotions_before_and_after(sharp, p, truth, rng=np.random.default_rng(3))
    for key in ("ece_by_label", "log_loss"):
        assert found["after"][key]["value"] < found["before"][key]["ci"][0]
    yes_or_no = -np.where(truth, np.log(p), np.log(1 - p)).mean()
    assert found["after"]["log_loss"]["value"] == pytest.approx(yes_or_no, abs=1e-5)
