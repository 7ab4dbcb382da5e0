"""The bundled sample's facts on ratings are found, over many samples as often as stated, and nothing else is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cx_nlp.intervals import Z
from cx_nlp.measures import contrasts, drivers, passives
from cx_nlp.measures.actions import Action
from cx_nlp.measures.alerts import Rule, alerts
from cx_nlp.measures.leading import Leaders
from cx_nlp.measures.perception import Belief
from cx_nlp.sample import generate, load_facts
from tests.measures.frames import feedback, load, made, of_truth, rates_of

FACTS = load_facts(Path(__file__).parents[2] / "configs" / "sample" / "facts.yaml")
LEVELS = [fact for fact in FACTS if fact.kind == "level" or fact.id == "superior-experience"]
SAMPLES = 200


@pytest.fixture(scope="module")
def con():
    with load(*of_truth(generate(seed=3, rows=1200, facts=FACTS).truth)) as connection:
        yield connection


@pytest.fixture(scope="module")
def rows(con):
    as_of = con.execute("SELECT max(day) FROM piece").fetchall()[0][0]
    return rates_of(con, as_of, min_n=20)


def figure(rows: pd.DataFrame, fact) -> pd.Series:
    split = {"source": "(all)", "touchpoint": "(all)"}
    # NPS, CSAT and CES are asked in the survey only, stars in the reviews only: a touchpoint's figure is the source's.
    split |= {"touchpoint": fact.scope.touchpoint} if fact.scope.touchpoint else {}
    found = rows[
        (rows["measure"] == fact.measure) & (rows["period"] == "all") & (rows["respondent_role"] == "customer")
    ]
    for name in ("source", "channel", "touchpoint", "segment", "theme_id"):
        found = found[found[name] == split.get(name, "(all)")]
    return found.iloc[0]


@pytest.mark.parametrize("fact", LEVELS, ids=lambda fact: fact.id)
def test_a_level_lies_near_its_interval(rows, fact):
    row = figure(rows, fact)
    half = (row["high"] - row["low"]) / 2
    assert row["n"] >= 20 and abs(row["value"] - fact.value) < 1.5 * half


def test_week_nine_stands_out(rows):
    found = rows[(rows["touchpoint"] == "deliver") & (rows["theme_id"] == "(all)") & (rows["period"] == "week")]
    volume = found[found["measure"] == "responses"].set_index("period_start")["value"]
    assert volume.idxmax() == pd.Timestamp("2026-02-23").date() and volume.max() > 2 * volume.median()
    nps = found[(found["measure"] == "nps")].set_index("period_start")["value"]
    assert nps.idxmin() == pd.Timestamp("2026-02-23").date()


def test_the_silent_are_kinder(con):
    found = contrasts.contrast(con, "nps", "said IS NOT NULL")
    value, low, high = found.effect()
    assert low < -25 < high and high < 0 and value < 0


def test_the_driver_is_found_and_the_decoy_is_not(con):
    found = drivers.drivers(con, min_n=20, rng=np.random.default_rng(0), resamples=200).set_index(
        ["outcome", "theme_id"]
    )
    for outcome, planted in (("nps", -45), ("csat", -0.9)):
        driver, decoy = found.loc[(outcome, "t/staff-attitude")], found.loc[(outcome, "t/packaging")]
        assert driver["presence_high"] < 0 and driver["impact_high"] < 0 and driver["stability"] > 0.97
        assert abs(driver["presence"]) > abs(decoy["presence"])
        assert decoy["presence_low"] < 0 < decoy["presence_high"]
        assert driver["impact"] / planted > 0


def test_what_marks_the_passives_is_found(con):
    found = passives.passives(con, min_n=20)
    themes = found[(found["kind"] == "theme") & (found["q"] < 0.05)]
    for against in ("promoter", "detractor"):
        best = themes[themes["against"] == against].sort_values("z").iloc[-1]
        assert best["term"] == "t/value-for-money" and best["value"] > 0.25 > best["share_against"]
    emotions = found[(found["kind"] == "emotion") & (found["q"] < 0.05)].set_index(["term", "against"])["log_odds"]
    assert emotions["anger", "detractor"] < 0 and emotions["gratitude", "promoter"] < 0


def test_intervals_of_nps_hold_what_they_promise():
    """200 small samples from a population that is known: customers answer one to four times, and alike."""
    rng = np.random.default_rng(11)
    shares = np.array([0.35, 0.3, 0.35])
    values, truth = np.array([3, 8, 10]), 0.0
    frames = []
    for sample in range(SAMPLES):
        customer = np.repeat(np.arange(60), rng.integers(1, 5, 60))
        own, fresh = rng.choice(3, 60, p=shares)[customer], rng.choice(3, len(customer), p=shares)
        nps = values[np.where(rng.random(len(customer)) < 0.5, own, fresh)]
        frames.append(
            pd.DataFrame({"nps": nps, "customer_key": [f"{sample}-{c}" for c in customer], "channel": f"{sample:03}"})
        )
    # One lake with a channel a sample: the table gives all intervals at once.
    said = feedback(pd.concat(frames, ignore_index=True))
    with load(said) as con:
        found = rates_of(con, said["feedback_date"][0].as_py(), min_n=20)
    found = found[(found["period"] == "all") & (found["channel"] != "(all)")].set_index("measure")
    for name, true in {"nps": truth, "passives": 0.3, "promoters": 0.35, "detractors": 0.35}.items():
        rows = found.loc[name]
        assert len(rows) == SAMPLES
        held = ((rows["low"] <= true) & (true <= rows["high"])).mean()
        assert 0.91 <= held <= 0.985, (name, held)
    naive = np.sqrt((0.7 - 0.0) * 1e4 / found.loc["nps", "n"]) * Z
    width = (found.loc["nps", "high"] - found.loc["nps", "low"]) / 2
    assert (width / naive).mean() > 1.15, "rows of one customer are alike"


def test_samples_with_nothing_planted_mark_no_passives():
    """100 samples, 30 themes that nothing goes with: finds at a false discovery rate of 0.05."""
    from cx_nlp.measures.statistics import false_discovery, log_odds, two_sided

    rng = np.random.default_rng(12)
    any_found = 0
    for _ in range(400):
        share = rng.uniform(0.03, 0.3, 30)
        z = log_odds(rng.binomial(120, share), 120, rng.binomial(150, share), 150)[1]
        any_found += bool((false_discovery(two_sided(z)) < 0.05).any())
    assert any_found / 400 < 0.085, "under no difference the rate is that of any find"


def fact(name: str):
    return next(one for one in FACTS if one.id == name)


@pytest.fixture(scope="module")
def truth():
    return generate(seed=3, rows=1200, facts=FACTS).truth


def test_the_perception_gap_is_found(truth):
    superior, recommended = fact("superior-experience"), fact("recommended")
    beliefs = [Belief(one.statement, one.measure, one.believed, one.n_leaders) for one in (superior, recommended)]
    found = made("perception", *of_truth(truth), leaders=Leaders(beliefs=beliefs), min_n=20)
    for one in (superior, recommended):
        row = found[found["statement"] == one.statement].iloc[0]
        assert row["gap_low"] > 0 and row["gap_low"] < one.believed - one.value < row["gap_high"]
    own = found[(found["origin"] == "rows") & (found["measure"] == "csat_top_box") & (found["scope"] == "(all)")].iloc[
        0
    ]
    assert own["believed_low"] < superior.believed < own["believed_high"] and own["gap_low"] > 0
    assert found.sort_values("rank")["statement"].iloc[0] == superior.statement


def test_the_floor_saw_the_hinges_first(truth):
    found = made("frontline", *of_truth(truth), min_n=20)
    themes = found[found["kind"] == "theme"].set_index("term")
    hinge = themes.loc["t/hinge-fault"]
    assert hinge["saw_first"] == "employees" and hinge["lead_days_low"] > 0
    assert hinge["lead_days_low"] <= fact("hinge-from-the-floor").value <= hinge["lead_days_high"]
    assert themes["log_odds"].idxmax() == "t/hinge-fault" and hinge["q"] < 0.01


def test_the_failure_of_week_nine_is_a_change_that_calls(truth):
    week = truth[truth["feedback_date"] <= "2026-03-01"]
    found = made("changes", *of_truth(week), min_n=20)
    told = found[found["q"] < 0.10].set_index(["against", "touchpoint", "theme_id", "measure"])
    assert told.loc[("half_year", "deliver", "(all)", "responses"), "difference"] > 0
    assert told.loc[("half_year", "deliver", "t/late-delivery", "theme_share"), "difference_low"] > 0.2
    for name in ("failure-nps", "failure-csat"):
        row = told.loc[("half_year", "deliver", "(all)", fact(name).measure)]
        assert row["difference_low"] < fact(name).value < row["difference_high"] < 0
    elsewhere = told[~told.index.get_level_values("touchpoint").isin(["deliver", "(all)"])]
    assert len(elsewhere) == 0
    rule = Rule("nps-falls", "nps", "drop > 10 and q < 0.10", against="half_year", touchpoint="each")
    assert alerts(found, [rule])["touchpoint"].tolist() == ["deliver"]


def test_the_new_theme_is_a_change_in_its_second_week(truth):
    """No night before it calls, and one of the nights after does."""
    calls = {}
    for night in ("2026-02-08", "2026-02-14", "2026-02-17"):
        found = made("changes", *of_truth(truth[truth["feedback_date"] <= night]), min_n=20)
        told = found[(found["q"] < 0.10) & (found["theme_id"] == "t/sign-in")]
        calls[night] = len(told)
    assert calls["2026-02-08"] == 0 and calls["2026-02-14"] + calls["2026-02-17"] > 0


def test_the_action_that_worked_shows_and_the_other_does_not(truth):
    asked = [
        Action(one.action, one.scope.theme, one.window.first, one.scope.touchpoint)
        for one in (fact("call-back-worked"), fact("refund-tracker-failed"))
    ]
    found = made("action_effects", *of_truth(truth), leaders=Leaders(actions=asked), min_n=20)
    rows = found[found["measure"] == "mentions"].set_index("theme")
    worked, failed = rows.loc["phone-wait"], rows.loc["refund-delay"]
    assert (
        worked["verdict"] == "shows" and worked["effect_low"] < -0.40 < worked["effect_high"] and worked["is_parallel"]
    )
    assert failed["verdict"] == "does_not_show_yet" and failed["effect_low"] < 0 < failed["effect_high"]
