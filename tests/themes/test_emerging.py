"""Emerging themes: the tail against scipy, no alarm where nothing grows, and what is planted found through DuckDB."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import betabinom

from cx_nlp.themes import emerging
from models.recipes import benchmark_emerging as benchmark
from tests.measures.frames import feedback, load, mentions, tables

AS_OF = dt.date(2026, 5, 31)


@pytest.mark.parametrize(("n", "a", "b"), [(1, 0.5, 0.5), (40, 2.0, 30.0), (900, 700.0, 9000.0), (50, 40.0, 0.7)])
def test_the_tail_is_that_of_a_beta_binomial(n, a, b):
    for x in sorted({0, 1, n // 3, n}):
        assert emerging.upper_tail(x, n, a, b) == pytest.approx(betabinom.sf(x - 1, n, a, b), rel=1e-6, abs=1e-12)


def test_the_correlation_of_weeks_is_found():
    rng = np.random.default_rng(0)
    for rho, low, high in ((0.0, 0.0, 0.0005), (0.01, 0.007, 0.02)):
        p = benchmark.scattered(rho)(np.full(60, 0.1), rng) if rho else np.full((60, 9), 0.1)
        n = np.full(8, 1000)
        found = emerging.correlation(rng.binomial(n, p[:, 1:]), n.astype(float))
        assert low <= np.median(found) <= high


@pytest.mark.parametrize("way", ["steady", "rho 0.01"])
def test_nights_on_which_nothing_grows_are_mostly_silent(way):
    rng = np.random.default_rng(5)
    alarms = np.mean([benchmark.night(300, benchmark.WAYS[way], rng).any() for _ in range(150)])
    assert alarms < 0.1, "at a false discovery rate of 0.05, of 150 nights"


def test_what_triples_is_found():
    rng = np.random.default_rng(6)
    found = np.mean([benchmark.night(300, benchmark.WAYS["rho 0.002"], rng, (0.05, 3.0))[0] for _ in range(40)])
    assert found > 0.6, "a customer in seven names it, where one in twenty did"


def lake(per_week: int = 60, *, grows: float = 1.0, weeks: int = 9, rng=None) -> tuple[list[dict], list[dict]]:
    """Customers of whole weeks up to AS_OF, a comment each; a tenth name t/old, and in the last week `grows` times as many."""
    rng = rng or np.random.default_rng(1)
    said, named = [], []
    for week in range(weeks):
        for i in range(per_week):
            day = AS_OF - dt.timedelta(int(7 * week + rng.integers(0, 7)))
            said.append({"feedback_id": f"w{week}-{i:04}", "customer_key": f"c{week}-{i}", "feedback_date": day})
            share = {"t/old": 0.1 * (grows if week == 0 else 1.0), "t/flat": 0.3}
            named += [
                {"feedback_id": f"w{week}-{i:04}", "theme_id": theme, "mention_id": k, "feedback_date": day}
                for k, (theme, p) in enumerate(share.items())
                if (i + 0.5) / per_week < p
            ]
    said[0]["feedback_date"] = AS_OF  # the latest day of the lake
    return said, named


def found(said, named, **options) -> pd.DataFrame:
    with load(feedback(said), mentions(named) if named else None) as con:
        return emerging.emerging(con, AS_OF, min_n=20, **options)


def test_the_theme_that_grows_is_called_and_the_other_is_not():
    rows = found(*lake(grows=4.0)).set_index("theme_id")
    assert rows["is_emerging"].to_dict() == {"t/old": True, "t/flat": False}
    old = rows.loc["t/old"]
    assert (old["n_customers"], old["customers"], old["baseline_n_customers"]) == (24, 60, 48)
    assert old["share"] == 0.4 and old["baseline"] == 0.1 and old["low"] < old["growth"] < old["high"]
    assert old["window_start"] == AS_OF - dt.timedelta(6) and old["baseline_start"] == AS_OF - dt.timedelta(62)


def test_a_busy_week_is_no_growth_and_one_who_writes_often_counts_once():
    said, named = lake()
    more = [
        dict(one, feedback_id=f"x{i}-{one['feedback_id']}")
        for i in range(5)
        for one in said
        if one["feedback_id"][:2] == "w0"
    ]
    again = [
        dict(one, feedback_id=f"x{i}-{one['feedback_id']}")
        for i in range(5)
        for one in named
        if one["feedback_id"][:2] == "w0"
    ]
    rows = found(said + more, named + again).set_index("theme_id")
    assert not rows["is_emerging"].any()
    assert rows.loc["t/old", "n_customers"] == 6 and rows.loc["t/old", "n"] == 36


def test_a_theme_under_a_new_version_is_not_tested():
    said, named = lake(grows=4.0)
    named = [one | {"themes_version": "t2" if one["feedback_id"].startswith("w0") else "t1"} for one in named]
    rows = found(said, named)
    assert (
        rows["caution"].tolist() == ["version", "version"]
        and rows["p_value"].isna().all()
        and not rows["is_emerging"].any()
    )


def test_short_histories_and_few_customers_are_suppressed():
    for options in ({"weeks": 3}, {"per_week": 10}):
        rows = found(*lake(**options, grows=4.0))
        assert rows["suppressed"].all() and not rows["is_emerging"].any() and rows["share"].isna().all()


def test_no_rows_three_rows_and_no_theme():
    assert found([{"feedback_date": AS_OF}], []).empty
    said, named = lake(per_week=3)
    assert found(said[:3], named[:1])["suppressed"].all()
    assert found(said, []).empty
    assert found(said, [one | {"theme_id": None} for one in named]).empty
    table = tables(feedback([{"feedback_date": AS_OF}]))["emerging"]
    assert len(table) == 0 and "is_emerging" in table


def test_the_table_holds_what_was_found():
    table = tables(feedback(lake(grows=4.0)[0]), mentions(lake(grows=4.0)[1]))["emerging"]
    assert table.loc[table["is_emerging"], "theme_id"].tolist() == ["t/old"]
    assert table["q_value"].notna().all() and (table["respondent_role"] == "customer").all()
