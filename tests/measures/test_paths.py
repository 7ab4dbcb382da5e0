"""Paths, leanings, conversions, advocates, emotional shares: by hand, against other implementations, and empty."""

import math

import numpy as np
import pandas as pd
import pytest

from cx_nlp.measures import advocates, emotional, fence, paths
from tests.measures.frames import feedback, load, mentions, rates_of

READER = "minilm-cx@0123456789ab"
VERSION = f"sentiment={READER}|emotion={READER}|aspect={READER}"
CONFUSION = np.array([[90, 10], [20, 80]])


def moments(days: list[int]) -> list[pd.Timestamp]:
    return [pd.Timestamp("2026-03-02", tz="UTC") + pd.Timedelta(days=day) for day in days]


def test_a_step_goes_to_the_same_customers_next_response_in_any_source():
    frame = {
        "customer_key": ["a", "a", "a", "b", None, None], "source": ["survey", "reviews", "survey", "survey", "survey", "survey"],
        "touchpoint": ["buy", "deliver", "use", "buy", "buy", "use"], "nps": [10, 8, 3, 9, 9, 1],
        "submitted_at": moments([0, 4, 10, 0, 0, 1]),
    }  # fmt: skip
    with load(feedback(frame)) as con:
        found = paths.paths(con, min_n=1).set_index(["kind", "before", "after"])
    whole = found.loc[("touchpoint", "(all)", "(all)")]
    assert (whole["n"], whole["n_customers"], whole["days"]) == (2, 1, 5.0)
    assert whole["nps_change"] == -100 and whole["fell"] == 1.0 and whole["rose"] == 0.0
    step = found.loc[("touchpoint", "buy", "deliver")]
    assert (step["n"], step["value"], step["days"]) == (1, 1.0, 4.0)
    group = found.loc[("nps_group", "passive", "detractor")]
    assert group["n"] == 1 and math.isnan(group["nps_change"]), "from one group to another it is what it is"


def test_changes_and_shares_of_a_path_agree_with_statsmodels():
    import statsmodels.api as sm

    generator = np.random.default_rng(3)
    n = 300
    frame = pd.DataFrame({"customer_key": [f"c{i:03}" for i in np.arange(n) // 3], "nps": generator.integers(0, 11, n)})
    frame["touchpoint"] = generator.choice(["buy", "use"], n)
    frame["sentiment_score"] = generator.uniform(-1, 1, n).round(3)
    frame["submitted_at"] = moments((np.arange(n) % 3).tolist())
    with load(feedback(frame)) as con:
        found = paths.paths(con, min_n=20).set_index(["kind", "before", "after"])
    later = frame.groupby("customer_key").shift(-1)
    going = later["nps"].notna()
    change = (later["sentiment_score"] - frame["sentiment_score"])[going].to_numpy()
    fit = sm.OLS(change, np.ones(len(change))).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(frame["customer_key"][going])[0], "use_correction": False}
    )
    whole = found.loc[("touchpoint", "(all)", "(all)")]
    assert whole["sentiment_change"] == pytest.approx(fit.params[0])
    width = (whole["sentiment_change_high"] - whole["sentiment_change_low"]) / (2 * 1.959964)
    assert width == pytest.approx(fit.bse[0], rel=0.02)
    leaving = going & (frame["touchpoint"] == "buy")
    to_use = (later["touchpoint"] == "use")[leaving]
    assert found.loc[("touchpoint", "buy", "use"), "value"] == pytest.approx(to_use.mean())
    assert found.groupby(level=["kind", "before"])["n"].sum().loc[("touchpoint", "buy")] == leaving.sum()


def test_leans_say_which_passives_go_which_way():
    frame = pd.DataFrame({"nps": [7] * 40 + [10] * 10, "touchpoint": ["buy"] * 20 + ["use"] * 30})
    frame["sentiment_label"] = ["positive"] * 15 + ["negative"] * 5 + ["negative"] * 20 + ["positive"] * 10
    named = mentions([{"feedback_id": f"f{i:07}", "theme_id": "g/price"} for i in range(10, 30)])
    with load(feedback(frame), named) as con:
        found = fence.leans(con, min_n=20).set_index(["split", "term", "lean"])
    assert found.loc[("(all)", "(all)", "up"), "value"] == 15 / 40
    assert found.loc[("touchpoint", "use", "down"), "value"] == 1.0
    assert (
        found.loc[("touchpoint", "buy", "up"), "n_lean"] == 15
        and found.loc[("theme", "g/price", "down"), "n_lean"] == 15
    )
    assert found.groupby(level=["split", "term"])["value"].sum().tolist() == pytest.approx([1.0] * 4)


def test_a_complaint_of_the_passives_alone_is_what_would_convert_them():
    frame = {"nps": [8] * 50 + [10] * 30 + [2] * 20, "customer_key": [f"c{i:03}" for i in range(100)]}
    bad = {"sentiment_label": "negative", "sentiment_score": -0.8}
    named = [{"feedback_id": f"f{i:07}", "theme_id": "g/price", **bad} for i in range(20)]
    named += [
        {"feedback_id": f"f{i:07}", "theme_id": "g/wait", "mention_id": 1, **bad} for i in (*range(10), *range(50, 56))
    ]
    with load(feedback(frame), mentions(named)) as con:
        found = fence.conversions(con, min_n=20).set_index("theme_id")
    price, wait = found.loc["g/price"], found.loc["g/wait"]
    assert (price["value"], price["share_promoters"], price["gap"]) == (0.4, 0.0, 0.4) and price["q"] < 0.001
    assert price["at_stake"] == pytest.approx(100 * 0.4 * 0.5), "half of all who rated are passives"
    assert wait["gap"] == 0.0 and wait["q"] == pytest.approx(1.0) and wait["at_stake_low"] == 0.0


def test_a_difference_of_shares_has_newcombes_interval():
    from statsmodels.stats.proportion import confint_proportions_2indep

    for a, n, b, m in ((8, 40, 3, 50), (0, 30, 0, 20), (29, 30, 1, 25)):
        expected = confint_proportions_2indep(a, n, b, m, method="newcomb")
        assert fence.newcombe(a, n, b, m)[1:] == pytest.approx(expected, abs=1e-9)


def test_the_pooled_test_of_a_gap_agrees_with_statsmodels():
    from statsmodels.stats.proportion import proportions_ztest

    assert fence._pooled(20, 50, 5, 30) == pytest.approx(proportions_ztest([20, 5], [50, 30])[0])
    assert math.isnan(fence._pooled(0, 50, 0, 30))


def praise(n: int, **columns) -> pd.DataFrame:
    frame = pd.DataFrame({"nps": [10] * n, "customer_key": [f"c{i}" for i in range(n)]})
    frame["text"] = "They fixed my lamp within the hour and smiled"
    frame["sentiment_label"], frame["sentiment_score"], frame["is_uncertain"] = "positive", 0.9, False
    return frame.assign(**columns)


def listed(frame: pd.DataFrame, most: int = 10, themes: dict[int, int] | None = None) -> pd.DataFrame:
    named = [
        {"feedback_id": f"f{i:07}", "theme_id": f"g/{t}", "mention_id": t, "sentiment_label": "positive"}
        for i in range(len(frame)) for t in range((themes or {}).get(i, 1))
    ]  # fmt: skip
    with load(feedback(frame), mentions(named)) as con:
        return advocates.advocates(con, feedback="in_feedback", mentions="in_mentions", most=most)


def test_only_what_is_worth_quoting_is_listed():
    frame = praise(8)
    frame.loc[1, "nps"] = 8
    frame.loc[2, "is_mixed"] = True
    frame.loc[3, "text"] = "Great!"
    frame.loc[4, "text"] = "Ask for [NAME] they fixed my lamp within the hour"
    frame.loc[5, "is_uncertain"] = True
    frame.loc[6, "sentiment_label"] = "neutral"
    frame["is_mixed"] = frame["is_mixed"].fillna(False).astype(bool)
    found = listed(frame, themes={7: 0})
    assert found["feedback_id"].tolist() == ["f0000000"]
    assert found["n_words"].tolist() == [9] and found["themes"].tolist() == ["g/0"] and found["n"].tolist() == [1]


def test_a_customer_is_listed_once_by_the_best_piece_and_consent_is_what_was_said():
    frame = praise(4, customer_key=["a", "a", "b", "c"], may_quote=[None, True, False, None])
    frame["emotional_intensity"] = [0.2, 0.9, 0.5, 0.1]
    found = listed(frame, themes={2: 3})
    assert found["feedback_id"].tolist() == ["f0000002", "f0000001", "f0000003"]
    assert found["n"].tolist() == [1, 2, 1] and found["rank"].tolist() == [1, 2, 3]
    assert found["score"].iloc[1] == pytest.approx((0.9 + 0.9 + 1 / 3) / 3)
    assert [None if pd.isna(x) else bool(x) for x in found["may_quote"]] == [False, True, None]
    assert len(listed(frame, most=2)) == 2 and listed(praise(0)).empty


def test_the_emotional_share_is_corrected_by_touchpoint():
    frame = {
        "touchpoint": ["buy"] * 60 + ["use"] * 40,
        "is_emotional": [True] * 35 + [False] * 25 + [True] * 10 + [False] * 30,
    }
    with load(feedback(frame | {"model_version": VERSION})) as con:
        found = emotional.emotional(con, confusions={READER: CONFUSION}, min_n=20).set_index("touchpoint")
        rows = rates_of(
            con, con.execute("SELECT max(day) FROM piece").fetchall()[0][0], min_n=20, confusions={READER: CONFUSION}
        )
        strange = emotional.emotional(con, confusions={"other@1": CONFUSION}, min_n=20)
    assert found.index.tolist() == ["(all)", "buy", "use"]
    row = found.loc["(all)"]
    assert row["raw"] == 0.45 and row["corrected"] == pytest.approx(0.5) and row["n_dev"] == 200
    assert (row["sensitivity"], row["specificity"], row["claimed"]) == (0.8, 0.9, 0.7) and row["reason"] is None
    assert row["corrected_low"] < row["raw_low"] and row["corrected_high"] > row["raw_high"], (
        "dev's own error is part of it"
    )
    assert "Reddit" in row["note"] and "not an emotional decision" in row["note"]
    mine = rows[(rows["measure"] == "emotional_corrected") & (rows["period"] == "all")]
    assert mine.loc[mine["touchpoint"] == "use", "value"].iloc[0] == pytest.approx(found.loc["use", "corrected"])
    assert (
        set(strange["reason"]) == {"no_confusion"}
        and strange["corrected"].isna().all()
        and strange["raw"].notna().all()
    )


def test_texts_that_two_models_read_are_not_corrected():
    versions = [VERSION] * 30 + [VERSION.replace("0123", "9999")] * 30
    with load(feedback({"model_version": versions, "is_emotional": [True, False] * 30})) as con:
        found = emotional.emotional(con, confusions={READER: CONFUSION}, min_n=20)
    assert found["reason"].tolist() == ["several_models"] and math.isnan(found["corrected"].iloc[0])


def test_a_corrected_interval_agrees_with_a_simulation():
    generator = np.random.default_rng(2)
    raw = (0.45, 0.45 - 1.96 * 0.03, 0.45 + 1.96 * 0.03)
    confusion = np.array([[270, 30], [60, 240]])
    drawn = []
    for _ in range(4000):
        specificity, sensitivity = generator.binomial(300, 0.9) / 300, generator.binomial(300, 0.8) / 300
        drawn.append((generator.normal(0.45, 0.03) + specificity - 1) / (sensitivity + specificity - 1))
    value, low, high = emotional.correct(raw, confusion)
    assert value == pytest.approx(0.5)
    assert (low, high) == (
        pytest.approx(np.percentile(drawn, 2.5), abs=0.01),
        pytest.approx(np.percentile(drawn, 97.5), abs=0.01),
    )
    assert emotional.correct((0.02, 0.0, 0.05), confusion)[0] == 0.0, "fewer than the false alarms alone"
    assert all(math.isnan(end) for end in emotional.correct(raw, None))


def test_what_a_model_did_not_read_is_not_counted_as_a_no():
    """Half the rows have no emotions, as under a checkpoint for sentiment alone: shares are of the other half."""
    half = [True] * 15 + [False] * 15 + [None] * 30
    frame = {
        "is_emotional": half,
        "primary_emotion": ["joy"] * 15 + ["neutral"] * 15 + [None] * 30,
        "model_version": VERSION,
    }
    with load(feedback(frame)) as con:
        as_of = con.execute("SELECT max(day) FROM piece").fetchall()[0][0]
        rows = rates_of(con, as_of, min_n=20)
    rows = rows[(rows["period"] == "all") & (rows["source"] == "(all)") & (rows["touchpoint"] == "(all)")]
    rows = rows[(rows[["channel", "segment", "theme_id"]] == "(all)").all(axis=1)].set_index("measure")
    assert (rows.loc["emotional", "value"], rows.loc["emotional", "n"], rows.loc["emotion_joy", "value"]) == (
        0.5,
        30,
        0.5,
    )
    assert rows.loc["neutral", "n"] == 60
