"""Drivers: against statsmodels, with themes above one another, and from the lake's rows."""

import numpy as np
import pandas as pd
import pytest

from cx_nlp.measures import drivers
from cx_nlp.measures.answers import Answers, answers
from tests.measures.frames import feedback, load, mentions


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def by_hand(n: int = 240, seed: int = 3) -> Answers:
    generator = rng(seed)
    named = generator.random((n, 3)) < [0.3, 0.25, 0.2]
    sentiment = np.where(named, generator.uniform(-1, 1, (n, 3)).round(3), 0.0)
    y = np.clip(4 - 1.2 * named[:, 0] + 0.8 * sentiment[:, 1] + generator.normal(0, 0.8, n), 1, 5).round()
    return Answers(y, np.arange(n) // 2, ("t/a", "t/b", "t/c"), named, sentiment, np.full(n, "neutral", dtype=object))


def as_lake(of: Answers):
    ids = [f"f{i:07}" for i in range(len(of.y))]
    named = [
        {
            "feedback_id": ids[row],
            "theme_id": of.themes[t],
            "mention_id": int(t),
            "sentiment_score": of.sentiment[row, t],
        }
        for row, t in np.argwhere(of.named)
    ]
    return feedback({"csat": of.y.astype(int), "customer_key": [f"c{c:04}" for c in of.customer]}), mentions(named)


def test_answers_come_back_from_the_lake():
    of = by_hand()
    with load(*as_lake(of)) as con:
        found = answers(con, "csat", min_n=1)
        few = answers(con, "csat", min_n=1, customers=10)
    assert found.themes == of.themes and (found.y == of.y).all() and (found.named == of.named).all()
    assert found.sentiment == pytest.approx(of.sentiment)
    assert len(np.unique(found.customer)) == 120 and len(np.unique(few.customer)) == 10


def test_driver_coefficients_agree_with_statsmodels():
    import statsmodels.api as sm

    of = by_hand()
    with load(*as_lake(of)) as con:
        found = drivers.drivers(con, min_n=20, rng=rng(), resamples=400).set_index(["outcome", "theme_id"]).loc["csat"]
    usual = [of.sentiment[of.named[:, t], t].mean() for t in range(3)]
    x = sm.add_constant(np.column_stack([of.named, of.named * (of.sentiment - usual)]).astype(float))
    fit = sm.OLS(of.y, x).fit(cov_type="cluster", cov_kwds={"groups": of.customer})
    assert found["presence"].tolist() == pytest.approx(fit.params[1:4])
    assert found["sentiment"].tolist() == pytest.approx(fit.params[4:7])
    width = (found["presence_high"] - found["presence_low"]).to_numpy() / (2 * 1.96)
    assert width == pytest.approx(fit.bse[1:4], rel=0.25)
    without = [of.y.mean() - of.y[~of.named[:, t]].mean() for t in range(3)]
    assert found["impact"].tolist() == pytest.approx(without)
    assert found.loc["t/a", "stability"] > 0.99 and found.loc["t/a", "presence_high"] < 0
    assert pd.isna(found.loc["t/a", "caution"]) and (found["n_customers"] >= 20).all()


def test_ratings_drive_as_csat_does_on_one_scale_and_not_at_all_on_two():
    of = by_hand()
    said, named = (table.to_pandas() for table in as_lake(of))
    rated = {"rating": 2.5 * of.y, "csat": None}
    one, two = (said.assign(**rated, rating_scale=scale) for scale in ("1-10", ["1-10"] * 239 + ["0-20"]))
    with load(*as_lake(of)) as con:
        csat = drivers.drivers(con, min_n=20, rng=rng(), resamples=30)
    with load(feedback(one), mentions(named)) as con:
        found = drivers.drivers(con, min_n=20, rng=rng(), resamples=30)
    with load(feedback(two), mentions(named)) as con:
        assert drivers.drivers(con, min_n=20, rng=rng(), resamples=30).empty, "a mean over two scales means nothing"
    assert set(csat["outcome"]) == {"csat"} and set(found["outcome"]) == {"rating"}
    figures = ["impact", "presence", "presence_low", "presence_high", "sentiment"]
    assert found[figures].to_numpy() == pytest.approx(2.5 * csat[figures].to_numpy())
    assert found["n_theme"].tolist() == csat["n_theme"].tolist()


def test_a_theme_of_few_carries_no_figures_and_one_of_some_a_caution():
    of = by_hand(n=60)
    with load(*as_lake(of)) as con:
        found = drivers.drivers(con, min_n=12, rng=rng(), resamples=20).set_index("theme_id")
        none = drivers.drivers(con, min_n=1000, rng=rng(), resamples=20)
    shown = found[~found["suppressed"]]
    assert len(shown) and shown["caution"].str.contains("small_n").all()
    assert none["suppressed"].all() and "presence" not in none, "nothing is computed where nothing is shown"


def test_drivers_are_the_same_from_the_same_seed():
    of = by_hand()
    with load(*as_lake(of)) as con:
        one, two, other = (drivers.drivers(con, min_n=20, rng=rng(seed), resamples=30) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one["presence_low"].equals(other["presence_low"])


def family(
    themes: tuple[str, ...], shares: list[float], effects: list[float], *, n: int = 800, seed: int = 5
) -> Answers:
    """Two responses a customer: themes named at random at a random sentiment, each of which moves y, 1 to 5, by so much."""
    generator = rng(seed)
    named = generator.random((n, len(themes))) < shares
    sentiment = np.where(named, generator.uniform(-1, 1, named.shape).round(3), 0.0)
    y = np.clip(np.round(4 + named @ np.array(effects) + generator.normal(0, 0.6, n)), 1, 5)
    return Answers(y, np.arange(n) // 2, themes, named, sentiment, np.full(n, "neutral", dtype=object))


def csat(of: Answers, parents: dict[str, str], *, min_n: int = 20) -> pd.DataFrame:
    with load(*as_lake(of), parents=parents) as con:
        found = drivers.drivers(con, min_n=min_n, rng=rng(), resamples=200).set_index(["outcome", "theme_id"])
    return found.loc["csat"]


FIGURES = [f"{name}{end}" for name in ("presence", "sentiment", "impact") for end in ("", "_low", "_high")]


def test_a_theme_above_that_is_named_by_way_of_one_below_takes_nothing_of_its_effect():
    """Both are the same rows; side by side in one regression each would get half."""
    of = family(("t/attitude", "t/late", "t/parcel", "t/price"), [0.15, 0.15, 0.15, 0.15], [-1.5, -0.5, 0.0, 0.0])
    flat = csat(of, {})
    found = csat(of, {"t/attitude": "t/staff", "t/late": "t/delivery", "t/parcel": "t/delivery"})
    pd.testing.assert_frame_equal(found.loc[list(of.themes), FIGURES], flat[FIGURES])
    child, parent = found.loc["t/attitude"], found.loc["t/staff"]
    for row in (child, parent):
        assert row["presence_low"] < -1.5 < row["presence_high"] < -1.2
    assert parent["presence"] == pytest.approx(child["presence"], abs=0.05)
    assert parent[["n_theme", "impact"]].tolist() == child[["n_theme", "impact"]].tolist()
    assert found.loc["t/parcel", "presence_low"] < 0 < found.loc["t/parcel", "presence_high"]
    assert found.loc["t/delivery", "presence_high"] < 0, "the half of it that is late drives"


def test_a_theme_with_two_opposite_ones_below_agrees_with_statsmodels():
    import statsmodels.api as sm

    of = family(("t/help", "t/price", "t/rude", "t/staff"), [0.15, 0.2, 0.15, 0.12], [0.8, 0.0, -1.2, -0.4])
    found = csat(of, {"t/help": "t/staff", "t/rude": "t/staff"})
    help_, price, rude, staff = of.named.T
    only, anyone = staff & ~help_ & ~rude, staff | help_ | rude
    counts = np.column_stack([help_, rude, staff]).sum(axis=1)
    mean = (
        np.round(of.sentiment * 1e5)[:, [0, 2, 3]].sum(axis=1) / np.maximum(counts, 1)
    ).round() / 1e5  # of all that is below

    def fitted(columns: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        x = [named for named, _ in columns] + [named * (felt - felt[named].mean()) for named, felt in columns]
        fit = sm.OLS(of.y, sm.add_constant(np.column_stack(x).astype(float))).fit(
            cov_type="cluster", cov_kwds={"groups": of.customer}
        )
        return fit.params[1:], fit.bse[1:]

    felt = of.sentiment.T
    specific, error = fitted([(help_, felt[0]), (price, felt[1]), (rude, felt[2]), (only, felt[3])])
    assert found.loc[["t/help", "t/price", "t/rude"], "presence"].tolist() == pytest.approx(specific[:3])
    assert found.loc[["t/help", "t/price", "t/rude"], "sentiment"].tolist() == pytest.approx(specific[4:7])
    above, above_error = fitted([(anyone, mean), (price, felt[1])])
    assert found.loc["t/staff", "presence"] == pytest.approx(above[0])
    assert found.loc["t/staff", "sentiment"] == pytest.approx(above[2])
    width = (found["presence_high"] - found["presence_low"]) / (2 * 1.96)
    assert width[["t/help", "t/rude", "t/staff"]].tolist() == pytest.approx(
        [error[0], error[2], above_error[0]], rel=0.25
    )
    assert found.loc["t/help", "presence_low"] > 0 > found.loc["t/rude", "presence_high"]
    assert found.loc["t/rude", "presence"] < found.loc["t/staff", "presence"] < found.loc["t/help", "presence"]


def test_those_below_that_few_name_count_for_the_theme_above():
    of = family(("t/cook", "t/price", "t/waiter"), [0.03, 0.2, 0.03], [-1.2, 0.0, -1.2], n=400)
    found = csat(of, {"t/cook": "t/staff", "t/waiter": "t/staff"})
    assert found["suppressed"].to_dict() == {"t/cook": True, "t/price": False, "t/staff": False, "t/waiter": True}
    assert found.loc["t/staff", "presence_low"] < -1.2 < found.loc["t/staff", "presence_high"] < 0


def test_at_each_level_a_response_enters_with_its_most_specific_themes():
    # 0 lies above 1, which lies above 2; 3 lies beside them. Rows name 2, 1, 0, and 2 with 3.
    above = np.zeros((4, 4), dtype=bool)
    above[1, 0] = above[2, 0] = above[2, 1] = True
    named = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], dtype=bool)
    found = [
        (entered.astype(int).tolist(), np.flatnonzero(told).tolist()) for entered, told in drivers.levels(named, above)
    ]
    assert found == [
        ([[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 1]], [0]),
        ([[0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 1]], [1]),
        ([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1]], [2, 3]),
    ]
    ((entered, told),) = drivers.levels(named, np.zeros((4, 4), dtype=bool))
    assert (entered == named).all() and told.all()
    ((nothing, nobody),) = drivers.levels(np.zeros((3, 0), dtype=bool), np.zeros((0, 0), dtype=bool))
    assert nothing.shape == (3, 0) and nobody.shape == (0,)


def test_themes_that_lie_above_each_other_in_a_circle_stand_beside_each_other():
    found = csat(by_hand(), {"t/a": "t/b", "t/b": "t/a"})
    assert not found["suppressed"].any() and found.loc["t/c", "presence_low"] < found.loc["t/c", "presence_high"]


def test_intervals_reach_further_out_where_few_name_a_theme():
    from scipy import stats

    ends = drivers.expanded(np.array([1, 2, 20, 1_000_000]))
    assert ends[:, 0].tolist() == [0, 100], "one person tells nothing of others"
    assert ends[0] == pytest.approx(100 - ends[1])
    assert ends[0, 2] == pytest.approx(100 * stats.norm.cdf(-np.sqrt(20 / 19) * 2.0930), abs=1e-3)
    assert ends[0, 3] == pytest.approx(2.5, abs=1e-3)
    assert (np.diff(ends[0]) > 0).all()
