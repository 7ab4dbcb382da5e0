"""Figures for people: each with its n, and intervals that count customers."""

import math

import numpy as np
import pytest

from cx_nlp import explore
from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.intervals import Sums, mean_and_error, mean_interval, share_interval, wilson
from cx_nlp.summary import summarise
from tests import nights


def sums_of(values: list[list[float]]) -> Sums:
    s = np.array([sum(v) for v in values])
    n = np.array([len(v) for v in values])
    return Sums(s.sum(), int(n.sum()), (s * s).sum(), (s * n).sum(), float((n * n).sum()), len(values))


def test_the_error_agrees_with_a_bootstrap_of_customers():
    rng = np.random.default_rng(1)
    values = [list((rng.random(rng.integers(1, 9)) < rng.beta(0.6, 0.9)).astype(float)) for _ in range(400)]
    mean, error = mean_and_error(sums_of(values))
    s, n = np.array([sum(v) for v in values]), np.array([len(v) for v in values])
    draws = rng.integers(len(values), size=(4000, len(values)))
    boot = s[draws].sum(axis=1) / n[draws].sum(axis=1)
    assert mean == pytest.approx(s.sum() / n.sum())
    assert error == pytest.approx(boot.std(), rel=0.06)
    naive = math.sqrt(mean * (1 - mean) / n.sum())
    assert error > 1.3 * naive, "rows of one customer are alike"


def test_one_row_a_customer_is_the_plain_wilson_interval():
    sums = sums_of([[1.0]] * 30 + [[0.0]] * 70)
    share, low, high = share_interval(sums)
    expected = wilson(0.3, 100)
    assert share == 0.3 and low == pytest.approx(expected[0], abs=1e-3) and high == pytest.approx(expected[1], abs=1e-3)


def test_wilson_agrees_with_statistics_done_elsewhere():
    from scipy.stats import binomtest

    reference = binomtest(7, 20).proportion_ci(method="wilson")
    assert wilson(0.35, 20) == pytest.approx((reference.low, reference.high))


def test_empty_and_single_groups_have_no_made_up_interval():
    assert all(math.isnan(v) for v in share_interval(Sums(0, 0, 0, 0, 0, 0)))
    mean, low, high = mean_interval(sums_of([[100.0, 100.0]]), low=-100, high=100)
    assert mean == 100 and math.isnan(low) and math.isnan(high)
    share, low, high = share_interval(sums_of([[0.0, 0.0, 0.0]]))
    assert share == 0 and low == 0 and 0.5 < high < 1, "three rows of one customer tell as much as one"


@pytest.fixture(scope="module")
def lake(tmp_path_factory, tiny):
    folder = tmp_path_factory.mktemp("explore")
    nights.run(nights.survey(folder, tiny))
    return folder / "lake"


def test_each_response_counts_once_in_nps(lake):
    with explore.connect(lake) as con:
        found = explore.nps_groups(con, by=None)
    # Responses: r1 9, r2 7, r3 2, r4 5, r5 3; r6 gave an impossible 11.
    assert found["n"].tolist() == [5] and found["nps"].tolist() == [pytest.approx(100 * (1 - 3) / 5)]
    assert found[["promoters", "passives", "detractors"]].to_numpy().tolist() == [[0.2, 0.2, 0.6]]
    assert found["low"].iloc[0] >= -100 and found["high"].iloc[0] <= 100


def test_shares_of_a_group_sum_to_one_and_state_their_n(lake):
    with explore.connect(lake) as con:
        shares = explore.sentiment_shares(con, by="touchpoint")
        assert shares.groupby("group")["value"].sum().tolist() == pytest.approx([1.0] * shares["group"].nunique())
        assert (shares["low"] <= shares["value"]).all() and (shares["value"] <= shares["high"]).all()
        assert shares.loc[shares["label"] == "positive", "n"].sum() == 4
        assert explore.volumes(con).to_numpy().sum() == 7
        assert set(explore.emotion_means(con, by="nps_group").columns) >= {"n", "joy", "anger"}
        assert explore.theme_sentiment(con)["mentions"].min() >= 1


def test_a_wrong_split_is_named(lake, tmp_path):
    with explore.connect(lake) as con, pytest.raises(UnknownName, match="did you mean 'touchpoint'"):
        explore.volumes(con, by="touchpont")
    with pytest.raises(UsageError, match="no feedback in"):
        explore.connect(tmp_path)


def test_the_summary_says_what_was_read_and_found(lake, tmp_path):
    text = summarise(lake)
    for expected in ("LAST RUN", "survey", "FEEDBACK  7 pieces", "NPS of customers  -40", "passives", "THEMES"):
        assert expected in text
    assert "nan" not in text.lower()
    assert "nothing new" not in text
    assert "no feedback yet" in summarise(tmp_path / "none")


def test_the_summary_says_when_there_was_nothing_new(tmp_path, tiny):
    config = nights.survey(tmp_path, tiny)
    nights.run(config)
    nights.run(config)
    assert "nothing new: no file has changed" in summarise(tmp_path / "lake")
