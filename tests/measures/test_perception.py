"""Leaders' beliefs beside what is said, and the front line against customers."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cx_nlp.measures.leading import Leaders
from cx_nlp.measures.perception import Belief
from tests.measures.frames import DAY, feedback, made, mentions


def voices(**csat: list[int]) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {"respondent_role": role, "csat": values, "customer_key": [f"{role}{i}" for i in range(len(values))]}
        )
        for role, values in csat.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_a_gap_agrees_with_newcombe_and_the_largest_ranks_first():
    from statsmodels.stats.proportion import confint_proportions_2indep

    frame = voices(customer=[5] * 8 + [3] * 92, employee=[5] * 10 + [2] * 20)
    beliefs = [Belief("we are liked", "csat", 3.5, 24), Belief("superior", "csat_top_box", 0.75, 24)]
    found = made("perception", feedback(frame), leaders=Leaders(beliefs=beliefs), min_n=20).set_index("statement")
    one = found.loc["superior"]
    want = confint_proportions_2indep(18, 24, 8, 100, method="newcomb", compare="diff")
    assert (one["gap_low"], one["gap_high"]) == pytest.approx(want, abs=1e-3)
    assert one["employees"] == pytest.approx(1 / 3) and one["employees_gap"] == pytest.approx(0.75 - 1 / 3)
    assert one["rank"] == 1 and found.loc["we are liked", "rank"] == 2
    mean = found.loc["we are liked"]
    assert mean["gap"] == pytest.approx(3.5 - mean["value"]) and np.isnan(mean["believed_low"])
    assert mean["gap_high"] - mean["gap"] == pytest.approx(mean["value"] - mean["low"])


def test_small_groups_are_never_shown():
    frame = voices(customer=[5] * 30, employee=[1] * 4, leader=[5] * 4)
    frame["csat"] = frame["csat"].astype("Int64")
    found = made(
        "perception", feedback(frame), leaders=Leaders(beliefs=[Belief("s", "csat_top_box", 0.8, 4)]), min_n=20
    )
    (row,) = found.to_dict("records")
    assert row["origin"] == "file" and row["suppressed"] and row["reason"] == "few_leaders"
    assert all(np.isnan(row[name]) for name in ("believed", "believed_low", "gap", "employees", "employees_gap"))
    assert pd.isna(row["n_employees"]) and pd.isna(row["rank"])


def test_leaders_own_answers_need_five_of_them():
    frame = voices(customer=[5] * 10 + [3] * 30, leader=[5] * 5 + [1])
    found = made("perception", feedback(frame), min_n=20).set_index("measure")
    assert found.loc["csat_top_box", "believed"] == pytest.approx(5 / 6) and found.loc["csat_top_box", "n_leaders"] == 6
    assert (found["origin"] == "rows").all() and found.loc["csat_top_box", "value"] == 0.25


def test_a_scope_and_a_day_choose_what_is_set_beside():
    frame = {
        "csat": [5, 5, 1, 1],
        "touchpoint": ["a", "b", "a", "a"],
        "feedback_date": [DAY, DAY, DAY, DAY + dt.timedelta(1)],
    }
    beliefs = [
        Belief("a", "csat", 4, 9, {"touchpoint": "a"}, DAY), Belief("o'none", "csat", 4, 9, {"segment": "it's"}),
    ]  # fmt: skip
    found = made("perception", feedback(frame), leaders=Leaders(beliefs=beliefs)).set_index("statement")
    assert (found.loc["a", "value"], found.loc["a", "n"], found.loc["a", "scope"]) == (3.0, 2, "touchpoint=a")
    assert found.loc["o'none", "n"] == 0 and found.loc["o'none", "reason"] == "few_customers"
    assert np.isnan(found.loc["o'none", "gap"])


def notes(weeks: int = 8) -> tuple[pd.DataFrame, list[dict]]:
    """Each week 12 employees and 40 customers write; employees name the hinge from week 3 on, customers from week 6 on."""
    rows, named = [], []
    for week in range(weeks):
        for role, size, first, share in (("employee", 12, 3, 0.5), ("customer", 40, 6, 0.3)):
            for i in range(size):
                fid = f"{role}-{week}-{i}"
                rows.append({"feedback_id": fid, "respondent_role": role, "customer_key": f"{role}{i}" if role == "employee" else fid,
                             "feedback_date": DAY + dt.timedelta(7 * week + i % 7),
                             "primary_emotion": "annoyance" if role == "employee" and i % 2 else "neutral"})  # fmt: skip
                if week >= first and i < share * size:
                    named.append({"feedback_id": fid, "theme_id": "g/hinge"})
                if i % 2 == 0:
                    named.append({"feedback_id": fid, "theme_id": "g/shop", "mention_id": 1})
    return pd.DataFrame(rows), named


def test_who_saw_it_first_and_what_only_the_front_line_names():
    frame, named = notes()
    found = made("frontline", feedback(frame), mentions(named), min_n=20).set_index(["kind", "term"])
    hinge, shop = found.loc[("theme", "g/hinge")], found.loc[("theme", "g/shop")]
    assert hinge["first_employees"] == DAY + dt.timedelta(21) and hinge["first_customers"] == DAY + dt.timedelta(42)
    assert (hinge["saw_first"], hinge["lead_days"], hinge["n_first_employees"], hinge["n_first_customers"]) == (
        "employees",
        21,
        12,
        40,
    )
    assert hinge["lead_days_low"] <= 21 <= hinge["lead_days_high"] and hinge["lead_days_low"] > 0
    assert shop["saw_first"] == "both" and shop["q"] > 0.5
    assert hinge["log_odds"] > 0.5 and hinge["value"] == pytest.approx(30 / 96)
    # The same twelve people wrote all of it: their z counts people.
    from cx_nlp.measures.statistics import log_odds

    naive = log_odds(np.array([30]), 96, np.array([24]), 320)[1][0]
    assert 0 < hinge["z"] < naive
    assert found.loc[("emotion", "annoyance"), "value"] == 0.5 and found.loc[("emotion", "annoyance"), "log_odds"] > 0


def test_independent_texts_give_the_log_odds_of_their_counts():
    from cx_nlp.measures.statistics import log_odds

    frame = pd.DataFrame({"respondent_role": ["employee"] * 50 + ["customer"] * 100})
    named = mentions({"feedback_id": [f"f{i:07}" for i in (*range(20), *range(50, 60))], "theme_id": "g/x"})
    row = made("frontline", feedback(frame), named).set_index("kind").loc["theme"]
    delta, z = log_odds(np.array([20]), 50, np.array([10]), 100)
    assert row["log_odds"] == pytest.approx(delta[0], rel=0.02) and row["z"] == pytest.approx(z[0], rel=0.02)


@pytest.mark.parametrize(("employees", "rows"), [(4, 0), (5, 1)])
def test_fewer_than_five_employees_have_no_row(employees, rows):
    frame = pd.DataFrame({"respondent_role": ["employee"] * employees + ["customer"] * 30})
    found = made("frontline", feedback(frame), min_n=5)
    assert bool(len(found)) is bool(rows)


def test_employees_without_customers_are_rows_without_a_comparison():
    found = made("frontline", feedback({"respondent_role": ["employee"] * 6}), min_n=5)
    assert found["suppressed"].all() and found["log_odds"].isna().all() and (found["n_against"] == 0).all()


def test_what_only_some_employees_say_shows_nothing_of_theirs():
    frame = pd.DataFrame({"respondent_role": ["employee"] * 30 + ["customer"] * 30})
    named = [{"feedback_id": f"f{i:07}", "theme_id": "g/four"} for i in (*range(4), *range(30, 50))]
    named += [{"feedback_id": f"f{i:07}", "theme_id": "g/five", "mention_id": 1} for i in (*range(5), *range(30, 50))]
    named += [{"feedback_id": f"f{i:07}", "theme_id": "g/none", "mention_id": 2} for i in range(30, 50)]
    found = made("frontline", feedback(frame), mentions(named), min_n=20).set_index("term")
    four = found.loc["g/four"]
    assert four["suppressed"] and pd.isna(four["n_term"]) and four[["value", "low", "log_odds", "z", "q"]].isna().all()
    assert (
        pd.isna(four["first_employees"])
        and pd.isna(four["saw_first"])
        and four["share_against"] == pytest.approx(2 / 3)
    )
    assert found.loc["g/five", "n_term"] == 5 and not found.loc["g/five", "suppressed"]
    assert found.loc["g/none", "value"] == 0.0 and found.loc["g/none", "log_odds"] < 0
    # What is hidden was a test all the same: to count only what many say would find what is not there.
    from cx_nlp.measures.statistics import false_discovery, log_odds, two_sided

    z = [log_odds(np.array([said]), 30, np.array([20]), 30)[1][0] for said in (5, 4, 0)]
    q = false_discovery(two_sided(np.array(z)))
    assert found.loc[["g/five", "g/none"], "q"].tolist() == pytest.approx([q[0], q[2]])
