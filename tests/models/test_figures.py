"""Figures of metrics.json: Wilson's interval, units of several rows, and reasons instead of numbers."""

import numpy as np
import pytest

from cx_nlp.evaluate import sentiment_report
from cx_nlp.intervals import wilson
from models.recipes.figures import figure, from_report, missing, resampled, share


def test_a_share_has_wilsons_interval():
    hits = np.arange(100) < 80
    low, high = wilson(0.8, 100)
    assert share(hits) == {"value": 0.8, "ci": [pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6)], "n": 100}


def test_rows_of_one_text_count_as_one():
    hits = np.repeat(np.arange(100) < 80, 4)
    texts = np.repeat(np.arange(100), 4)
    alone, together, naive = share(hits[::4]), share(hits, groups=texts), share(hits)
    width = [np.ptp(one["ci"]) for one in (alone, together, naive)]
    assert together["value"] == alone["value"] and together["n"] == 400
    assert width[1] == pytest.approx(width[0], rel=0.05) and width[2] == pytest.approx(width[0] / 2, rel=0.05)


def test_too_few_rows_give_a_reason():
    assert share(np.ones(19, dtype=bool)) == {"value": None, "ci": None, "n": 19, "reason": "19 rows, fewer than 20"}
    assert share(np.zeros(0, dtype=bool))["value"] is None
    assert share(np.ones(3, dtype=bool), fewest=1)["value"] == 1.0
    assert missing("because")["reason"] == "because"


def test_a_report_gives_its_figure_or_its_reason():
    p = np.tile([0.1, 0.2, 0.7], (30, 1))
    report = sentiment_report(p, np.full(30, 2), rng=np.random.default_rng(0))
    assert from_report(report, "accuracy") == figure(1.0, (1.0, 1.0), 30)
    assert from_report(report, "macro_f1")["reason"] == "no row is labelled negative, neutral"
    assert from_report({"n": 30}, "ece_excess") == missing("not measured", 30)
    none = sentiment_report(p[:0], np.zeros(0), rng=np.random.default_rng(0))
    assert from_report(none, "accuracy")["reason"] == "no rows: there are no figures"


def test_the_bootstrap_draws_groups_whole():
    values = np.random.default_rng(0).normal(size=200)
    four, groups = np.repeat(values, 4), np.repeat(np.arange(200), 4)

    def width(x, groups=None):
        return np.ptp(
            resampled(lambda rows: float(x[rows].mean()), len(x), rng=np.random.default_rng(1), groups=groups)
        )

    assert width(values) == pytest.approx(2 * 1.96 * values.std() / np.sqrt(200), rel=0.1)
    assert width(four, groups) == pytest.approx(width(values), rel=0.1)
    assert width(four) == pytest.approx(width(values) / 2, rel=0.1)
