"""The table `measures`: what is counted once, what the figures and intervals are, and what is not shown."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cx_nlp.measures import rates
from tests.measures.frames import DAY, feedback, load, mentions, rates_of, tables

KEY = ["period", "period_start", "source", "channel", "touchpoint", "segment", "respondent_role", "theme_id", "measure"]


def rows_of(said, named=None, *, min_n=1, parents=None, **options) -> pd.DataFrame:
    with load(said, named, parents=parents) as con:
        as_of = con.execute("SELECT max(day) FROM piece").fetchall()[0][0]
        return rates_of(con, as_of, min_n=min_n, **options)


def pick(rows: pd.DataFrame, measure: str, *, period: str = "all", role: str = "customer", **split) -> pd.Series:
    found = rows[(rows["measure"] == measure) & (rows["period"] == period) & (rows["respondent_role"] == role)]
    for name in ("source", "channel", "touchpoint", "segment", "theme_id"):
        found = found[found[name] == split.get(name, "(all)")]
    assert len(found) == 1, found
    return found.iloc[0]


def survey(n: int, seed: int = 0, **columns) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "nps": rng.integers(0, 11, n), "csat": rng.integers(1, 6, n), "ces": rng.integers(1, 8, n),
            "customer_key": [f"c{i}" for i in rng.integers(0, max(1, n // 2), n)],
            "touchpoint": rng.choice(["buy", "use"], n),
            "sentiment_label": rng.choice(["negative", "neutral", "positive"], n),
            "primary_emotion": rng.choice(["joy", "anger", "neutral"], n),
        }
        | columns
    )  # fmt: skip


def test_shares_and_means_are_those_of_the_rows():
    frame = survey(200)
    rows = rows_of(feedback(frame))
    promoters, detractors = (frame["nps"] >= 9).mean(), (frame["nps"] <= 6).mean()
    assert pick(rows, "nps")["value"] == pytest.approx(100 * (promoters - detractors))
    for name, value in {
        "promoters": promoters, "detractors": detractors, "passives": frame["nps"].between(7, 8).mean(),
        "csat": frame["csat"].mean(), "csat_top_box": (frame["csat"] == 5).mean(), "ces": frame["ces"].mean(),
        "ces_top_box": (frame["ces"] == 7).mean(), "negative": (frame["sentiment_label"] == "negative").mean(),
        "emotion_joy": (frame["primary_emotion"] == "joy").mean(), "emotion_grief": 0.0, "responses": 200, "comments": 200,
    }.items():  # fmt: skip
        row = pick(rows, name)
        assert row["value"] == pytest.approx(value), name
        assert (row["n"], row["n_customers"]) == (200, frame["customer_key"].nunique())
    buy = frame[frame["touchpoint"] == "buy"]
    assert pick(rows, "csat", touchpoint="buy")["value"] == pytest.approx(buy["csat"].mean())
    emotions = [pick(rows, name)["value"] for name in rows["measure"].unique() if name.startswith("emotion_")]
    assert len(emotions) == 28 and sum(emotions) == pytest.approx(1)


def test_the_interval_of_nps_is_that_of_a_bootstrap_of_customers():
    rng = np.random.default_rng(8)
    usual = rng.integers(0, 11, 150)
    customer = np.repeat(np.arange(150), rng.integers(1, 6, 150))
    nps = np.clip(usual[customer] + rng.integers(-1, 2, len(customer)), 0, 10)
    row = pick(rows_of(feedback({"nps": nps, "customer_key": [f"c{c}" for c in customer]})), "nps")
    score = np.where(nps >= 9, 100.0, np.where(nps <= 6, -100.0, 0.0))
    s, n = np.bincount(customer, weights=score), np.bincount(customer)
    draws = rng.integers(150, size=(4000, 150))
    low, high = np.percentile(s[draws].sum(axis=1) / n[draws].sum(axis=1), [2.5, 97.5])
    assert (row["low"], row["high"]) == (pytest.approx(low, abs=2.5), pytest.approx(high, abs=2.5))


def test_a_share_has_wilsons_interval_where_each_customer_answers_once():
    from statsmodels.stats.proportion import proportion_confint

    frame = survey(120, customer_key=[f"c{i}" for i in range(120)])
    row = pick(rows_of(feedback(frame)), "passives")
    low, high = proportion_confint(frame["nps"].between(7, 8).sum(), 120, method="wilson")
    assert (row["low"], row["high"]) == (pytest.approx(low, abs=2e-3), pytest.approx(high, abs=2e-3))


def test_a_response_of_several_comments_counts_once():
    frame = pd.DataFrame(
        {
            "response_id": ["r1", "r1", "r2"],
            "is_response_head": [True, False, True],
            "nps": [9, 9, 3],
            "csat": [5, 5, 1],
        }
    )
    rows = rows_of(feedback(frame))
    assert (pick(rows, "nps")["value"], pick(rows, "nps")["n"]) == (0.0, 2)
    assert pick(rows, "csat")["value"] == 3.0
    assert (pick(rows, "responses")["value"], pick(rows, "comments")["value"], pick(rows, "neutral")["n"]) == (2, 3, 3)


def test_themes_roll_up_once_a_comment_and_ratings_once_a_response():
    said = feedback(
        {
            "feedback_id": ["a", "b", "c"],
            "response_id": ["r1", "r1", "r2"],
            "is_response_head": [False, True, True],
            "nps": [9, 9, 2],
        }
    )
    named = mentions(
        [
            {"feedback_id": "a", "theme_id": "g/late", "mention_id": 0, "p_negative": 0.9, "p_neutral": 0.1, "sentiment_score": -0.9,
             "sentiment_label": "negative", "primary_emotion": "anger"},
            {"feedback_id": "a", "theme_id": "g/driver", "mention_id": 1},
            {"feedback_id": "b", "theme_id": "g/late", "mention_id": 0},
            {"feedback_id": "c", "theme_id": None, "mention_id": 0},
        ]
    )  # fmt: skip
    rows = rows_of(said, named, parents={"g/late": "g/delivery", "g/driver": "g/delivery", "g/delivery": None})
    parent, child = {"theme_id": "g/delivery"}, {"theme_id": "g/late"}
    assert (pick(rows, "mentions", **parent)["value"], pick(rows, "comments", **parent)["value"]) == (3, 2)
    assert (pick(rows, "nps", **parent)["value"], pick(rows, "nps", **parent)["n"]) == (100, 1)
    assert pick(rows, "sentiment", **child)["value"] == pytest.approx(-0.45)
    assert pick(rows, "negative", **child)["value"] == 0.5, "the theme's own sentiment, not the comment's"
    assert pick(rows, "emotion_anger", **parent)["value"] == 0.5
    assert pick(rows, "mentions")["value"] == 3, "what fits no theme is no mention of one"
    assert set(rows["theme_id"]) == {"(all)", "g/late", "g/driver", "g/delivery"}
    assert pick(rows, "negative", **child)["themes_version"] == "t1"


def test_roles_are_never_mixed_and_few_colleagues_never_shown():
    frame = survey(60, respondent_role=["customer"] * 40 + ["employee"] * 16 + ["leader"] * 4, csat=[1] * 40 + [5] * 20)
    frame["customer_key"] = [f"c{i}" for i in range(60)]
    rows = rows_of(feedback(frame))
    assert pick(rows, "csat")["value"] == 1.0 and pick(rows, "csat", role="employee")["value"] == 5.0
    assert "leader" not in set(rows["respondent_role"])
    frame.loc[frame.index[40:53], "touchpoint"] = "buy"
    frame.loc[frame.index[53:56], "touchpoint"] = "use"
    rows = rows_of(feedback(frame))
    assert set(rows.loc[rows["respondent_role"] == "employee", "touchpoint"]) == {"(all)", "buy"}


def test_four_colleagues_who_rated_are_not_shown_within_ten_who_wrote():
    frame = survey(10, respondent_role="employee", customer_key=[f"c{i}" for i in range(10)])
    frame["csat"] = [4] * 4 + [None] * 6
    rows = rows_of(feedback(frame))
    assert pick(rows, "comments", role="employee")["value"] == 10
    assert rows[rows["measure"] == "csat"].empty


def test_small_groups_keep_their_n_and_lose_their_figures():
    rows = rows_of(feedback(survey(19)), min_n=20)
    row = pick(rows, "nps")
    assert row["suppressed"] and row["n"] == 19 and np.isnan([row["value"], row["low"], row["high"]]).all()
    assert not pick(rows, "comments")["suppressed"] and pick(rows, "comments")["value"] == 19


@pytest.mark.parametrize("n", [1, 3])
def test_nothing_rated_gives_rows_with_nulls(n):
    rows = rows_of(feedback({"score_status": ["no_text"] * n, "touchpoint": "buy"}), min_n=1)
    for name in ("nps", "promoters", "csat", "ces", "rating", "negative", "emotion_joy", "intensity"):
        for split in ({}, {"touchpoint": "buy"}):
            row = pick(rows, name, **split)
            assert row["n"] == 0 and row["suppressed"] and np.isnan([row["value"], row["low"], row["high"]]).all(), name
    assert pick(rows, "comments")["value"] == 0 and pick(rows, "responses")["value"] == n


def test_one_row_has_a_value_and_no_interval_where_there_can_be_none():
    row = pick(rows_of(feedback({"nps": [10]})), "nps")
    assert row["value"] == 100 and np.isnan(row["low"]) and np.isnan(row["high"])
    share = pick(rows_of(feedback({"nps": [10]})), "promoters")
    assert share["value"] == 1.0 and share["low"] < 0.3


def test_one_class_only_still_leaves_room_for_others():
    row = pick(rows_of(feedback({"nps": [10] * 30, "csat": [5] * 30})), "nps")
    assert row["value"] == row["high"] == 100 and 70 < row["low"] < 90
    assert 4.0 < pick(rows_of(feedback({"csat": [5] * 30})), "csat")["low"] < 5.0


def test_an_empty_lake_has_no_measures():
    assert tables(feedback([])) == {"as_of": None}


@pytest.mark.parametrize("other", ["1-10", None])
def test_scales_of_other_ratings_are_never_averaged(other):
    frame = {
        "source": ["a"] * 3 + ["b"] * 2,
        "rating": [4.0, 5.0, 3.0, 8.5, 9.5],
        "rating_scale": ["1-5"] * 3 + [other] * 2,
    }
    rows = rows_of(feedback(frame))
    assert np.isnan(pick(rows, "rating")["value"]) and pick(rows, "rating")["n"] == 5
    assert (pick(rows, "rating", source="a")["value"], pick(rows, "rating", source="b")["value"]) == (4.0, 9.0)


def test_the_sources_own_weights_count_and_kish_says_what_is_left():
    frame = {"csat": [5, 1, 1], "weight": [2.0, 1.0, 1.0], "customer_key": ["a", "b", "c"]}
    row = pick(rows_of(feedback(frame)), "csat")
    assert row["value"] == 3.0 and row["n"] == 3 and row["n_effective"] == pytest.approx(16 / 6)
    frame["weight"] = [0.0, 0.0, 0.0]
    assert np.isnan(pick(rows_of(feedback(frame)), "csat")["value"])


def test_periods_start_on_mondays_and_on_the_first():
    days = [dt.date(2026, 2, 28), dt.date(2026, 3, 1), dt.date(2026, 3, 2), dt.date(2026, 3, 8)]
    rows = rows_of(feedback({"feedback_date": days, "csat": [1, 2, 3, 4]}))
    found = rows[(rows["measure"] == "csat") & (rows["touchpoint"] == "(all)") & (rows["source"] == "(all)")]
    found = found[(found[["channel", "segment", "theme_id"]] == "(all)").all(axis=1)]
    values = {(row.period, row.period_start): row.value for row in found.itertuples()}
    assert values == {
        ("all", days[0]): 2.5, ("month", dt.date(2026, 2, 1)): 1.0, ("month", dt.date(2026, 3, 1)): 3.0,
        ("week", dt.date(2026, 2, 23)): 1.5, ("week", DAY): 3.5, **dict(zip((("day", d) for d in days), (1, 2, 3, 4), strict=True)),
    }  # fmt: skip
    short = rows_of(feedback({"feedback_date": days, "csat": [1, 2, 3, 4]}), days=6, weeks=1)
    kept = short[(short["measure"] == "csat") & (short["source"] == "survey")]
    assert kept[kept["period"] == "day"]["period_start"].tolist() == [days[3]]
    assert kept[kept["period"] == "week"]["period_start"].tolist() == [DAY]


def test_one_row_of_1970_costs_no_query_for_each_year_since(monkeypatch):
    asked = []
    sums = rates.group_sums
    monkeypatch.setattr(rates, "group_sums", lambda *given: asked.append(given[1]) or sums(*given))
    rows = rows_of(feedback({"feedback_date": [dt.date(1970, 1, 1), DAY], "csat": [1, 3]}))
    found = rows[(rows["measure"] == "csat") & (rows["period"] == "month") & (rows["source"] == "survey")]
    assert found["period_start"].tolist() == [dt.date(1970, 1, 1), dt.date(2026, 3, 1)]
    assert asked.count("month") == 2 * len(rates.SPLITS)


def test_a_row_names_the_versions_behind_it():
    rows = rows_of(
        feedback(
            {"model_version": ["m1", "m2", None], "score_status": ["scored", "scored", "no_text"], "csat": [1, 2, 3]}
        )
    )
    assert pick(rows, "negative")["model_version"] == "m1|m2"
    assert pick(rows, "csat")["model_version"] is None, "a rating needs no model"
    assert pick(rows, "negative")["coverage"] == pytest.approx(2 / 3)


def test_keys_are_unique_and_in_order():
    named = mentions({"feedback_id": [f"f{i:07}" for i in range(60)], "theme_id": ["a/x", "a/y"] * 30})
    rows = rows_of(feedback(survey(60)), named)
    assert not rows.duplicated(KEY).any()
    assert rows[KEY].equals(rows[KEY].sort_values(KEY, kind="stable").reset_index(drop=True))


def test_the_order_of_rows_moves_no_byte():
    frame = survey(
        300,
        sentiment_score=np.random.default_rng(3).random(300).round(5),
        weight=np.random.default_rng(4).random(300).round(3),
    )
    frame["feedback_id"] = [f"f{i:07}" for i in range(300)]
    one = tables(feedback(frame))
    other = tables(feedback(frame.sample(frac=1, random_state=5)))
    for name in one:
        if name != "as_of":
            pd.testing.assert_frame_equal(one[name], other[name])
