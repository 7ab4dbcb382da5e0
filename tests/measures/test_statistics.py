"""Each formula against an implementation that somebody else wrote, or against a calculation by hand."""

import math

import numpy as np
import pytest

from cx_nlp.measures import statistics


def test_false_discovery_agrees_with_scipy():
    from scipy.stats import false_discovery_control

    rng = np.random.default_rng(1)
    for size in (1, 2, 17, 300):
        p = rng.random(size) ** 2
        assert statistics.false_discovery(p) == pytest.approx(false_discovery_control(p, method="bh"))


def test_a_missing_p_is_no_test():
    q = statistics.false_discovery(np.array([0.01, np.nan, 0.02]))
    assert q[[0, 2]] == pytest.approx([0.02, 0.02]) and math.isnan(q[1])
    assert len(statistics.false_discovery(np.array([]))) == 0


def test_two_sided_agrees_with_scipy():
    from scipy.stats import norm

    z = np.linspace(-6, 6, 25)
    assert statistics.two_sided(z) == pytest.approx(2 * norm.sf(np.abs(z)))


def test_log_odds_agree_with_a_direct_calculation():
    """Of 100 and 200 customers 30 and 20 name a term, 50 of 300 in all: a prior of 10 customers adds 5/3 of 10."""
    delta, z = statistics.log_odds(np.array([30]), 100, np.array([20]), 200)
    prior, rest = 10 * 50 / 300, 10 * 250 / 300
    expected = math.log((30 + prior) / (70 + rest)) - math.log((20 + prior) / (180 + rest))
    variance = 1 / (30 + prior) + 1 / (70 + rest) + 1 / (20 + prior) + 1 / (180 + rest)
    assert delta[0] == pytest.approx(expected) and z[0] == pytest.approx(expected / math.sqrt(variance))


def test_without_a_prior_log_odds_are_those_of_a_table():
    from statsmodels.stats.contingency_tables import Table2x2

    reference = Table2x2(np.array([[30, 70], [20, 180]]))
    delta, z = statistics.log_odds(np.array([30]), 100, np.array([20]), 200, strength=0.0)
    assert delta[0] == pytest.approx(reference.log_oddsratio)
    assert delta[0] / z[0] == pytest.approx(reference.log_oddsratio_se)


def test_shrinkage_holds_back_a_term_that_one_customer_names():
    rare, common = statistics.log_odds(np.array([1, 40]), 100, np.array([0, 20]), 100)[0]
    assert 0 < rare < common
    assert np.isnan(statistics.log_odds(np.array([0, 100]), 100, np.array([0, 50]), 50)[1]).all()
    assert np.isnan(statistics.log_odds(np.array([0]), 0, np.array([3]), 10)[0]).all()


def test_log_odds_find_nothing_where_nothing_is():
    """5 % of |z| above 1.96 under no difference, within the error of 6,000 tests."""
    rng = np.random.default_rng(5)
    shares = np.tile([0.03, 0.1, 0.4], 2000)
    z = statistics.log_odds(rng.binomial(150, shares), 150, rng.binomial(220, shares), 220)[1]
    assert 0.03 < np.mean(np.abs(z[~np.isnan(z)]) > 1.96) < 0.06


def test_the_shortest_solution_is_that_of_the_pseudoinverse():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 40)) * (rng.random((300, 40)) < 0.2)
    for alike in ("none", "some", "many"):
        if alike != "none":
            x[:, 3], x[:, 9], x[:, 20] = x[:, 4] / 2, 0, x[:, 21] - x[:, 22]
        if alike == "many":
            x[:, 25:] = x[:, :15]
        products, right = x.T @ x, x.T @ rng.normal(size=300)
        expected = np.linalg.pinv(products, rcond=1e-10, hermitian=True) @ right
        assert statistics.shortest(products, right) == pytest.approx(expected, abs=1e-12), alike
    assert statistics.shortest(np.zeros((2, 2)), np.zeros(2)).tolist() == [0, 0]
    assert statistics.shortest(np.zeros((0, 0)), np.zeros(0)).tolist() == []


def test_least_squares_agree_with_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(200), rng.random((200, 3)) < 0.3, rng.normal(size=200)]).astype(float)
    y, weight = x @ [3, -2, 0, 1, 0.5] + rng.normal(size=200), rng.integers(0, 4, size=200).astype(float)
    assert statistics.least_squares(x, y) == pytest.approx(sm.OLS(y, x).fit().params)
    assert statistics.least_squares(x, y, weight) == pytest.approx(sm.WLS(y, x, weights=weight).fit().params)


def test_a_column_that_vanishes_gets_nothing():
    x = np.column_stack([np.ones(20), np.zeros(20)])
    assert statistics.least_squares(x, np.arange(20.0)) == pytest.approx([9.5, 0.0])


def test_ridge_agrees_with_scikit_learn():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(80, 4)), rng.normal(size=80) + 5
    reference = Ridge(alpha=3.0).fit(x, y)
    found = statistics.ridge_fit(np.column_stack([np.ones(80), x]), y, 3.0)
    assert found == pytest.approx([reference.intercept_, *reference.coef_], rel=1e-6)


def test_percentiles_of_resamples_are_those_of_scipy_and_lie_further_out_than_the_usual_ones():
    from scipy.stats.mstats import mquantiles

    drawn = np.random.default_rng(5).normal(size=(199, 2))
    drawn[:, 1] = np.nan
    ends = statistics.percentiles(drawn, [2.5, 97.5])
    assert ends[:, 0] == pytest.approx(mquantiles(drawn[:, 0], [0.025, 0.975], alphap=0, betap=0))
    assert ends[:, 0] == pytest.approx(np.sort(drawn[:, 0])[[4, 194]]), "the fifth of 199 from either end"
    assert np.isnan(ends[:, 1]).all()


def test_kish_by_hand():
    assert statistics.kish(np.array([1.0, 1.0, 1.0])) == 3
    assert statistics.kish(np.array([3.0, 1.0])) == pytest.approx(16 / 10)
    assert statistics.kish(np.array([])) == 0


def test_a_weighted_mean_and_its_error_over_clusters_agree_with_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(4)
    cluster = rng.integers(0, 40, size=150)
    y, weight = rng.normal(size=150) + rng.normal(size=40)[cluster], rng.random(150) + 0.2
    mean, error = statistics.weighted_mean(y, weight, cluster)
    fit = sm.WLS(y, np.ones(150), weights=weight).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": True, "df_correction": False}
    )
    # statsmodels also corrects by (N - 1) / (N - K), which is 1 for a mean.
    assert mean == pytest.approx(fit.params[0]) and error == pytest.approx(fit.bse[0], rel=1e-6)
    assert all(math.isnan(value) for value in statistics.weighted_mean(np.array([]), np.array([]), np.array([])))
    assert math.isnan(statistics.weighted_mean(np.array([1.0, 2.0]), np.ones(2), np.array([7, 7]))[1])


def test_a_share_is_corrected_for_the_classifiers_errors():
    """Of 100 emotional texts 80 are found, of 100 others 10 too: 45 % found means 50 % are."""
    true, error = statistics.corrected_share(0.45, 0.0, np.array([[90, 10], [20, 80]]))
    assert true == pytest.approx(0.5)
    assert error > 0, "what dev does not know is part of the interval"
    assert statistics.corrected_share(0.45, 0.1, np.array([[90, 10], [20, 80]]))[1] > error
    assert math.isnan(statistics.corrected_share(0.4, 0.0, np.array([[50, 50], [50, 50]]))[0])
    assert math.isnan(statistics.corrected_share(0.4, 0.0, np.array([[0, 0], [50, 50]]))[0])
    assert statistics.corrected_share(0.05, 0.0, np.array([[90, 10], [20, 80]]))[0] == 0.0


def test_the_error_of_a_corrected_share_is_that_of_a_simulation():
    rng = np.random.default_rng(6)
    confusion = np.array([[270, 30], [60, 240]])
    error = statistics.corrected_share(0.45, 0.02, confusion)[1]
    drawn = []
    for _ in range(3000):
        specific, sensitive = rng.binomial(300, 0.9) / 300, rng.binomial(300, 0.8) / 300
        drawn.append((rng.normal(0.45, 0.02) + specific - 1) / (specific + sensitive - 1))
    assert error == pytest.approx(np.std(drawn), rel=0.06)
