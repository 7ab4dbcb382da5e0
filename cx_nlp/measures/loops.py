"""Is feedback answered, how soon, and what do the same customers say next?

`answered`, `resolved` and `hours_to_answer` are of customers' comments, by the owner of the themes that they name and by
touchpoint and NPS group. `next_sentiment` and `next_nps` are the change from a response to the same customer's next one:
where an answer came in between, less where none ever came. Those who are answered are the angry ones, who would have
come back towards the middle anyway; so the others are weighted to how the answered ones stood at first
(post-stratification: Holt & Smith 1979, weights taken as known). What is left is still association. A median's interval
is Woodruff's (1952, JASA 47): that of the share below it, turned round.
"""

import math
from collections.abc import Iterator, Mapping

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from cx_nlp.intervals import Z, mean_and_error, share_interval
from cx_nlp.measures.contrasts import NOTHING, sums_of
from cx_nlp.measures.paths import ALL, GROUP, steps
from cx_nlp.measures.relations import NONE
from cx_nlp.measures.statistics import cluster_error, weighted_mean

Interval = tuple[float, float, float]
MEASURES = ("answered", "resolved", "hours_to_answer", "next_sentiment", "next_nps")
_SPLITS = {
    "touchpoint": f"nullif(touchpoint, '{NONE}')",
    "nps_group": GROUP,
}
_NEXT = {"next_sentiment": ("sentiment", "text"), "next_nps": ("score", "nps_group")}


def loops(
    con: duckdb.DuckDBPyConnection, *, rows: pa.Table | None, owners: Mapping[str, str], min_n: int
) -> pd.DataFrame:
    """Columns of `loops` but for as_of and run_id; con: after `relations.load`.

    rows: source, feedback_id, answered_at (null: not answered), resolved (nullable), each piece once; None where there is
    no file. owners: theme_id -> who acts on it. Where nothing can be said each measure has a row with the reason.
    """
    if rows is None:
        return _nothing("no_file")
    con.register("loop_file", rows)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE looped AS
        SELECT p.source, p.feedback_id, p.response_id, p.customer, p.touchpoint, p.nps,
               f.answered_at IS NOT NULL AS answered, f.resolved, epoch(f.answered_at)::DOUBLE AS answered_at,
               (epoch(f.answered_at) - epoch(p.moment))::DOUBLE / 3600 AS hours, f.source IS NOT NULL AS listed,
               {", ".join(f"{x} AS of_{name}" for name, x in _SPLITS.items())}
        FROM piece AS p LEFT JOIN loop_file AS f ON f.source = p.source AND f.feedback_id = p.feedback_id
        WHERE p.role = 'customer' AND p.has_text ORDER BY p.source, p.feedback_id""")
    con.unregister("loop_file")
    pieces = con.execute("SELECT * FROM looped ORDER BY source, feedback_id").df()
    if not pieces["listed"].any():
        return _nothing("nobody_matched")
    found = [row for split, term, part in _parts(con, pieces, owners) for row in _of(split, term, part, min_n)]
    return pd.DataFrame([*found, *_next(con, min_n)])


def _parts(
    con: duckdb.DuckDBPyConnection, pieces: pd.DataFrame, owners: Mapping[str, str]
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Split, term and the comments of it: all of them, those of each owner's themes, touchpoint and NPS group."""
    yield ALL, ALL, pieces
    known = pa.table(
        {"theme_id": pa.array(list(owners), pa.string()), "owner": pa.array(list(owners.values()), pa.string())}
    )
    con.register("owner_of", known)
    named = con.execute("""
        SELECT DISTINCT source, feedback_id, owner FROM piece_theme JOIN owner_of USING (theme_id)
        WHERE owner IS NOT NULL ORDER BY ALL""").df()
    con.unregister("owner_of")
    for owner, part in named.merge(pieces, on=["source", "feedback_id"]).groupby("owner", sort=True):
        yield "owner", str(owner), part
    for name in _SPLITS:
        for term, part in pieces.groupby(f"of_{name}", sort=True):
            yield name, str(term), part


def _of(split: str, term: str, part: pd.DataFrame, min_n: int) -> Iterator[dict[str, object]]:
    answered = part[part["answered"]]
    timed = answered[answered["hours"] >= 0]  # an answer before its question is a mistake of the file's
    solved = answered[answered["resolved"].notna()]
    for measure, rows, value in (
        ("answered", part, lambda: _share(part["answered"], part)),
        ("resolved", solved, lambda: _share(solved["resolved"], solved)),
        ("hours_to_answer", timed, lambda: median(timed["hours"].to_numpy(), timed["customer"].to_numpy())),
    ):
        shown = len(rows) >= min_n
        yield {
            "split": split, "term": term, "measure": measure, "n": len(rows), "n_customers": rows["customer"].nunique(),
            **dict(zip(("value", "low", "high"), value() if shown else NOTHING, strict=True)),
            "reason": None if shown else "small_n", "suppressed": not shown,
        }  # fmt: skip


def _share(hits: pd.Series, rows: pd.DataFrame) -> Interval:
    return share_interval(sums_of(hits.to_numpy(dtype=float), rows["customer"].to_numpy()))


def median(x: np.ndarray, customer: np.ndarray) -> Interval:
    """x (N,), N >= 1, customer (N,) -> median, low, high; NaN ends for one customer or where no spread can be told."""
    middle = float(np.median(x))
    error = mean_and_error(sums_of((x <= middle).astype(float), customer))[1]
    if not error > 0:
        return middle, math.nan, math.nan
    low, high = np.quantile(x, np.clip([0.5 - Z * error, 0.5 + Z * error], 0.0, 1.0))
    return middle, float(low), float(high)


def _next(con: duckdb.DuckDBPyConnection, min_n: int) -> Iterator[dict[str, object]]:
    going = steps(con)
    first = con.execute("""
        SELECT a.nr, min(l.answered_at) AS answered_at FROM looped AS l JOIN answer AS a
          ON a.source = l.source AND a.response_id = l.response_id AND a.role = 'customer' GROUP BY a.nr""").df()
    going = going.merge(first, on="nr", how="left")
    came = (going["at"] <= going["answered_at"]) & (going["answered_at"] <= going["next_at"])
    going = going.assign(came=came)[came | going["answered_at"].isna()]  # an answer after the next response is neither
    groups = [
        (ALL, ALL, going),
        *(("nps_group", str(term), part) for term, part in going.groupby("nps_group", sort=True)),
    ]
    for split, term, part in groups:
        for measure, (column, stratum) in _NEXT.items():
            change = (part[f"next_{column}"] - part[column]).to_numpy(dtype=float)
            known = ~np.isnan(change) & part[stratum].notna().to_numpy()
            rows = part[known]
            found = compared(
                change[known], rows["came"].to_numpy(dtype=bool), rows[stratum].to_numpy(dtype=str),
                rows["customer"].to_numpy(), min_n=min_n,
            )  # fmt: skip
            yield {"split": split, "term": term, "measure": measure, **found}


def compared(
    change: np.ndarray, came: np.ndarray, stratum: np.ndarray, customer: np.ndarray, *, min_n: int
) -> dict[str, object]:
    """Changes (N,) with and without an answer (N,), strata (N,), customers (N,) -> columns of a row of `loops`.

    The unanswered are weighted to the strata of the answered; strata that lack either are left out of both.
    """
    weight = np.ones(len(change))
    kept = np.ones(len(change), dtype=bool)
    for name in np.unique(stratum):
        here = stratum == name
        with_it, without = int((here & came).sum()), int((here & ~came).sum())
        if not with_it or not without:
            kept &= ~here
        else:
            weight[here & ~came] = with_it / without
    change, came, customer, weight = change[kept], came[kept], customer[kept], weight[kept]
    n, n_without = int(came.sum()), int((~came).sum())
    shown = min(n, n_without) >= min_n
    row: dict[str, object] = {
        "n": n, "n_customers": len(np.unique(customer[came])), "n_without": n_without,
        "reason": None if shown else "small_n", "suppressed": not shown,
    }  # fmt: skip
    if not shown:
        return row
    means, pull = [], np.zeros(len(change))
    for mask, sign, names in (
        (came, 1, ("value", "low", "high")),
        (~came, -1, ("without", "without_low", "without_high")),
    ):
        mean, error = weighted_mean(change[mask], weight[mask], customer[mask])
        row |= dict(zip(names, _around(mean, error), strict=True))
        means.append(mean)
        pull[mask] = sign * weight[mask] * (change[mask] - mean) / weight[mask].sum()
    effect = _around(means[0] - means[1], cluster_error(pull, customer))
    return row | dict(zip(("effect", "effect_low", "effect_high"), effect, strict=True))


def _around(mean: float, error: float) -> Interval:
    """Changes that are all alike say nothing about others': then there is no interval rather than one of no width."""
    return (mean, mean - Z * error, mean + Z * error) if error > 0 else (mean, math.nan, math.nan)


def _nothing(reason: str) -> pd.DataFrame:
    rows = [
        {"split": ALL, "term": ALL, "measure": name, "n": 0, "n_customers": 0, "reason": reason, "suppressed": True}
        for name in MEASURES
    ]
    return pd.DataFrame(rows)
