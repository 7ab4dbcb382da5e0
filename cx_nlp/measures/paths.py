"""The path of customers with several pieces of feedback: from each response to the same customer's next one.

Steps are taken in the order of submission, over all sources; a customer who is not known alone has none. Who answers
twice is not everybody, and who was at an end of a scale can only go back from it (regression to the mean).
"""

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import mean_interval, share_interval
from cx_nlp.measures.contrasts import NOTHING, OUTCOMES, sums_of
from cx_nlp.measures.relations import NONE, SCORE

GROUP = "CASE WHEN nps >= 9 THEN 'promoter' WHEN nps >= 7 THEN 'passive' WHEN nps IS NOT NULL THEN 'detractor' END"
# What a step goes from and to, as SQL over `answer`; a step with null at either end has no row of that kind.
KINDS = {"touchpoint": f"nullif(touchpoint, '{NONE}')", "nps_group": GROUP, "text": "said"}
ALL = "(all)"


def steps(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """A row for each response of a known customer that has a next one, with both ends; numbers are NaN where unknown."""
    carried = {
        **KINDS,
        "at": "epoch(moment)::DOUBLE",
        "score": f"({OUTCOMES['nps'][0]})::DOUBLE",
        "sentiment": f"CASE WHEN said IS NOT NULL THEN sentiment::DOUBLE / {SCORE} END",
    }
    here = ", ".join(f'{x} AS "{name}"' for name, x in carried.items())
    after = ", ".join(f'lead("{name}") OVER w AS next_{name}' for name in carried)
    return con.execute(f"""
        SELECT * FROM (
            SELECT *, {after}, lead(nr) OVER w IS NOT NULL AS goes_on
            FROM (SELECT nr, customer, {here} FROM answer WHERE role = 'customer' AND known)
            WINDOW w AS (PARTITION BY customer ORDER BY "at", nr))
        WHERE goes_on ORDER BY nr""").df()


def paths(con: duckdb.DuckDBPyConnection, *, min_n: int) -> pd.DataFrame:
    """Columns of `paths` but for as_of and run_id: a row for each pair that occurs, and (all) to (all). No steps, no rows."""
    found = steps(con)
    if not len(found):
        return pd.DataFrame()
    return pd.DataFrame([_row("touchpoint", ALL, ALL, found, found, min_n), *_pairs(found, min_n)])


def _pairs(found: pd.DataFrame, min_n: int) -> Iterator[dict[str, object]]:
    for kind in KINDS:
        known = found[found[kind].notna() & found[f"next_{kind}"].notna()]
        for before, leaving in known.groupby(kind, sort=True):
            for after, going in leaving.groupby(f"next_{kind}", sort=True):
                yield _row(kind, before, after, going, leaving, min_n)


def _row(
    kind: str, before: object, after: object, going: pd.DataFrame, leaving: pd.DataFrame, min_n: int
) -> dict[str, object]:
    """going: the steps of the pair; leaving: all steps from `before`, of which they are a share."""
    is_here = leaving.index.isin(going.index).astype(float)
    share = share_interval(sums_of(is_here, leaving["customer"].to_numpy())) if len(leaving) >= min_n else NOTHING
    shown = len(going) >= min_n
    row: dict[str, object] = {
        "kind": kind, "before": before, "after": after, "n": len(going), "n_customers": going["customer"].nunique(),
        **dict(zip(("value", "low", "high"), share if shown else NOTHING, strict=True)),
        "days": float(np.median(going["next_at"] - going["at"])) / 86_400 if shown else np.nan, "suppressed": not shown,
    }  # fmt: skip
    for name, column, reach in (("sentiment", "sentiment", 2.0), ("nps", "score", 200.0)):
        change = (going[f"next_{column}"] - going[column]).to_numpy()
        known = ~np.isnan(change) & (kind != name + "_group")  # from one group to another the change is what it is
        sums = sums_of(change[known], going["customer"].to_numpy()[known])
        shown = sums.n >= min_n
        row[f"n_{name}"] = sums.n
        row |= _triple(f"{name}_change", mean_interval(sums, low=-reach, high=reach) if shown else NOTHING)
        for way, hit in (("rose", change > 0), ("fell", change < 0)) if name == "nps" else ():
            moved = sums_of(hit[known].astype(float), going["customer"].to_numpy()[known])
            row |= _triple(way, share_interval(moved) if shown else NOTHING)
    return row


def _triple(name: str, interval: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
