"""Outcomes and loops: what came before what, against other implementations, and where there is no file."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cx_nlp import outcome_files
from cx_nlp.measures import loops, outcomes, paths
from tests.measures.frames import feedback, load, mentions

DAY = dt.date(2026, 3, 2)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def done(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=outcome_files.OUTCOMES)


def answered(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=outcome_files.LOOPS)


def lake(n: int = 120, seed: int = 1):
    """n customers who answer once; the unhappy leave more often, and each spends ten times the NPS."""
    generator = rng(seed)
    nps = generator.choice([3, 8, 10], n)
    frame = pd.DataFrame({"nps": nps, "customer_key": [f"c{i:03}" for i in range(n)]})
    frame["primary_emotion"] = np.where(nps == 3, "anger", "neutral")
    stayed = generator.random(n) < np.where(nps == 3, 0.4, 0.9)
    rows = [
        {"customer_key": f"c{i:03}", "as_of": DAY + dt.timedelta(30), "stayed": bool(stayed[i]), "spend": 10.0 * nps[i]}
        for i in range(n)
    ]
    return frame, rows, stayed


def test_what_precedes_staying_agrees_with_a_regression():
    import statsmodels.api as sm

    frame, rows, stayed = lake()
    with load(feedback(frame)) as con:
        found = outcomes.outcomes(con, rows=done(rows), min_n=20).set_index(["outcome", "kind", "term"])
    row = found.loc[("stayed", "nps_group", "detractor")]
    has = (frame["nps"] == 3).to_numpy()
    fit = sm.OLS(stayed.astype(float), sm.add_constant(has.astype(float))).fit(cov_type="HC1")
    assert row["value"] == pytest.approx(stayed[has].mean()) and row["effect"] == pytest.approx(fit.params[1])
    assert (row["effect_high"] - row["effect_low"]) / (2 * 1.959964) == pytest.approx(fit.bse[1], rel=0.01)
    assert (row["n"], row["n_term"], row["n_customers"]) == (120, has.sum(), has.sum()) and row["q"] < 0.01
    assert row["mean_without"] == pytest.approx(stayed[~has].mean())
    assert found.loc[("spend", "nps_group", "promoter")]["value"] == 100.0
    assert found.loc[("stayed", "emotion", "anger")]["effect"] == pytest.approx(fit.params[1])


def test_passives_come_first_and_a_missing_column_says_so():
    frame, rows, _ = lake()
    with load(feedback(frame)) as con:
        found = outcomes.outcomes(con, rows=done(rows), min_n=20)
    for _, part in found.groupby("outcome"):
        assert part.sort_values("position")["term"].tolist()[:3] == ["passive", "promoter", "detractor"]
    missing = found[found["outcome"] == "recommended"]
    assert (
        set(missing["reason"]) == {"no_column"}
        and missing["suppressed"].all()
        and "value" not in missing.dropna(axis=1)
    )


@pytest.mark.parametrize(
    ("rows", "reason"), [(None, "no_file"), (done([]), "no_column"), ("strangers", "nobody_matched")]
)
def test_without_a_file_or_a_match_there_is_a_null_with_its_reason(rows, reason):
    if rows == "strangers":
        rows = done([{"customer_key": "z", "as_of": DAY, "stayed": True, "spend": 1.0, "recommended": False}])
    with load(feedback(lake()[0])) as con:
        found = outcomes.outcomes(con, rows=rows, min_n=20)
    assert len(found) == 9 and set(found["reason"]) == {reason} and (found["n"] == 0).all()


def test_only_what_was_said_before_counts_and_only_for_the_next_outcome():
    """One customer: promoter, outcome, detractor, outcome; what is said on the day of an outcome is not before it."""
    days = [DAY, DAY + dt.timedelta(10), DAY + dt.timedelta(20)]
    frame = {"customer_key": "c", "nps": [10, 2, 8], "feedback_date": days}
    rows = [{"customer_key": "c", "as_of": days[0] + dt.timedelta(5), "stayed": True},
            {"customer_key": "c", "as_of": days[2], "stayed": False}]  # fmt: skip
    with load(feedback(frame)) as con:
        found = outcomes.outcomes(con, rows=done(rows), min_n=1).set_index(["outcome", "kind", "term"]).loc["stayed"]
    assert (
        found.loc[("nps_group", "promoter"), "value"] == 1.0 and found.loc[("nps_group", "detractor"), "value"] == 0.0
    )
    assert found.loc[("nps_group", "passive"), "n_term"] == 0 and found.loc[("nps_group", "promoter"), "n"] == 2


def test_employees_and_the_unknown_have_no_outcome():
    frame = pd.DataFrame({"nps": [9] * 4, "customer_key": ["a", "b", None, "d"]})
    frame["respondent_role"] = ["customer", "employee", "customer", "customer"]
    rows = [{"customer_key": key, "as_of": DAY + dt.timedelta(1), "stayed": True} for key in "abd"]
    with load(feedback(frame)) as con:
        found = outcomes.outcomes(con, rows=done(rows), min_n=1)
    assert found.loc[found["outcome"] == "stayed", "n"].iloc[0] == 2


def test_samples_in_which_nothing_goes_with_staying_find_nothing():
    """200 samples, five themes and three groups: a find at q < 0.05 in no more than a twentieth of them, with its error."""
    generator = rng(4)
    any_found = 0
    for _ in range(200):
        from cx_nlp.measures.contrasts import contrast_of
        from cx_nlp.measures.statistics import false_discovery, two_sided

        customer = np.arange(200)
        y = (generator.random(200) < 0.7).astype(float)
        z = [contrast_of(y, generator.random(200) < 0.3, customer, low=0, high=1).z() for _ in range(5)]
        any_found += bool((false_discovery(two_sided(np.array(z))) < 0.05).any())
    assert any_found / 200 < 0.10


def pieces(n: int = 80, seed: int = 2):
    generator = rng(seed)
    frame = pd.DataFrame(
        {"customer_key": [f"c{i:03}" for i in np.arange(n) // 2], "nps": generator.choice([3, 8, 10], n)}
    )
    frame["sentiment_label"] = np.where(frame["nps"] == 3, "negative", "positive")
    frame["sentiment_score"] = np.where(frame["nps"] == 3, -0.8, 0.7)
    frame["submitted_at"] = pd.Timestamp("2026-03-02", tz="UTC") + pd.to_timedelta(np.arange(n) % 2 * 10, unit="D")
    return frame


def test_answers_are_counted_by_the_themes_owner_and_timed():
    frame = pieces()
    named = mentions([{"feedback_id": f"f{i:07}", "theme_id": "g/late"} for i in range(0, 80, 2)])
    rows = [
        {"source": "survey", "feedback_id": f"f{i:07}", "resolved": i % 8 == 0,
         "answered_at": pd.Timestamp("2026-03-02", tz="UTC") + pd.Timedelta(hours=i)}
        for i in range(0, 80, 4)
    ]  # fmt: skip
    with load(feedback(frame), named) as con:
        found = loops.loops(con, rows=answered(rows), owners={"g/late": "Logistics"}, min_n=10)
    found = found.set_index(["split", "term", "measure"])
    assert found.loc[("(all)", "(all)", "answered"), "value"] == 20 / 80
    owner = found.loc[("owner", "Logistics")]
    assert owner.loc["answered", "value"] == 0.5 and owner.loc["answered", "n"] == 40
    assert owner.loc["resolved", "value"] == 0.5 and owner.loc["resolved", "n"] == 20
    hours = owner.loc["hours_to_answer"]
    assert (
        hours["value"] == pytest.approx(np.median(np.arange(0, 80, 4)))
        and hours["low"] < hours["value"] < hours["high"]
    )


def test_the_interval_of_a_median_is_that_of_a_bootstrap():
    generator = rng(7)
    hours = generator.exponential(20, 400).round(3)
    first = pd.Timestamp("2026-03-02", tz="UTC")
    said = feedback({"customer_key": [f"c{i}" for i in range(400)], "submitted_at": first})
    rows = [
        {"source": "survey", "feedback_id": f"f{i:07}", "answered_at": first + pd.Timedelta(hours=h)}
        for i, h in enumerate(hours)
    ]
    with load(said) as con:
        found = loops.loops(con, rows=answered(rows), owners={}, min_n=20).set_index(["split", "measure"])
        one = loops.loops(con, rows=answered(rows[:1]), owners={}, min_n=1).set_index(["split", "measure"])
    row = found.loc[("(all)", "hours_to_answer")]
    drawn = [np.median(generator.choice(hours, 400)) for _ in range(2000)]
    assert row["value"] == pytest.approx(np.median(hours), rel=1e-6)
    assert row["low"] == pytest.approx(np.percentile(drawn, 2.5), rel=0.08)
    assert row["high"] == pytest.approx(np.percentile(drawn, 97.5), rel=0.08)
    assert one.loc[("(all)", "hours_to_answer"), "n"] == 1 and np.isnan(one.loc[("(all)", "hours_to_answer"), "low"])


def test_the_next_response_after_an_answer_is_set_against_those_who_stood_alike():
    """Detractors all come back by 100, answered or not, and only they are answered: an answer changed nothing."""
    came = np.array([True] * 30 + [False] * 60)
    stratum = np.array(["detractor"] * 60 + ["promoter"] * 30)
    change = np.where(stratum == "detractor", 100.0, -50.0) + np.tile([-5.0, 5.0], 45)
    row = loops.compared(change, came, stratum, np.arange(90), min_n=20)
    assert row["n"] == 30 and row["n_without"] == 30, "promoters are left out: none of them was answered"
    assert row["effect"] == pytest.approx(0.0) and row["effect_low"] < 0 < row["effect_high"]
    mixed = np.array([True] * 30 + [False] * 30 + [True] * 5 + [False] * 25)
    row = loops.compared(change, mixed, stratum, np.arange(90), min_n=20)
    assert row["value"] == pytest.approx((30 * 100 - 5 * 50) / 35, abs=1) and row["effect"] == pytest.approx(
        0.0, abs=1.5
    )


def test_a_weighted_comparison_agrees_with_statsmodels():
    import statsmodels.api as sm

    generator = rng(5)
    came, stratum = generator.random(200) < 0.4, generator.choice(["a", "b"], 200)
    change, customer = generator.normal(size=200) + came, generator.integers(0, 90, 200)
    row = loops.compared(change, came, stratum, customer, min_n=20)
    weight = np.ones(200)
    for name in "ab":
        here = stratum == name
        weight[here & ~came] = (here & came).sum() / (here & ~came).sum()
    fit = sm.WLS(change, sm.add_constant(came.astype(float)), weights=weight).fit(
        cov_type="cluster", cov_kwds={"groups": customer, "use_correction": False}
    )
    assert row["effect"] == pytest.approx(fit.params[1])
    assert (row["effect_high"] - row["effect_low"]) / (2 * 1.959964) == pytest.approx(fit.bse[1], rel=0.02)


def test_an_answer_that_comes_after_the_next_response_is_neither():
    frame = pieces(4)
    rows = [{"source": "survey", "feedback_id": "f0000000", "answered_at": pd.Timestamp("2026-03-05", tz="UTC")},
            {"source": "survey", "feedback_id": "f0000002", "answered_at": pd.Timestamp("2026-03-30", tz="UTC")}]  # fmt: skip
    with load(feedback(frame)) as con:
        assert paths.load_steps(con) == 2
        found = loops.loops(con, rows=answered(rows), owners={}, min_n=1).set_index(["split", "measure"])
    row = found.loc[("(all)", "next_nps")]
    assert row["n"] + row["n_without"] == 0 and row["reason"] == "small_n"


@pytest.mark.parametrize(
    ("rows", "reason"), [(None, "no_file"), ([{"source": "x", "feedback_id": "y"}], "nobody_matched")]
)
def test_without_loops_each_measure_has_a_null_with_its_reason(rows, reason):
    with load(feedback(pieces(4))) as con:
        found = loops.loops(con, rows=None if rows is None else answered(rows), owners={}, min_n=1)
    assert found["measure"].tolist() == list(loops.MEASURES) and set(found["reason"]) == {reason}
