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

from cx_nlp.intervals import Sums, Z, mean_and_error, share_interval
from cx_nlp.measures.contrasts import NOTHING
from cx_nlp.measures.paths import ALL, GROUP, load_steps
from cx_nlp.measures.relations import NONE, SCORE
from cx_nlp.measures.statistics import cluster_error, weighted_mean

Interval = tuple[float, float, float]
MEASURES = ("answered", "resolved", "hours_to_answer", "next_sentiment", "next_nps")


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
        SELECT p.source, p.feedback_id, p.response_id, p.customer, f.answered_at IS NOT NULL AS answered, f.resolved,
               f.answered_at, (epoch(f.answered_at) - epoch(p.moment)) / 3600 AS hours, f.source IS NOT NULL AS listed,
               nullif(touchpoint, '{NONE}') AS touchpoint, {GROUP} AS nps_group
        FROM piece AS p LEFT JOIN loop_file AS f ON f.source = p.source AND f.feedback_id = p.feedback_id
        WHERE p.role = 'customer' AND p.has_text""")
    con.unregister("loop_file")
    if not con.execute("SELECT count(*) FROM looped WHERE listed").fetchall()[0][0]:
        return _nothing("nobody_matched")
    names = {"theme_id": pa.array(list(owners), pa.string()), "owner": pa.array(list(owners.values()), pa.string())}
    con.register("owner_of", pa.table(names))
    splits = {
        ALL: f"SELECT *, '{ALL}' AS term FROM looped",
        "owner": """SELECT l.*, o.owner AS term FROM looped AS l JOIN (
                        SELECT DISTINCT source, feedback_id, owner FROM piece_theme JOIN owner_of USING (theme_id)
                        WHERE owner IS NOT NULL) AS o USING (source, feedback_id)""",
        "touchpoint": "SELECT *, touchpoint AS term FROM looped WHERE touchpoint IS NOT NULL",
        "nps_group": "SELECT *, nps_group AS term FROM looped WHERE nps_group IS NOT NULL",
    }
    found = [row for split, query in splits.items() for row in _of(con, split, f"({query})", min_n)]
    con.unregister("owner_of")
    return pd.DataFrame([*found, *_next(con, min_n)])


def _of(con: duckdb.DuckDBPyConnection, split: str, query: str, min_n: int) -> Iterator[dict[str, object]]:
    # An answer before its question is a mistake of the file's: it counts as one, and its time does not.
    for measure, where in (
        ("answered", "true"),
        ("resolved", "answered AND resolved IS NOT NULL"),
        ("hours_to_answer", "hours >= 0"),
    ):
        for term, middle, *sums in _sums(con, measure, f"(SELECT * FROM {query} WHERE {where})"):
            s, n, ss, sn, nn, people = map(int, sums)
            of, shown = Sums(s, n, ss, sn, nn, people), n >= min_n
            value = NOTHING
            if shown and measure == "hours_to_answer":
                value = _woodruff(con, f"(SELECT * FROM {query} WHERE {where})", term, middle, of)
            elif shown:
                value = share_interval(of)
            yield {
                "split": split, "term": term, "measure": measure, "n": n, "n_customers": people,
                **dict(zip(("value", "low", "high"), value, strict=True)), "reason": None if shown else "small_n",
                "suppressed": not shown,
            }  # fmt: skip


def _sums(con: duckdb.DuckDBPyConnection, measure: str, rows: str) -> list[tuple]:
    """Term, median of the hours, and the sums over customers of the measure; of hours: of those up to the median."""
    hit = {"answered": "answered", "resolved": "resolved", "hours_to_answer": "hours <= middle"}[measure]
    return con.execute(f"""
        SELECT term, any_value(middle), sum(s), sum(n), sum(s * s), sum(s * n), sum(n * n), count(*) FROM (
            SELECT term, customer, any_value(middle) AS middle, count(*) FILTER ({hit}) AS s, count(*) AS n
            FROM {rows} JOIN (SELECT term, median(hours) AS middle FROM {rows} GROUP BY term) USING (term)
            GROUP BY term, customer)
        GROUP BY term ORDER BY term""").fetchall()


def _woodruff(con: duckdb.DuckDBPyConnection, rows: str, term: str, middle: float, below: Sums) -> Interval:
    """The median with its interval: the quantiles at the ends of the interval of the share below it.

    NaN ends for one customer, or where no spread can be told.
    """
    error = mean_and_error(below)[1]
    if not error > 0:
        return middle, math.nan, math.nan
    at = [min(max(0.5 + sign * Z * error, 0.0), 1.0) for sign in (-1, 1)]
    ((ends,),) = con.execute(f"SELECT quantile_cont(hours, {at}) FROM {rows} WHERE term = ?", [term]).fetchall()
    return middle, float(ends[0]), float(ends[1])


def _next(con: duckdb.DuckDBPyConnection, min_n: int) -> Iterator[dict[str, object]]:
    """next_*: steps with an answer in between, against those without any; an answer after the next response is neither."""
    load_steps(con)
    group = {"detractor": 0, "passive": 1, "promoter": 2}
    text = {"negative": 0, "mixed": 1, "neutral": 2, "positive": 3}
    coded = ", ".join(
        f"coalesce(CASE {column} {' '.join(f'WHEN {name!r} THEN {code}' for name, code in codes.items())} END, -1)::INT AS {column}"
        for column, codes in (("nps_group", group), ("said", text))
    )
    found = con.execute(f"""
        SELECT customer, {coded}, (next_score - score)::DOUBLE AS next_nps,
               (next_sentiment - sentiment)::DOUBLE / {SCORE} AS next_sentiment, answered_at IS NOT NULL AS came
        FROM step LEFT JOIN (
            SELECT a.nr, min(l.answered_at) AS answered_at FROM looped AS l JOIN answer AS a
              ON a.source = l.source AND a.response_id = l.response_id AND a.role = 'customer' GROUP BY a.nr) USING (nr)
        WHERE answered_at IS NULL OR answered_at BETWEEN moment AND next_moment ORDER BY nr""").fetchnumpy()
    change = {name: np.ma.filled(found[name].astype(float), np.nan) for name in ("next_sentiment", "next_nps")}
    stratum = {"next_sentiment": np.asarray(found["said"]), "next_nps": np.asarray(found["nps_group"])}
    came, customer = np.asarray(found["came"]), np.asarray(found["customer"])
    everybody = np.ones(len(came), dtype=bool)
    parts = [(ALL, ALL, everybody), *(("nps_group", name, stratum["next_nps"] == code) for name, code in group.items())]
    for split, term, mask in parts:
        for measure, y in change.items():
            rows = mask & ~np.isnan(y) & (stratum[measure] >= 0)
            if split == ALL or rows.any():
                made = compared(y[rows], came[rows], stratum[measure][rows], customer[rows], min_n=min_n)
                yield {"split": split, "term": term, "measure": measure, **made}


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
