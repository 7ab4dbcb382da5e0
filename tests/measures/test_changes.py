"""Changes and the alert rules over them."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.measures import changes
from cx_nlp.measures.alerts import Rule, alerts, parse
from tests.measures.frames import DAY, feedback, load, made


def days_before(*counts: int) -> list[dt.date]:
    """So many rows of each day, the latest first."""
    return [DAY - dt.timedelta(day) for day, count in enumerate(counts) for _ in range(count)]


def test_a_volume_agrees_with_a_poisson_test():
    from statsmodels.stats.rates import test_poisson_2indep as poisson

    found = changes.volume(60, 240, (7, 56), by_customer=1.0, units=np.array([30.0, 31, 29, 30, 30]))
    want = poisson(60, 7, 240, 56, method="score", compare="ratio")
    assert found["p"] == pytest.approx(want.pvalue) and found["difference"] == pytest.approx(60 / 7 - 240 / 56)
    wide = changes.volume(60, 240, (7, 56), by_customer=1.0, units=np.array([10.0, 50, 20, 40, 30]))
    assert wide["p"] > 0.05 > found["p"], "weeks that differ by themselves say little about one more"
    assert "p" not in changes.volume(60, 240, (7, 56), by_customer=1.0, units=np.array([30.0, 31, 29]))


def test_windows_are_as_far_as_the_lake_goes():
    with load(feedback({"feedback_date": days_before(2, 0, 2)})) as con:
        assert [w.against for w in changes.windows(con, DAY)] == ["night"]
        assert changes.windows(con, DAY)[0].before_first == DAY - dt.timedelta(2)
    with load(feedback({"feedback_date": [DAY, DAY - dt.timedelta(7), DAY - dt.timedelta(300)]})) as con:
        found = {w.against: w for w in changes.windows(con, DAY)}
    assert set(found) == {"night", "week", "half_year"}
    assert found["week"].days == (7, 7) and found["half_year"].days == (7, 182)
    assert found["half_year"].before_last == found["week"].first - dt.timedelta(1)


def test_a_fall_at_one_touchpoint_is_found_there_and_nowhere_else():
    frame = pd.DataFrame({"feedback_date": days_before(*[12] * 60)})
    frame["touchpoint"] = np.resize(["buy", "deliver"], len(frame))
    frame["nps"] = np.resize([9, 10, 8, 9, 3, 7], len(frame))
    bad = (frame["touchpoint"] == "deliver") & (frame["feedback_date"] > DAY - dt.timedelta(7))
    frame.loc[bad, "nps"] = 2
    found = made("changes", feedback(frame), min_n=20)
    nps = found[(found["measure"] == "nps") & ~found["suppressed"]].set_index(["against", "touchpoint"])
    assert nps.loc[("week", "deliver"), "q"] < 0.001 and nps.loc[("week", "deliver"), "difference_high"] < -50
    assert nps.loc[("week", "buy"), "q"] > 0.5
    assert found[found["against"] == "night"]["suppressed"].sum() > 0, "12 rows a night are too few"
    volume = found[found["measure"] == "responses"]
    assert (volume["value"] == volume["before"]).all() and (volume["p"].dropna() > 0.9).all()


@pytest.mark.parametrize(("scales", "compared"), [([None], True), (["stars 1-5"], True), ([None, "stars 1-5"], False)])
def test_ratings_are_compared_on_one_scale_named_or_not(scales, compared):
    frame = {"feedback_date": days_before(30, 30), "rating": np.resize([1.0, 4.0, 5.0], 60)}
    found = made("changes", feedback(frame | {"rating_scale": np.resize(scales, 60)}), min_n=20)
    assert ("rating" in set(found["measure"])) is compared
    unrated = feedback(frame | {"rating": [*[None] * 30, *[4.0] * 30], "rating_scale": [*["1-10"] * 30, *["1-5"] * 30]})
    assert "rating" in set(made("changes", unrated, min_n=20)["measure"]), "a scale without a rating is none"


@pytest.mark.parametrize(
    "frame",
    [
        {"nps": [8]}, {"score_status": ["no_text"] * 2, "feedback_date": days_before(1, 1)},
        {"nps": [9] * 60, "feedback_date": days_before(30, 30)}, {"respondent_role": ["employee"] * 2, "feedback_date": days_before(1, 1)},
    ],
    ids=["one row", "nothing said", "all alike", "no customers"],
)  # fmt: skip
def test_odd_lakes_have_rows_without_made_up_numbers(frame):
    found = made("changes", feedback(frame), min_n=20)
    if len(found):
        hidden = found[found["suppressed"]]
        assert hidden[["value", "before", "difference", "p"]].isna().all().all() and (found["n"] >= 0).all()
        assert found.loc[~found["suppressed"] & (found["measure"] == "nps"), "p"].isna().all()


def row(**values) -> dict:
    return {
        "against": "week", "touchpoint": "deliver", "theme_id": "(all)", "measure": "nps", "value": 10.0, "before": 40.0,
        "difference": -30.0, "p": 0.001, "q": 0.01, "n": 50, "n_before": 60, "suppressed": False,
    } | values  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "meets"),
    [
        ({"condition": "drop > 10 and q < 0.10"}, True),
        ({"condition": "rise > 10"}, False),
        ({"condition": "change >= 30 and p <= 0.001"}, True),
        ({"condition": "below 20"}, True),
        ({"condition": "above 20"}, False),
        ({"condition": "below 20", "min_n": 51}, False),
        ({"condition": "below 20", "touchpoint": "(all)"}, False),
        ({"condition": "below 20", "touchpoint": "deliver", "theme": "each"}, False),
        ({"condition": "below 20", "against": "night"}, False),
    ],
)
def test_a_rule_is_met_or_not(rule, meets):
    found = alerts(pd.DataFrame([row()]), [Rule(**{"name": "r", "measure": "nps", "touchpoint": "each"} | rule)])
    assert bool(len(found)) is meets


def test_what_is_not_known_or_not_shown_meets_no_rule_and_the_owner_is_the_themes():
    rule = Rule("r", "nps", "below 20", touchpoint="each", theme="each")
    rows = [row(theme_id="t/a"), row(theme_id="t/b", value=float("nan")), row(theme_id="t/c", suppressed=True)]
    found = alerts(pd.DataFrame(rows), [rule], owners={"t/a": "Logistics"})
    assert found[["theme_id", "owner"]].to_numpy().tolist() == [["t/a", "Logistics"]]
    assert len(alerts(pd.DataFrame(), [rule])) == 0


@pytest.mark.parametrize("condition", ["", "drop 10", "drop > ten", "drop > 10 or q < 1", "drop > 10; import os"])
def test_a_condition_that_is_none_is_one_line(condition):
    with pytest.raises(UsageError, match="condition"):
        parse(condition)


def test_an_unknown_word_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'drop'"):
        parse("drops > 10")
