"""The part of `simulate` on what leaders need: who saw it first, what changed, what an action did; and false alarms."""

import datetime as dt
from collections.abc import Iterator, Sequence

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.measures.actions import Action, action_effects
from cx_nlp.measures.changes import FDR, changes
from cx_nlp.measures.frontline import frontline
from cx_nlp.measures.leading import Belief, perception
from cx_nlp.sample import facts as planted
from cx_nlp.sample.facts import Fact
from cx_nlp.sample.reader import TAXONOMY
from cx_nlp.sample.world import START

MIN_N = 20
FOUND = 0.05
Score = tuple[str, bool]


def led(con: duckdb.DuckDBPyConnection, facts: Sequence[Fact], rng: np.random.Generator) -> Iterator[Score]:
    """Facts -> whether the measure that should find it has it right.

    A gap: leaders believe more than customers say, beyond chance. Employees first: they are, and no theme is more theirs.
    A new theme: after a fortnight no theme's share has risen more against the half-year. A change: on its last night its
    row against the half-year has q below FDR and the right sign. An action: the verdict, shows or does not show.
    """
    nights: dict[dt.date, pd.DataFrame] = {}

    def night(day: dt.date) -> pd.DataFrame:
        if day not in nights:
            nights[day] = changes(con, day, min_n=MIN_N)
        return nights[day][nights[day]["against"] == "half_year"]

    for fact in facts:
        theme = f"{TAXONOMY}/{fact.scope.theme}"
        if isinstance(fact, planted.BeliefGap):
            belief = Belief(fact.statement, fact.measure, fact.believed, fact.n_leaders)
            row = perception(con, [belief], min_n=MIN_N).iloc[0]
            yield f"{fact.id}, gap", bool(row["gap_low"] > 0)
        elif isinstance(fact, planted.EmployeesFirst):
            rows = frontline(con, min_n=MIN_N, rng=rng).set_index("term")
            themes = rows[rows["kind"] == "theme"]
            yield fact.id, bool(themes.loc[theme, "saw_first"] == "employees" and themes["log_odds"].idxmax() == theme)
        elif isinstance(fact, planted.NewTheme) and fact.window:
            found = night(_day(fact.window.first) + dt.timedelta(13))
            mine = found[(found["measure"] == "theme_share") & (found["touchpoint"] == "(all)")]
            yield fact.id, bool(len(mine) and mine.loc[mine["difference"].idxmax(), "theme_id"] == theme)
        elif isinstance(fact, planted.Change) and fact.window and fact.window.last is not None:
            found = night(_day(fact.window.last))
            where = theme if fact.measure == "theme_share" else "(all)"
            of = found[(found["measure"] == fact.measure) & (found["touchpoint"] == fact.scope.touchpoint)]
            rises = {"theme_share": fact.value > (fact.baseline or 0), "responses": fact.value > 1}.get(
                fact.measure, fact.value > 0
            )
            told = of[(of["theme_id"] == where) & (of["q"] < FDR) & ((of["difference"] > 0) == rises)]
            yield f"{fact.id}, called", bool(len(told))
        elif isinstance(fact, planted.Action) and fact.window:
            action = Action(fact.action, str(fact.scope.theme), _day(fact.window.first), fact.scope.touchpoint)
            rows = action_effects(con, [action], parents={}, min_n=MIN_N).set_index("measure")
            yield fact.id, rows.loc["mentions", "verdict"] == ("shows" if fact.value < 0 else "does_not_show_yet")


def _day(of: dt.date | int) -> dt.date:
    return START + dt.timedelta(of) if isinstance(of, int) else of


def false_alarms(con: duckdb.DuckDBPyConnection, rng: np.random.Generator) -> Iterator[Score]:
    """Of a sample with nothing planted: nights that call (any q below FDR), at two dates; and single intervals, 5 % each."""
    for day in (55, 88):
        found = changes(con, START + dt.timedelta(day), min_n=MIN_N)
        yield f"changes, a night calls (q < {FDR})", bool((found["q"] < FDR).any())
        for value in found["p"].dropna():
            yield "changes, a single p < 0.05", bool(value < FOUND)
    rows = frontline(con, min_n=MIN_N, rng=rng)
    for kind, part in rows.groupby("kind"):
        yield f"frontline, {kind} (q < {FOUND})", bool((part["q"] < FOUND).any())
    themes = sorted(rows[rows["kind"] == "theme"]["term"])
    for theme in themes[:3]:
        done = Action("nothing", theme, START + dt.timedelta(45), None)
        row = action_effects(con, [done], parents={}, min_n=MIN_N).set_index("measure").loc["mentions"]
        yield "action_effects, effect", bool(not row["effect_low"] <= 0 <= row["effect_high"])
        yield "action_effects, pretrend", bool(not row["pretrend_low"] <= 0 <= row["pretrend_high"])
