"""The worked examples of docs/measures.md hold the numbers that the code gives."""

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cx_nlp import outcome_files, schema
from cx_nlp.measures.actions import Action
from cx_nlp.measures.alerts import Rule
from cx_nlp.measures.emotions import _shapley
from cx_nlp.measures.leading import Leaders
from cx_nlp.measures.perception import Belief
from cx_nlp.measures.statistics import log_odds
from cx_nlp.themes.emerging import growths
from tests.measures.frames import DAY, feedback, made, mentions, tables

TEXT = (Path(__file__).parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")


def shown(section: str) -> pd.DataFrame:
    """The last table of a section."""
    part = re.split(r"^## ", TEXT.split(f"## `{section}`", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in part.split("\n\n") if line.strip().startswith("|")][-1].strip().splitlines()
    rows = [re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|")) for line in (lines[0], *lines[2:])]
    cells = [[cell.strip().replace("\\|", "|") for cell in row] for row in rows]
    frame = pd.DataFrame(cells[1:], columns=cells[0])
    return frame.apply(
        lambda column: pd.to_numeric(column, errors="coerce") if column.str.match(r"-?[\d.]*$").all() else column
    )


def check(section: str, found: pd.DataFrame) -> None:
    want = shown(section)
    got = found.reset_index(drop=True)[list(want.columns)]
    assert len(got) == len(want)
    for name in want:
        if want[name].dtype.kind in "if":
            assert got[name].to_numpy(dtype=float) == pytest.approx(
                want[name].to_numpy(dtype=float), abs=0.00501, nan_ok=True
            ), name
        else:
            assert got[name].tolist() == want[name].tolist()


def test_every_measure_table_is_explained():
    assert [name for name in schema.MEASURE_TABLES if f"`{name}`" not in TEXT] == []


def test_nps():
    found = tables(feedback({"nps": [10, 10, 9, 9, 8, 7, 6, 2]}), min_n=1)["measures"]
    found = found[
        (found["period"] == "all") & (found[["source", "channel", "touchpoint", "segment"]] == "(all)").all(axis=1)
    ].set_index("measure", drop=False)
    check("measures", found.loc[["nps", "promoters", "passives", "detractors"]])


def test_emotional():
    frame = {"is_emotional": [True] * 45 + [False] * 55, "model_version": "emotion=m@1"}
    found = tables(feedback(frame), min_n=1, confusions={"m@1": np.array([[90, 10], [20, 80]])})["emotional"]
    check("emotional", found[found["touchpoint"] == "(all)"])


def test_passives():
    delta, z = log_odds(np.array([16]), 40, np.array([5]), 50)
    check("passives", pd.DataFrame({"log_odds": delta, "z": z}))


def test_conversions():
    named = mentions(
        {"feedback_id": [f"f{i:07}" for i in range(20)], "theme_id": "g/price", "sentiment_label": "negative"}
    )
    check("leans", tables(feedback({"nps": [8] * 50 + [10] * 30 + [2] * 20}), named, min_n=1)["conversions"])


def test_crossings():
    frame = {"nps": [8, 8, 8, 8, 10], "sentiment_label": ["positive", "positive", "neutral", "neutral", "neutral"]}
    check("crossings", tables(feedback(frame | {"is_mixed": [True] + [False] * 4}), min_n=1)["crossings"])


def test_drivers():
    frame = {"csat": [5] * 6 + [4, 4, 2, 2]}
    named = mentions({"feedback_id": [f"f{i:07}" for i in range(6, 10)], "theme_id": "g/wait"})
    found = tables(feedback(frame), named, min_n=1)["drivers"]
    check("drivers", found[found["outcome"] == "csat"])


def test_journey():
    frame = {"touchpoint": ["buy"] * 6 + ["support"] * 2, "csat": [4, 5, 4, 5, 4, 5, 1, 2]}
    found = tables(feedback(frame), min_n=1, order=["buy", "support"])["journey"]
    check("journey", found[found["outcome"] == "csat"].sort_values("position"))


def test_paths():
    frame = {
        "customer_key": ["a", "b", "c", "d"] * 2, "nps": [10, 10, 8, 9, 3, 8, 8, 9],
        "touchpoint": ["buy"] * 4 + ["deliver"] * 3 + ["use"],
        "submitted_at": [pd.Timestamp("2026-03-02", tz="UTC")] * 4 + [pd.Timestamp("2026-03-09", tz="UTC")] * 4,
    }  # fmt: skip
    found = tables(feedback(frame), min_n=1)["paths"]
    check("paths", found[(found["kind"] == "touchpoint") & (found["before"] == "buy")])


def test_advocates():
    frame = {"nps": [10, 9], "text": "They came at once and were so kind to us", "sentiment_label": "positive",
             "sentiment_score": [0.9, 0.8], "emotional_intensity": [0.6, 0.7]}  # fmt: skip
    named = [{"feedback_id": f"f000000{i}", "theme_id": f"g/{name}", "mention_id": m, "sentiment_label": "positive"}
             for i, names in enumerate((["staff"], ["app", "price", "staff"])) for m, name in enumerate(names)]  # fmt: skip
    check("advocates", tables(feedback(frame), mentions(named), min_n=1)["advocates"])


def test_outcomes():
    frame = {"nps": [8] * 10 + [10] * 10, "customer_key": [f"c{i:02}" for i in range(20)]}
    done = [{"customer_key": f"c{i:02}", "as_of": dt.date(2026, 4, 1), "stayed": i < 4 or i > 10} for i in range(20)]
    rows = pa.Table.from_pylist(done, schema=outcome_files.OUTCOMES)
    found = tables(feedback(frame), min_n=1, outcome_rows=rows)["outcomes"]
    check("outcomes", found[(found["outcome"] == "stayed") & (found["kind"] == "nps_group")].sort_values("position"))


def test_loops():
    first, later = pd.Timestamp("2026-03-02", tz="UTC"), pd.Timestamp("2026-03-09", tz="UTC")
    frame = {
        "customer_key": list("abcdef") * 2,
        "nps": [3] * 6 + [8] * 4 + [3] * 2,
        "submitted_at": [first] * 6 + [later] * 6,
    }
    answers = [
        {"source": "survey", "feedback_id": f"f000000{i}", "answered_at": first + pd.Timedelta("3h")} for i in (0, 1)
    ]
    rows = pa.Table.from_pylist(answers, schema=outcome_files.LOOPS)
    found = tables(feedback(frame), min_n=1, loop_rows=rows)["loops"]
    check("loops", found[(found["split"] == "(all)") & (found["measure"] == "next_nps")])


def test_explained():
    found = _shapley(np.array([100.0, 80.0, 70.0, 60.0]))
    check("emotion_outcomes", pd.DataFrame([found], columns=["themes", "emotions", "together"]))


def test_weighted():
    frame = {
        "nps": [10] * 40 + [2] * 20,
        "touchpoint": "buy",
        "score_status": ["scored"] * 10 + ["no_text"] * 30 + ["scored"] * 20,
    }
    found = tables(feedback(frame), min_n=1)["weighted"]
    check("weighted", found[found["measure"] == "nps"])


def week_of(now: int, before: int, size: int = 40) -> dict:
    """Comments of this week and of the one before, `size` of each, of which so many are negative."""
    said = ["negative"] * now + ["neutral"] * (size - now) + ["negative"] * before + ["neutral"] * (size - before)
    return {"sentiment_label": said, "feedback_date": [DAY] * size + [DAY - dt.timedelta(7)] * size}


def test_perception():
    said = feedback({"csat": [5] * 8 + [4] * 92})
    believed = Belief("We deliver a superior experience", "csat_top_box", 0.8, 100)
    check("perception", made("perception", said, leaders=Leaders(beliefs=[believed])))


def test_frontline():
    frame = {"respondent_role": ["employee"] * 20 + ["customer"] * 40}
    named = mentions({"feedback_id": [f"f{i:07}" for i in (*range(8), 20, 21)], "theme_id": "g/hinges"})
    found = made("frontline", feedback(frame), named)
    check("frontline", found[found["kind"] == "theme"])


def test_changes():
    found = made("changes", feedback(week_of(12, 4)))
    check("changes", found[(found["measure"] == "negative") & (found["against"] == "week")])


def test_alerts():
    rule = Rule("worse-texts", "negative", "rise > 0.10 and p < 0.05")
    check("alerts", made("alerts", feedback(week_of(12, 4)), leaders=Leaders(rules=[rule])))


def test_close_the_loop():
    frame = {
        "nps": [2, 8, 9, 9], "sentiment_label": ["negative", "negative", "positive", "neutral"],
        "primary_emotion": ["anger", "neutral", "gratitude", "neutral"], "may_contact": [True, None, True, True],
    }  # fmt: skip
    named = mentions({"feedback_id": ["f0000002"], "theme_id": "general/staff", "sentiment_label": "positive"})
    check("close_the_loop", made("close_the_loop", feedback(frame), named))


def test_action_effects():
    frame = {"feedback_date": [DAY - dt.timedelta(i % 10 + 1) for i in range(20)] + [DAY] * 20}
    wait = {
        "feedback_id": [f"f{i:07}" for i in (*range(10), *range(20, 23))],
        "theme_id": "g/wait",
        "sentiment_label": "negative",
    }
    price = {
        "feedback_id": [f"f{i:07}" for i in (*range(3, 8), *range(35, 39))],
        "theme_id": "g/price",
        "mention_id": 1,
    }
    named = mentions(
        pd.concat([pd.DataFrame(wait), pd.DataFrame(price)]).fillna({"sentiment_label": "neutral", "mention_id": 0})
    )
    done = Leaders(actions=[Action("Call back", "wait", DAY)])
    found = made("action_effects", feedback(frame), named, leaders=done)
    check("action_effects", found[found["measure"] == "mentions"])


def test_emerging():
    found = growths(np.array([24.0]), 60, np.full((1, 8), 6.0), np.full(8, 60.0))
    check("emerging", pd.DataFrame({"share": found.share, "baseline": found.baseline, "growth": found.growth}))
