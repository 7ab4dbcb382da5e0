"""The worked examples of docs/measures.md hold the numbers that the code gives."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cx_nlp import schema
from cx_nlp.measures.emotions import _shapley
from cx_nlp.measures.statistics import log_odds
from cx_nlp.themes.emerging import growths
from tests.measures.frames import feedback, mentions, tables

TEXT = (Path(__file__).parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")


def shown(section: str) -> pd.DataFrame:
    """The last table of a section."""
    part = re.split(r"^## ", TEXT.split(f"## `{section}`", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in part.split("\n\n") if line.strip().startswith("|")][-1].strip().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]
    frame = pd.DataFrame(cells[1:], columns=cells[0])
    return frame.apply(
        lambda column: (
            pd.to_numeric(column, errors="coerce").fillna(column) if column.str.match(r"-?[\d.]+$").all() else column
        )
    )


def check(section: str, found: pd.DataFrame) -> None:
    want = shown(section)
    got = found.reset_index(drop=True)[list(want.columns)]
    assert len(got) == len(want)
    for name in want:
        if want[name].dtype.kind in "if":
            assert got[name].to_numpy(dtype=float) == pytest.approx(want[name].to_numpy(dtype=float), abs=0.00501), name
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


def test_passives():
    delta, z = log_odds(np.array([16]), 40, np.array([5]), 50)
    check("passives", pd.DataFrame({"log_odds": delta, "z": z}))


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


def test_emerging():
    found = growths(np.array([24.0]), 60, np.full((1, 8), 6.0), np.full(8, 60.0))
    check("emerging", pd.DataFrame({"share": found.share, "baseline": found.baseline, "growth": found.growth}))
