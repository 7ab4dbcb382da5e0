"""Passives, crossings, journey, emotions and weighting: by hand and against other implementations; all of them empty."""

import numpy as np
import pandas as pd
import pytest

from cx_nlp.measures import contrasts, emotions, journey, passives, weighting
from cx_nlp.measures.answers import Answers
from cx_nlp.measures.statistics import cluster_error
from tests.measures.frames import feedback, load, mentions, tables

MAKERS = ("passives", "crossings", "drivers", "journey", "emotion_outcomes", "explained", "weighted")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rated(groups: dict[str, int]) -> list[int]:
    value = {"promoter": 10, "passive": 8, "detractor": 3}
    return [value[name] for name, count in groups.items() for _ in range(count)]


def test_the_term_that_only_passives_use_is_found_and_the_one_that_all_use_is_not():
    n = {"promoter": 60, "passive": 50, "detractor": 40}
    frame = pd.DataFrame({"nps": rated(n), "customer_key": [f"c{i}" for i in range(150)]})
    ids = [f"f{i:07}" for i in range(150)]
    named = [{"feedback_id": ids[i], "theme_id": "t/all"} for i in range(0, 150, 3)]
    named += [{"feedback_id": ids[i], "theme_id": "t/value", "mention_id": 1} for i in (*range(60, 85), 0, 120)]
    with load(feedback(frame), mentions(named)) as con:
        found = passives.passives(con, min_n=20).set_index(["kind", "term", "against"])
    value = found.loc[("theme", "t/value", "promoter")]
    assert (value["n"], value["n_against"], value["n_term"], value["n_term_against"]) == (50, 60, 25, 1)
    assert value["q"] < 1e-3 and value["log_odds"] > 1 and value["value"] == 0.5
    assert found.loc[("theme", "t/all", "promoter")]["q"] > 0.5
    assert found.loc[("theme", "t/value", "detractor")]["q"] < 0.01
    assert "complaint" not in found.index.get_level_values("kind"), "no mention is negative"


def test_a_customer_counts_once_however_often_it_says_so():
    frame = pd.DataFrame({"nps": [8] * 30 + [10] * 30, "customer_key": ["same"] * 25 + [f"c{i}" for i in range(35)]})
    named = [{"feedback_id": f"f{i:07}", "theme_id": "t/x"} for i in (*range(25), 28, 29, 30, 31, 32)]
    with load(feedback(frame), mentions(named)) as con:
        found = passives.passives(con, min_n=1).set_index(["kind", "term", "against"])
    row = found.loc[("theme", "t/x", "promoter")]
    assert (row["n"], row["n_term"]) == (6, 3)


def test_passives_lean_by_their_text():
    said = ["positive"] * 12 + ["negative"] * 6 + ["neutral"] * 2
    frame = {"nps": [7] * 20, "sentiment_label": said, "is_mixed": [True] * 2 + [False] * 18}
    with load(feedback(frame)) as con:
        found = passives.passives(con, min_n=20)
    lean = found[found["kind"] == "lean"].set_index("term")["value"]
    assert lean.to_dict() == {"up": 0.5, "down": 0.3, "mixed": 0.1, "neutral": 0.1}


def test_crossings_count_each_response_once_and_add_up():
    generator = rng(2)
    frame = pd.DataFrame(
        {
            "nps": generator.choice([3, 8, 10], 300), "sentiment_label": generator.choice(["negative", "neutral", "positive"], 300),
            "is_mixed": generator.random(300) < 0.1, "score_status": generator.choice(["scored", "no_text"], 300, p=[0.8, 0.2]),
            "customer_key": [f"c{i}" for i in generator.integers(0, 150, 300)],
        }
    )  # fmt: skip
    with load(feedback(frame)) as con:
        found = passives.crossings(con, min_n=5)
    assert found["n"].sum() == 300 and found["value"].sum() == pytest.approx(1)
    assert found.groupby("nps_group")["group_share"].sum().tolist() == pytest.approx([1.0] * 3)
    assert found.groupby("text")["text_share"].sum().tolist() == pytest.approx([1.0] * 5)
    cell = found.set_index(["text", "nps_group"]).loc[("mixed", "passive")]
    mine = (frame["nps"] == 8) & frame["is_mixed"] & (frame["score_status"] == "scored")
    assert cell["n"] == mine.sum() and cell["group_share"] == pytest.approx(mine.sum() / (frame["nps"] == 8).sum())
    assert (found["low"] <= found["value"]).all() and (found["value"] <= found["high"]).all()


def test_two_comments_of_one_response_that_disagree_are_mixed_together():
    frame = {
        "response_id": ["r", "r"],
        "is_response_head": [True, False],
        "nps": [8, 8],
        "sentiment_label": ["positive", "negative"],
    }
    with load(feedback(frame)) as con:
        found = passives.crossings(con, min_n=1)
    assert found[["text", "nps_group", "n"]].to_numpy().tolist() == [["mixed", "passive", 1]]


def test_a_contrast_agrees_with_a_regression_with_clustered_errors():
    import statsmodels.api as sm

    generator = rng(4)
    customer = generator.integers(0, 60, 200)
    inside = generator.random(200) < 0.3
    csat = np.clip(3 + inside + generator.integers(-1, 2, 200) + (customer % 2), 1, 5)
    frame = {"csat": csat, "touchpoint": np.where(inside, "buy", "use"), "customer_key": [f"c{c}" for c in customer]}
    with load(feedback(frame)) as con:
        found = contrasts.contrast(con, "csat", "touchpoint = 'buy'")
    fit = sm.OLS(csat, sm.add_constant(inside.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": customer, "use_correction": False}
    )
    value, low, high = found.effect()
    assert value == pytest.approx(fit.params[1])
    assert (high - low) / (2 * 1.959964) == pytest.approx(fit.bse[1], rel=0.02)
    assert found.mean()[0] == pytest.approx(csat[inside].mean()) and (found.n_with, found.n) == (inside.sum(), 200)


def test_the_journey_has_its_order_and_its_moments():
    frame = pd.DataFrame({"touchpoint": ["use"] * 40 + ["buy"] * 30 + ["help"] * 30, "csat": [4, 5] * 35 + [1, 2] * 15})
    frame["customer_key"] = [f"c{i}" for i in range(100)]
    with load(feedback(frame)) as con:
        found = journey.journey(con, order=["buy", "use"], min_n=20)
    assert found.drop_duplicates("touchpoint")["touchpoint"].tolist() == ["buy", "use", "help"]
    csat = found[found["outcome"] == "csat"].set_index("touchpoint")
    assert csat.loc["help", "value"] == 1.5 and csat.loc["help", "effect"] == pytest.approx(-3.0)
    assert csat.loc["help", "moment"] == pytest.approx(0.3 * 3.0)
    assert csat.loc["help", "moment_low"] > 0 and csat["moment"].idxmax() == "help"
    assert csat.loc["buy", "volume_share"] == 0.3
    assert found[found["outcome"] == "nps"]["suppressed"].all(), "nobody gave one"


def test_a_moment_whose_effect_may_be_none_starts_at_zero():
    assert journey._moment(0.5, (-1.0, -3.0, 1.0)) == (0.5, 0.0, 1.5)
    assert journey._moment(0.5, (-2.0, -3.0, -1.0)) == (1.0, 0.5, 1.5)


def test_what_emotions_add_to_themes_is_found_and_noise_adds_nothing():
    generator = rng(6)
    n = 600
    named = generator.random((n, 2)) < 0.4
    emotion = generator.choice(["anger", "joy", "neutral"], n)
    y = 50.0 * named[:, 0] + 80 * (emotion == "joy") - 80 * (emotion == "anger") + generator.normal(0, 40, n)
    of = Answers(y, np.arange(n), ("a", "b"), named, np.zeros((n, 2)), emotion.astype(object))
    found = emotions.shares(of, rng=rng(1), resamples=200)
    assert found["themes"][0] + found["emotions"][0] == pytest.approx(found["together"][0])
    expected = np.var(80.0 * (emotion == "joy") - 80 * (emotion == "anger")) / np.var(y)
    assert found["emotions"][0] == pytest.approx(expected, abs=0.05) and found["emotions"][1] > found["themes"][2]
    noise = Answers(y, np.arange(n), ("a", "b"), named, np.zeros((n, 2)), generator.permutation(of.emotion))
    low, high = emotions.shares(noise, rng=rng(1), resamples=200)["emotions"][1:]
    assert low < 0.01 and high < 0.05


def test_emotions_go_with_outcomes():
    frame = pd.DataFrame(
        {"csat": [1] * 40 + [5] * 60, "primary_emotion": ["anger"] * 30 + ["neutral"] * 65 + ["joy"] * 5}
    )
    with load(feedback(frame)) as con:
        found = emotions.emotion_outcomes(con, min_n=20).set_index(["outcome", "emotion"])
    anger = found.loc[("csat", "anger")]
    assert anger["mean"] == 1.0 and anger["effect"] == pytest.approx(1 - (10 + 60 * 5) / 70) and anger["q"] < 0.001
    assert found.loc[("csat", "joy")]["suppressed"] and np.isnan(found.loc[("csat", "joy")]["effect"])
    assert (found.loc["nps"]["n"] == 0).all()


def test_commenters_stand_for_those_who_only_ticked_a_box():
    """At one touchpoint 40 promoters, of whom 10 wrote, and 20 detractors, of whom all did: 4 and 1 are the weights."""
    frame = {
        "nps": [10] * 40 + [2] * 20,
        "touchpoint": "buy",
        "score_status": ["scored"] * 10 + ["no_text"] * 30 + ["scored"] * 20,
    }
    with load(feedback(frame)) as con:
        found = weighting.weighted(con, known_shares={}, min_n=5, rng=rng()).set_index(["scheme", "measure"])
    row = found.loc[("commenters", "nps")]
    assert row["raw"] == pytest.approx(100 * (10 - 20) / 30) and row["weighted"] == pytest.approx(100 * (40 - 20) / 60)
    assert row["n"] == 30 and row["n_effective"] == pytest.approx(60**2 / (10 * 16 + 20))
    assert set(found.index.get_level_values("scheme")) == {"commenters"}


def test_cells_in_which_nobody_wrote_are_shared_out_and_weights_add_up_to_the_raters():
    cells, coarse = np.array([0, 0, 0, 1, 1, 2, 2]), np.array([5, 5, 5, 5, 5, 6, 6])
    speaks = np.array([True, True, False, False, False, True, False])
    weight = weighting.to_raters(cells, speaks, coarse)
    assert weight.tolist() == pytest.approx([2.5, 2.5, 0, 0, 0, 2.0, 0])
    unrated = weighting.to_raters(cells, speaks, np.array([5, 5, 5, 5, 5, -1, -1]))
    assert unrated[:5].sum() == pytest.approx(5)


def test_post_stratification_by_hand():
    """60 new and 40 old answered, half of all customers are new: weights 5/6 and 5/4."""
    frame = {"csat": [5] * 60 + [1] * 40, "segment": ["new"] * 60 + ["old"] * 40}
    with load(feedback(frame)) as con:
        shares = {"segment": {"new": 0.5, "old": 0.5}}
        found = weighting.weighted(con, known_shares=shares, min_n=5, rng=rng()).set_index(["scheme", "measure"])
    row = found.loc[("known_shares", "csat")]
    assert row["raw"] == pytest.approx(3.4) and row["weighted"] == pytest.approx(3.0)
    assert row["n_effective"] == pytest.approx(100**2 / (60 * (5 / 6) ** 2 + 40 * 1.25**2))


def test_several_known_shares_hold_together():
    generator = rng(7)
    segment, channel = generator.choice(["a", "b"], 500, p=[0.7, 0.3]), generator.choice(["x", "y", "z"], 500)
    known = {"segment": (segment, {"a": 0.4, "b": 0.6}), "channel": (channel, {"x": 0.2, "y": 0.2, "z": 0.6})}
    weight = weighting.rake(np.ones(500), known)
    assert weight.sum() == pytest.approx(500)
    assert weight[segment == "a"].sum() / 500 == pytest.approx(0.4)
    assert weight[channel == "z"].sum() / 500 == pytest.approx(0.6)
    absent = weighting.rake(np.ones(4), {"s": (np.array(["a", "a", "b", "?"]), {"a": 0.5, "b": 0.25, "gone": 0.25})})
    assert absent.tolist() == pytest.approx([1.0, 1.0, 1.0, 1.0])


def half(row: pd.Series, name: str) -> float:
    return (row[f"{name}_high"] - row[f"{name}_low"]) / 2


def test_the_difference_between_weighted_and_raw_is_surer_than_either():
    """Promoters comment less. Cells know the NPS, so the weighted figure is that of all raters: the difference's error by
    Taylor linearisation is that of the mean of all less the mean of those who comment.
    """
    generator = rng(9)
    customer = np.arange(900) // 2
    nps = np.where(
        generator.random(450)[customer] < 0.3, generator.choice([3, 10], 900), generator.choice([3, 8, 10], 900)
    )
    wrote = generator.random(900) < np.where(nps == 10, 0.4, 0.7)
    frame = {
        "nps": nps, "customer_key": [f"c{c}" for c in customer], "touchpoint": generator.choice(["buy", "use"], 900),
        "score_status": np.where(wrote, "scored", "no_text"), "segment": generator.choice(["a", "b"], 900, p=[0.7, 0.3]),
    }  # fmt: skip
    with load(feedback(frame)) as con:
        options = {"known_shares": {"segment": {"a": 0.5, "b": 0.5}}, "min_n": 20}
        found, again = (
            weighting.weighted(con, **options, rng=rng(1)).set_index(["scheme", "measure"]) for _ in range(2)
        )
    pd.testing.assert_frame_equal(found, again)
    row = found.loc[("commenters", "nps")]
    assert row["difference"] == pytest.approx(row["weighted"] - row["raw"]) and row["difference_low"] > 0
    assert half(row, "difference") < 0.6 * np.hypot(half(row, "raw"), half(row, "weighted")), "the same people in both"
    y = np.where(nps == 10, 100.0, np.where(nps == 3, -100.0, 0.0))
    pull = (y - y.mean()) / 900 - wrote * (y - y[wrote].mean()) / wrote.sum()
    assert half(row, "difference") == pytest.approx(1.96 * cluster_error(pull, customer), rel=0.15)
    for scheme in ("known_shares", "both"):
        other = found.loc[(scheme, "nps")]
        assert other["difference_low"] < other["difference"] < other["difference_high"]
        assert half(other, "difference") < np.hypot(half(other, "raw"), half(other, "weighted"))


def test_where_all_wrote_weighting_to_raters_changes_nothing_and_has_no_interval():
    with load(feedback({"nps": [3, 8, 10] * 20})) as con:
        row = weighting.weighted(con, known_shares={}, min_n=20, rng=rng()).set_index("measure").loc["nps"]
    assert row["difference"] == pytest.approx(0) and np.isnan(row["difference_low"])


@pytest.mark.parametrize(
    "frame",
    [
        {"nps": [8]},
        {"score_status": ["no_text"]},
        {"nps": [9] * 30},
        {"nps": [8] * 30, "csat": [3] * 30},
        {"respondent_role": ["employee"] * 6, "csat": [3] * 6},
        {"score_status": ["no_text"] * 30, "nps": [7] * 30},
    ],
    ids=["one row", "nothing rated or said", "promoters only", "passives only", "no customers", "ratings only"],
)
def test_odd_lakes_give_rows_with_nulls_and_no_made_up_numbers(frame):
    found = tables(feedback(frame), min_n=20)
    for name in MAKERS:
        table = found[name]
        shown = [
            "value",
            "low",
            "high",
            "effect",
            "presence",
            "impact",
            "raw",
            "weighted",
            "difference",
            "mean",
            "log_odds",
        ]
        hidden = table[table["suppressed"]]
        assert hidden[[column for column in shown if column in table]].isna().all().all(), name
        assert (table["n"] >= 0).all()
