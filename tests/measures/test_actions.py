"""Whether what was done shows, against a regression with clustered errors; and what needs an answer."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cx_nlp import outcome_files
from cx_nlp.measures import actions
from cx_nlp.measures.actions import Action
from cx_nlp.measures.leading import Leaders
from tests.measures.frames import DAY, feedback, made, mentions

START = DAY - dt.timedelta(30)


def before_and_after(n: int = 400, *, fall: float = 0.3, seed: int = 8):
    """Responses over 60 days around START: a theme that falls, two that do not, one that another action aims at."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"feedback_id": [f"f{i:07}" for i in range(n)], "touchpoint": "support"})
    frame["feedback_date"] = [START + dt.timedelta(int(day)) for day in rng.integers(-30, 30, n)]
    frame["customer_key"] = [f"c{c}" for c in rng.integers(0, 150, n)]
    after = np.array([day >= START for day in frame["feedback_date"]])
    shares = {
        "g/wait": np.where(after, 0.5 - fall, 0.5),
        "g/price": 0.2,
        "g/shop": 0.1,
        "g/other": np.where(after, 0.9, 0.1),
    }
    named = {theme: rng.random(n) < share for theme, share in shares.items()}
    rows = [
        {
            "feedback_id": frame["feedback_id"][i],
            "theme_id": theme,
            "mention_id": k,
            "sentiment_label": "negative" if i % 2 else "neutral",
        }
        for k, (theme, hits) in enumerate(named.items())
        for i in np.flatnonzero(hits)
    ]
    return frame, rows, named, after


DONE = Leaders(
    actions=[Action("Call back", "wait", START, "support", "Contact centre"), Action("Other", "g/other", START)]
)


def test_the_effect_agrees_with_a_stacked_regression_with_clustered_errors():
    import statsmodels.api as sm

    frame, rows, named, after = before_and_after()
    found = made("action_effects", feedback(frame), mentions(rows), leaders=DONE, min_n=20).set_index(
        ["action", "measure"]
    )
    row = found.loc[("Call back", "mentions")]
    control = (named["g/price"].astype(float) + named["g/shop"]) / 2
    y = np.concatenate([named["g/wait"].astype(float), control])
    treated, late = np.repeat([1.0, 0.0], len(after)), np.tile(after.astype(float), 2)
    fit = sm.OLS(y, sm.add_constant(np.column_stack([treated, late, treated * late]))).fit(
        cov_type="cluster",
        cov_kwds={"groups": np.tile(pd.factorize(frame["customer_key"])[0], 2), "use_correction": False},
    )
    assert row["n_controls"] == 2 and row["effect"] == pytest.approx(fit.params[3])
    assert (row["effect_high"] - row["effect_low"]) / 2 == pytest.approx(1.959964 * fit.bse[3], rel=0.02)
    assert row["effect"] == pytest.approx((row["value"] - row["before"]) - (row["controls"] - row["controls_before"]))
    assert row["verdict"] == "shows" and row["is_parallel"] and row["pretrend_low"] < 0 < row["pretrend_high"]
    assert (row["n"], row["n_before"], row["owner"]) == (after.sum(), (~after).sum(), "Contact centre")
    assert found.loc[("Call back", "complaints"), "effect"] > row["effect"], "half of the mentions are complaints"


def test_an_action_that_changed_nothing_does_not_show():
    frame, rows, _, _ = before_and_after(fall=0.0)
    found = made("action_effects", feedback(frame), mentions(rows), leaders=DONE, min_n=20).set_index(
        ["action", "measure"]
    )
    assert found.loc[("Call back", "mentions"), "verdict"] == "does_not_show_yet"
    assert found.loc[("Other", "mentions"), "verdict"] == "got_worse"


def test_what_cannot_be_told_has_a_reason_and_no_numbers():
    frame, rows, _, _ = before_and_after()
    asked = [
        Action("unknown", "no such theme", START), Action("future", "g/wait", DAY + dt.timedelta(400)),
        Action("elsewhere", "g/wait", START, "it's none"),
    ]  # fmt: skip
    found = made("action_effects", feedback(frame), mentions(rows), leaders=Leaders(actions=asked), min_n=20)
    assert found.groupby("action")["reason"].first().to_dict() == {
        "unknown": "unknown_theme", "future": "few_before", "elsewhere": "few_before"
    }  # fmt: skip
    assert (found["verdict"] == "too_few").all() and found["suppressed"].all()
    assert found[[name for name in ("value", "effect", "controls") if name in found]].isna().all().all()
    assert len(made("action_effects", feedback(frame))) == 0, "no actions, no rows"


def test_without_an_untouched_theme_there_is_no_effect():
    frame, rows, _, _ = before_and_after()
    only = [one for one in rows if one["theme_id"] == "g/wait"]
    found = made("action_effects", feedback(frame), mentions(only), leaders=DONE, min_n=20).set_index(
        ["action", "measure"]
    )
    row = found.loc[("Call back", "mentions")]
    assert row["reason"] == "no_controls" and row["value"] > 0


def test_controls_are_no_relatives_of_what_was_touched():
    parents = {
        "g/wait": "g/time",
        "g/queue": "g/time",
        "g/time": None,
        "g/price": None,
        "g/offer": "g/price",
        "g/slow": "g/wait",
    }
    named = ["g/wait", "g/time", "g/queue", "g/price", "g/offer", "g/slow"]
    assert actions.untouched(named, {"g/wait"}, parents) == ["g/queue", "g/offer"]


@pytest.mark.parametrize(
    ("name", "found"),
    [("general/refunds", "general/refunds"), ("account-login", "general/account_login"), ("both", None), ("x", None)],
)
def test_a_theme_is_found_by_its_id_or_its_slug(name, found):
    assert actions.find_theme(name, ["general/refunds", "general/account_login", "a/both", "b/both"]) == found


LOOP = [
    # nps, csat, sentiment, mixed, score, emotion, themes (theme, label, score), may_contact -> reasons, priority, theme
    ((2, None, "negative", False, -0.9, "anger", [], True), ("angry|at_risk", 1, None)),
    ((9, None, "negative", False, -0.9, "anger", [], None), ("angry", 2, None)),
    ((None, 2, "negative", True, -0.2, "neutral", [("g/a", "negative", -0.8), ("g/b", "negative", -0.9)], True), ("at_risk", 2, "g/b")),
    ((8, None, "neutral", True, -0.2, "neutral", [], True), ("at_risk", 3, None)),
    ((8, None, "neutral", True, 0.2, "neutral", [], True), None),
    ((9, 1, "negative", False, -0.9, "sadness", [], True), None),  # a promoter who has a bad day: NPS decides
    ((10, None, "positive", False, 0.9, "joy", [("general/staff_courtesy", "positive", 0.9)], True), ("praise", 4, "general/staff_courtesy")),
    ((10, None, "positive", True, 0.5, "joy", [("general/staff", "positive", 0.9)], True), None),
    ((9, None, "neutral", False, 0.0, "neutral", [("general/loyalty", "negative", -0.5)], True), ("leaving", 1, "general/loyalty")),
    ((9, None, "positive", False, 0.5, "neutral", [("general/loyalty", "positive", 0.5)], True), None),
    ((1, None, "negative", False, -0.9, "anger", [], False), None),  # may not be contacted
    ((1, None, "positive", False, 0.9, "anger", [], True), None),
]  # fmt: skip


def test_the_rules_of_closing_the_loop():
    columns = (
        "nps",
        "csat",
        "sentiment_label",
        "is_mixed",
        "sentiment_score",
        "primary_emotion",
        "themes",
        "may_contact",
    )
    frame = pd.DataFrame([one for one, _ in LOOP], columns=columns)
    frame["feedback_id"] = [f"{i}'; DROP TABLE piece" for i in range(len(frame))]
    frame[["nps", "csat"]] = frame[["nps", "csat"]].astype("Int64")
    named = [
        {"feedback_id": fid, "theme_id": theme, "sentiment_label": label, "sentiment_score": score, "mention_id": i}
        for fid, of in zip(frame["feedback_id"], frame["themes"], strict=True)
        for i, (theme, label, score) in enumerate(of)
    ]
    found = made(
        "close_the_loop", feedback(frame.drop(columns="themes")), mentions(named), parents={"general/staff_courtesy": "general/staff"},
        leaders=Leaders(owners={"g/b": "Quality"}),
    ).set_index("feedback_id")  # fmt: skip
    want = {fid: expected for fid, (_, expected) in zip(frame["feedback_id"], LOOP, strict=True) if expected}
    got = {
        fid: (row["reasons"], row["priority"], None if pd.isna(row["theme_id"]) else row["theme_id"])
        for fid, row in found.iterrows()
    }
    assert got == want
    assert found["contact"].value_counts().to_dict() == {"yes": 5, "unknown": 1}
    assert found["owner"].dropna().to_dict() == {frame["feedback_id"][2]: "Quality"}


def test_the_list_is_of_customers_and_of_the_latest_dates():
    angry = {"primary_emotion": "anger", "sentiment_label": "negative"}
    rows = [
        {**angry, "feedback_date": DAY - dt.timedelta(days), "respondent_role": role}
        for days, role in ((0, "customer"), (2, "customer"), (3, "customer"), (0, "employee"))
    ]
    assert len(made("close_the_loop", feedback(rows))) == 2
    assert len(made("close_the_loop", feedback(rows), leaders=Leaders(days=1))) == 1
    assert len(made("close_the_loop", feedback([{"score_status": "no_text"}]))) == 0


def test_what_was_answered_by_the_end_of_the_latest_date_is_not_listed(tmp_path):
    angry = {"primary_emotion": "anger", "sentiment_label": "negative"}
    rows = [{**angry, "source": "survey", "feedback_id": f"f{i}"} for i in range(6)]
    rows.append({**angry, "source": "phone", "feedback_id": "f0"})
    (tmp_path / "answers.csv").write_text(
        f"""source,feedback_id,answered_at,resolved
survey,f0,{DAY}T09:30:00,yes
survey,f1,{DAY},no
survey,f2,{DAY + dt.timedelta(1)}T01:59:00+02:00,
survey,f3,{DAY + dt.timedelta(1)}T00:00:00,yes
survey,f4,,
phone,f9,{DAY},yes
""",
        encoding="utf-8",
    )

    def listed(answers) -> list[tuple[str, str]]:
        found = made("close_the_loop", feedback(rows), loop_rows=answers)
        return sorted(found[["source", "feedback_id"]].itertuples(index=False, name=None))

    everybody = [("phone", "f0"), *(("survey", f"f{i}") for i in range(6))]
    assert listed(None) == everybody
    assert listed(outcome_files.loops(tmp_path / "answers.csv")) == [
        ("phone", "f0"), ("survey", "f3"), ("survey", "f4"), ("survey", "f5")
    ]  # fmt: skip
    assert listed(pa.Table.from_pylist([], schema=outcome_files.LOOPS)) == everybody
