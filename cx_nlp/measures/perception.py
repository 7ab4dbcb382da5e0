"""The perception gap: what leaders believe beside what customers say and what employees say.

A believed figure comes from a file, or is what leaders rated and wrote themselves (rows with respondent_role leader).
The interval of a gap is MOVER's (`differences.mover`); a believed share of n leaders has Wilson's interval, a believed
mean from a file is taken as it stands. Gaps are ranked by their size in ranges of their measure, so that points of NPS
and shares stand in one order. Groups of fewer than MIN_PEOPLE leaders or employees are not shown; leaders are few, so
that their own figures need no more than that.
"""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pandas as pd

from cx_nlp.intervals import Sums, mean_interval, share_interval, wilson
from cx_nlp.measures.customer_sums import FAMILIES, Measure
from cx_nlp.measures.differences import mover
from cx_nlp.measures.rates import MIN_PEOPLE
from cx_nlp.measures.relations import NONE, literal

KNOWN = {
    name: (where, measure)
    for where, _, members in FAMILIES.values()
    for name, measure in members.items()
    if math.isfinite(measure.low)
}
OWN = ("nps", "csat_top_box", "ces_top_box", "positive", "negative")  # of what leaders rate and write themselves
SCOPES = ("source", "channel", "touchpoint", "segment", "theme_id")
OWN_STATEMENT = "(leaders' own answers)"
NOTHING = (math.nan, math.nan, math.nan)
Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Belief:
    """measure: one of KNOWN; scope: SCOPES to the one value looked at; believed: in the measure's unit, n_leaders >= 1.

    as_of: what customers said up to that day is set beside it; None for all that the lake holds.
    """

    statement: str
    measure: str
    believed: float
    n_leaders: int
    scope: Mapping[str, str] = field(default_factory=dict)
    as_of: dt.date | None = None


def perception(con: duckdb.DuckDBPyConnection, beliefs: Sequence[Belief], *, min_n: int) -> pd.DataFrame:
    """Columns of `perception` but for as_of and run_id: each belief, then leaders' own figures overall and by touchpoint."""
    rows = [_row(con, belief, min_n, _of_file(belief)) for belief in beliefs]
    for scope in ({}, *({"touchpoint": name} for name in _touchpoints(con))):
        for name in OWN:
            _, people, believed = figure(con, name, scope, "leader", None, min_n=1)
            if people >= MIN_PEOPLE:
                belief = Belief(OWN_STATEMENT, name, believed[0], people, scope)
                rows.append(_row(con, belief, min_n, believed) | {"origin": "rows"})
    return pd.DataFrame(_ranked(rows))


def _of_file(belief: Belief) -> Interval:
    """What is believed, with the interval that n leaders leave it; a mean of theirs says nothing of its own spread."""
    if belief.n_leaders < MIN_PEOPLE:
        return NOTHING
    if KNOWN[belief.measure][1].is_share:
        return (belief.believed, *wilson(belief.believed, belief.n_leaders))
    return belief.believed, belief.believed, belief.believed


def _row(con: duckdb.DuckDBPyConnection, belief: Belief, min_n: int, believed: Interval) -> dict[str, object]:
    measure = KNOWN[belief.measure][1]
    of = {
        role: figure(con, belief.measure, belief.scope, role, belief.as_of, min_n=min_n)
        for role in ("customer", "employee")
    }
    (n, customers, said), (n_employees, employees, own) = of["customer"], of["employee"]
    gap = mover(believed, said)
    few = belief.n_leaders < MIN_PEOPLE
    reason = "few_leaders" if few else "few_customers" if math.isnan(said[0]) else None
    return {
        "origin": "file", "statement": belief.statement, "measure": belief.measure, "scope": scope_text(belief.scope),
        "believed_on": belief.as_of, "n_leaders": belief.n_leaders, **_triple("believed", believed, (measure.low, measure.high)),
        **dict(zip(("value", "low", "high"), said, strict=True)), "n": n, "n_customers": customers,
        **_triple("employees", own), "n_employees": n_employees if employees >= MIN_PEOPLE else None,
        **_triple("gap", gap), **_triple("employees_gap", mover(believed, own)),
        "size": abs(gap[0]) / (measure.high - measure.low), "reason": reason, "suppressed": reason is not None,
    }  # fmt: skip


def _triple(name: str, one: Interval, known: tuple[float, float] | None = None) -> dict[str, float]:
    """Ends that are the value itself are no interval: null."""
    low, high = (math.nan, math.nan) if known and one[1] == one[2] else one[1:]
    return {name: one[0], f"{name}_low": low, f"{name}_high": high}


def _ranked(rows: list[dict]) -> list[dict]:
    """rank: 1 for the largest gap in ranges of its measure; null where there is none."""
    order = sorted((i for i, row in enumerate(rows) if not math.isnan(row["size"])), key=lambda i: -rows[i]["size"])
    ranks = {i: rank for rank, i in enumerate(order, start=1)}
    return [row | {"rank": ranks.get(i)} for i, row in enumerate(rows)]


def scope_text(scope: Mapping[str, str]) -> str:
    """A scope in one line, (all) for none; its keys in order."""
    return ";".join(f"{key}={scope[key]}" for key in SCOPES if key in scope) or "(all)"


def figure(
    con: duckdb.DuckDBPyConnection, name: str, scope: Mapping[str, str], role: str, until: dt.date | None, *, min_n: int
) -> tuple[int, int, Interval]:
    """-> rows, people, and the measure's value, low, high; NaNs below min_n rows, and below MIN_PEOPLE colleagues."""
    where, measure = KNOWN[name]
    table = "piece_theme" if "theme_id" in scope else "piece"
    kept = [f"role = {literal(role)}", f"({where})", *(f"{key} = {literal(value)}" for key, value in scope.items())]
    kept += [f"day <= DATE '{until}'"] if until else []
    ((s, n, ss, sn, nn, people),) = con.execute(f"""
        SELECT coalesce(sum(s), 0), coalesce(sum(n), 0), coalesce(sum(s * s), 0), coalesce(sum(s * n), 0),
               coalesce(sum(n * n), 0), count(*)
        FROM (SELECT sum({measure.x})::HUGEINT AS s, count(*)::HUGEINT AS n FROM {table} WHERE {" AND ".join(kept)}
              GROUP BY customer)""").fetchall()
    if n < max(min_n, 1) or (role != "customer" and people < MIN_PEOPLE):
        return int(n), people, NOTHING
    per = measure.per
    sums = Sums(float(s) / per, int(n), float(ss) / per**2, float(sn) / per, float(nn), people)
    return int(n), people, _interval(sums, measure)


def _interval(sums: Sums, measure: Measure) -> Interval:
    return share_interval(sums) if measure.is_share else mean_interval(sums, low=measure.low, high=measure.high)


def _touchpoints(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    found = con.execute("SELECT DISTINCT touchpoint FROM piece WHERE role = 'leader' ORDER BY 1").fetchall()
    return (name for (name,) in found if name != NONE)
