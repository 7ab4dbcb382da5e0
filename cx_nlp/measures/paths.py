"""The path of customers with several pieces of feedback: from each response to the same customer's next one.

Steps are taken in the order of submission, over all sources; a customer who is not known alone has none. Who answers
twice is not everybody, and who was at an end of a scale can only go back from it (regression to the mean).
"""

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Sums, mean_interval, share_interval
from cx_nlp.measures.contrasts import NOTHING, OUTCOMES
from cx_nlp.measures.relations import NONE, SCORE

GROUP = "CASE WHEN nps >= 9 THEN 'promoter' WHEN nps >= 7 THEN 'passive' WHEN nps IS NOT NULL THEN 'detractor' END"
ALL = "(all)"
# What a step goes from and to, as SQL over `step`; a step with null at either end has no row of that kind.
KINDS = {"touchpoint": "touchpoint", "nps_group": "nps_group", "text": "said"}
# Changes over a step: SQL that is null where one end is unknown, steps a unit has, the farthest that it can go.
_CHANGES = {
    "sentiment": ("next_sentiment - sentiment", float(SCORE), 2.0),
    "nps": ("next_score - score", 1.0, 200.0),
}


def load_steps(con: duckdb.DuckDBPyConnection) -> int:
    """Make the temporary table `step`, a row for each response of a known customer that has a next one; -> its rows.

    Columns nr, customer, and both ends (`next_` before the later one's) of moment, touchpoint, nps_group, said, score
    (NPS as -100, 0, 100) and sentiment; null where unknown. con: after `relations.load`.
    """
    ends = {
        "moment": "moment",
        "touchpoint": f"nullif(touchpoint, '{NONE}')",
        "nps_group": GROUP,
        "said": "said",
        "score": OUTCOMES["nps"][0],
        "sentiment": "CASE WHEN said IS NOT NULL THEN sentiment END",
    }
    here = ", ".join(f"{x} AS {name}" for name, x in ends.items())
    later = ", ".join(f"lead({name}) OVER w AS next_{name}" for name in ends)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE step AS SELECT * EXCLUDE (goes_on) FROM (
            SELECT *, {later}, lead(nr) OVER w IS NOT NULL AS goes_on
            FROM (SELECT nr, customer, {here} FROM answer WHERE role = 'customer' AND known)
            WINDOW w AS (PARTITION BY customer ORDER BY moment, nr))
        WHERE goes_on""")
    return con.execute("SELECT count(*) FROM step").fetchall()[0][0]


def paths(con: duckdb.DuckDBPyConnection, *, min_n: int) -> pd.DataFrame:
    """Columns of `paths` but for as_of and run_id: a row for each pair that occurs, and (all) to (all). No steps, no rows."""
    if not load_steps(con):
        return pd.DataFrame()
    rows = list(_rows(con, "touchpoint", f"'{ALL}'", f"'{ALL}'", min_n))
    for kind, end in KINDS.items():
        rows += _rows(con, kind, end, f"next_{end}", min_n)
    return pd.DataFrame(rows)


def _rows(
    con: duckdb.DuckDBPyConnection, kind: str, before: str, after: str, min_n: int
) -> Iterator[dict[str, object]]:
    """Rows of one kind; before, after: SQL of a step's ends. Sums are of whole numbers, first those of each customer."""
    steps = f"(SELECT *, {before} AS a, {after} AS b FROM step WHERE {before} IS NOT NULL AND {after} IS NOT NULL)"
    inner, outer = ["count(*) AS n"], []
    for name, (change, _, _) in _CHANGES.items():
        parts = {"n": f"count({change})", "s": f"coalesce(sum({change}), 0)"}
        if name == "nps":
            parts |= {"up": f"count(*) FILTER ({change} > 0)", "down": f"count(*) FILTER ({change} < 0)"}
        inner += [f"{x} AS {part}_{name}" for part, x in parts.items()]
        outer += [f"count(*) FILTER (n_{name} > 0) AS c_{name}", *_squares(f"n_{name}", f"n_{name}")]
        for part in list(parts)[1:]:
            outer += _squares(f"{part}_{name}", f"n_{name}")
    found = con.execute(f"""
        SELECT a, b, count(*) AS people, {", ".join(_squares("n", "t"))}, {", ".join(outer)} FROM (
            SELECT *, sum(n) OVER (PARTITION BY a, customer) AS t FROM (
                SELECT a, b, customer, {", ".join(inner)} FROM {steps} GROUP BY a, b, customer))
        GROUP BY a, b ORDER BY a, b""").df()
    lengths = con.execute(
        f"SELECT a, b, median(epoch(next_moment) - epoch(moment)) FROM {steps} GROUP BY a, b"
    ).fetchall()
    days = {(a, b): seconds / 86_400 for a, b, seconds in lengths}
    bases = con.execute(f"""
        SELECT a, sum(t), sum(t * t), count(*) FROM (
            SELECT a, customer, count(*) AS t FROM {steps} GROUP BY a, customer) GROUP BY a""").fetchall()
    leaving = {a: (int(n), float(nn), people) for a, n, nn, people in bases}
    for row in found.to_dict("records"):
        shown = row["s_n"] >= min_n
        total, squares, people = leaving[row["a"]]
        share = share_interval(Sums(row["s_n"], total, row["ss_n"], row["sn_n"], squares, people)) if shown else NOTHING
        made: dict[str, object] = {
            "kind": kind, "before": row["a"], "after": row["b"], "n": int(row["s_n"]), "n_customers": row["people"],
            **dict(zip(("value", "low", "high"), share, strict=True)),
            "days": days[row["a"], row["b"]] if shown else np.nan, "suppressed": not shown,
        }  # fmt: skip
        for name, (_, unit, reach) in _CHANGES.items():
            # From one NPS group to another the change is what it is.
            n = 0 if kind == f"{name}_group" else int(row[f"s_n_{name}"])
            known = n >= min_n
            moved = _sums(row, f"s_{name}", name, unit)
            made[f"n_{name}"] = n
            made |= _triple(f"{name}_change", mean_interval(moved, low=-reach, high=reach) if known else NOTHING)
            for way, part in (("rose", "up"), ("fell", "down")) if name == "nps" else ():
                made |= _triple(way, share_interval(_sums(row, f"{part}_nps", name, 1.0)) if known else NOTHING)
        yield made


def _squares(x: str, n: str) -> list[str]:
    """SQL of the sums over customers that `intervals.Sums` needs of x, whose rows are n."""
    return [
        f"sum({x})::DOUBLE AS s_{x}",
        f"sum({x}::HUGEINT * {x}::HUGEINT)::DOUBLE AS ss_{x}",
        f"sum({x}::HUGEINT * {n}::HUGEINT)::DOUBLE AS sn_{x}",
    ]


def _sums(row: dict, x: str, name: str, unit: float) -> Sums:
    n = f"n_{name}"
    return Sums(
        row[f"s_{x}"] / unit, int(row[f"s_{n}"]), row[f"ss_{x}"] / unit**2, row[f"sn_{x}"] / unit, row[f"ss_{n}"],
        int(row[f"c_{name}"]),
    )  # fmt: skip


def _triple(name: str, interval: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
