"""Differences over customers against statsmodels and scipy, and where there is nothing to say."""

import math

import duckdb
import numpy as np
import pandas as pd
import pytest

from cx_nlp.measures import differences


def sums(x, is_now, customer=None) -> pd.DataFrame:
    frame = pd.DataFrame({"x": x, "is_now": is_now, "customer": np.arange(len(x)) if customer is None else customer})
    with duckdb.connect() as con:
        con.register("rows", frame)
        return differences.of_values(con, "rows", x="x")


def clustered(n: int = 300):
    generator = np.random.default_rng(5)
    customer = generator.integers(0, 90, n)
    is_now = generator.random(n) < 0.4
    x = np.clip(generator.integers(1, 5, n) + is_now + customer % 2, 1, 5)
    return x, is_now, customer


def test_a_mean_agrees_with_a_regression_with_clustered_errors():
    import statsmodels.api as sm

    x, is_now, customer = clustered()
    found = differences.compare(sums(x, is_now, customer), low=1, high=5).iloc[0]
    fit = sm.OLS(x, sm.add_constant(is_now.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": customer, "use_correction": False}
    )
    assert found["difference"] == pytest.approx(fit.params[1])
    half = (found["difference_high"] - found["difference_low"]) / 2
    assert half == pytest.approx(1.959964 * fit.bse[1], rel=0.02)
    assert found["p"] == pytest.approx(fit.pvalues[1], rel=0.1)
    assert found["before"] == pytest.approx(x[~is_now].mean()) and (found["n"], found["n_before"]) == (
        is_now.sum(),
        (~is_now).sum(),
    )


@pytest.mark.parametrize("hits", [(12, 40, 4, 60), (0, 30, 6, 45), (5, 20, 5, 20), (1, 25, 24, 25)])
def test_a_share_of_independent_rows_agrees_with_newcombe_and_an_exact_test(hits):
    from scipy.stats import hypergeom
    from statsmodels.stats.proportion import confint_proportions_2indep

    s1, n1, s0, n0 = hits
    x = [1] * s1 + [0] * (n1 - s1) + [1] * s0 + [0] * (n0 - s0)
    found = differences.compare(sums(x, [True] * n1 + [False] * n0), is_share=True).iloc[0]
    # statsmodels's Newcombe: both Wilson intervals, squared and added. A share of 0 or 1 has the same interval in both.
    low, high = confint_proportions_2indep(s1, n1, s0, n0, method="newcomb", compare="diff")
    assert found["difference"] == pytest.approx(s1 / n1 - s0 / n0)
    assert (found["difference_low"], found["difference_high"]) == pytest.approx(
        (low, high), abs=0.015
    )  # effective sizes allow for one customer less
    law = hypergeom(n1 + n0, s1 + s0, n1)
    tails = law.cdf(s1) - law.pmf(s1) / 2, law.sf(s1) + law.pmf(s1) / 2
    assert differences.exact_p(*hits) == pytest.approx(min(1.0, 2 * min(tails)))
    assert found["p"] == pytest.approx(differences.exact_p(*hits), abs=1e-9)


def test_a_customer_who_says_it_ten_times_is_one_witness():
    one = [1] * 8 + [0] * 22 + [1] * 2 + [0] * 28
    now = [True] * 30 + [False] * 30
    alone = differences.compare(sums(one, now), is_share=True).iloc[0]
    often = differences.compare(sums(one * 10, now * 10, list(range(60)) * 10), is_share=True).iloc[0]
    assert often["n"] == 300 and often["p"] == pytest.approx(alone["p"], abs=0.02)
    assert often["difference_low"] == pytest.approx(alone["difference_low"], abs=0.01)


def test_those_who_are_in_both_sets_are_compared_with_themselves():
    """Each of 50 customers answers alike before and now but for five: far surer than two samples of strangers."""
    before = np.arange(50) % 2
    now = np.where(np.arange(50) < 5, 1, before)
    x, is_now = np.concatenate([now, before]), np.repeat([True, False], 50)
    same = differences.compare(sums(x, is_now, np.tile(np.arange(50), 2)), is_share=True).iloc[0]
    strangers = differences.compare(sums(x, is_now), is_share=True).iloc[0]
    assert same["difference"] == strangers["difference"]
    assert same["difference_high"] - same["difference_low"] < 0.6 * (
        strangers["difference_high"] - strangers["difference_low"]
    )


def test_terms_have_the_units_of_all_behind_them():
    units = pd.DataFrame({"customer": range(10), "is_now": [True] * 4 + [False] * 6, "place": ["a", "b"] * 5})
    named = units.iloc[[0, 4, 5]].assign(term="t")
    with duckdb.connect() as con:
        con.register("units", units)
        con.register("named", named)
        whole = differences.of_terms(con, "units", "named").iloc[0]
        apart = differences.of_terms(con, "units", "named", keys=["place"]).set_index("place")
    assert (whole["s1"], whole["n1"], whole["s0"], whole["n0"], whole["customers"]) == (1, 4, 2, 6, 10)
    assert apart.loc["a", ["s1", "n1", "s0", "n0"]].tolist() == [1, 2, 1, 3]


@pytest.mark.parametrize(
    ("x", "is_now"),
    [([], []), ([1], [True]), ([1, 1, 1], [True, False, False]), ([None, None], [True, False])],
    ids=["empty", "one row", "alike", "missing"],
)
def test_where_nothing_can_be_said_it_is_nan_with_its_n(x, is_now):
    frame = sums(pd.Series(x, dtype="Int64"), pd.Series(is_now, dtype=bool))
    shares = differences.compare(frame, is_share=True)
    assert (
        len(shares) == 1
        and math.isnan(shares["p"].iloc[0])
        and shares["n"].iloc[0] == sum(value is not None and now for value, now in zip(x, is_now, strict=True))
    )
    assert differences.compare(frame, is_share=True, min_n=5)["value"].isna().all()
    assert differences.compare(frame, low=1, high=5)["difference_low"].isna().all()
