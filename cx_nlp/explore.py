"""Frames for people who explore a lake: shares and means with their n and 95% intervals, by DuckDB over a plain glob.

Intervals count customers, not rows: see `cx_nlp.intervals`. A `customer_key` is one customer in all
sources; a row without one is its response's.
"""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd

from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.intervals import Sums, mean_interval, share_interval
from cx_nlp.schema import EMOTIONS, SENTIMENTS, TABLES

SPLITS = ("source", "channel", "touchpoint", "segment", "respondent_role", "nps_group", "feedback_date")
_SCORED = "score_status = 'scored'"
_CUSTOMER = "CASE WHEN customer_key IS NULL THEN source END, coalesce(customer_key, response_id)"


def connect(lake: str | Path) -> duckdb.DuckDBPyConnection:
    """A connection with one view a table that the lake holds. Raises UsageError where there is no feedback."""
    lake = Path(lake)
    con = duckdb.connect()
    for table in TABLES:
        files = sorted(str(p) for p in (lake / table).glob("**/[!.]*.parquet"))
        if files:
            con.from_parquet(files).create_view(table)
        elif table == "feedback":
            raise UsageError(f"no feedback in {lake}: run `make run`, or `cx-nlp run` with your own config, first")
    return con


def means(
    con: duckdb.DuckDBPyConnection,
    value: str,
    *,
    by: str | None,
    where: str = "true",
    interval: Callable[[Sums], tuple[float, float, float]] = share_interval,
) -> pd.DataFrame:
    """-> a row for each group: value, low, high, hits (the value's sum), n rows, customers.

    value, where: SQL over `feedback`, of our own, never of a user's. by: one of SPLITS, or None for one row, group
    "(all)". Groups come in order; an empty selection gives no rows.
    """
    group = "'(all)'" if by is None else f"coalesce({_split(by)}::VARCHAR, '(none)')"
    found = con.execute(f"""
        SELECT grp, sum(s), sum(n), sum(s * s), sum(s * n), sum(n * n), count(*) FROM (
            SELECT {group} AS grp, {_CUSTOMER}, sum(({value})::DOUBLE) AS s, count(*)::DOUBLE AS n
            FROM feedback WHERE {where} GROUP BY ALL)
        GROUP BY grp ORDER BY grp""").fetchall()
    rows = []
    for name, s, n, ss, sn, nn, customers in found:
        sums = Sums(s, int(n), ss, sn, nn, customers)
        rows.append((name, *interval(sums), s, int(n), customers))
    return pd.DataFrame(rows, columns=["group", "value", "low", "high", "hits", "n", "customers"])


def volumes(con: duckdb.DuckDBPyConnection, *, by: str = "channel") -> pd.DataFrame:
    """-> date x group: pieces of feedback; dates without any are there as zeros. Empty for an empty lake."""
    frame = con.execute(
        f"SELECT feedback_date, coalesce({_split(by)}::VARCHAR, '(none)') AS grp, count(*) AS n "
        "FROM feedback GROUP BY ALL"
    ).df()
    table = frame.pivot(index="feedback_date", columns="grp", values="n").fillna(0).astype(int)
    return table.asfreq("D", fill_value=0) if len(table) else table


def sentiment_shares(con: duckdb.DuckDBPyConnection, *, by: str | None) -> pd.DataFrame:
    """-> a row for each group and label, as `means`, with a column `label`; texts with a sentiment only."""
    where = f"{_SCORED} AND sentiment_label IS NOT NULL"
    parts = [means(con, f"sentiment_label = '{label}'", by=by, where=where).assign(label=label) for label in SENTIMENTS]
    return pd.concat(parts, ignore_index=True)


def flag_shares(con: duckdb.DuckDBPyConnection, flag: str, *, by: str | None) -> pd.DataFrame:
    """flag: is_mixed, is_emotional or is_uncertain -> as `means`; texts of which it is known only."""
    if flag not in ("is_mixed", "is_emotional", "is_uncertain"):
        raise UnknownName("flag", flag, ("is_mixed", "is_emotional", "is_uncertain"))
    return means(con, flag, by=by, where=f"{_SCORED} AND {flag} IS NOT NULL")


def emotion_means(con: duckdb.DuckDBPyConnection, *, by: str) -> pd.DataFrame:
    """-> group x emotion: mean probability (27, neutral left out), and a column n; scored texts only."""
    columns = ", ".join(f"avg(emotion_{name}) AS {name}" for name in EMOTIONS if name != "neutral")
    frame = con.execute(
        f"""SELECT coalesce({_split(by)}::VARCHAR, '(none)') AS "group", count(*) AS n, {columns}
            FROM feedback WHERE {_SCORED} GROUP BY ALL ORDER BY 1"""
    ).df()
    return frame.set_index("group")


def nps_groups(con: duckdb.DuckDBPyConnection, *, by: str | None, role: str = "customer") -> pd.DataFrame:
    """-> group: shares of promoters, passives and detractors, nps (-100..100) with low and high, n responses.

    Each response counts once, by its head row. NPS: promoters less detractors (Reichheld 2003).
    """
    if role not in ("customer", "employee", "leader"):
        raise UnknownName("role", role, ("customer", "employee", "leader"))
    where = f"is_response_head AND nps IS NOT NULL AND respondent_role = '{role}'"
    net = means(
        con,
        "CASE nps_group WHEN 'promoter' THEN 100 WHEN 'detractor' THEN -100 ELSE 0 END",
        by=by,
        where=where,
        interval=lambda sums: mean_interval(sums, low=-100, high=100),
    )
    out = net.rename(columns={"value": "nps"}).drop(columns="hits").set_index("group")
    for name in ("promoter", "passive", "detractor"):
        out[f"{name}s"] = means(con, f"nps_group = '{name}'", by=by, where=where).set_index("group")["value"]
    return out


def theme_sentiment(con: duckdb.DuckDBPyConnection, *, top: int = 15) -> pd.DataFrame:
    """-> the themes named in most comments: theme, owner, comments, mentions, a share for each label, mean score."""
    shares = ", ".join(f"avg((m.sentiment_label = '{name}')::INT) AS {name}" for name in SENTIMENTS)
    return con.execute(
        f"""SELECT theme, any_value(owner) AS owner, count(DISTINCT (m.source, m.feedback_id)) AS comments,
                   count(*) AS mentions, {shares}, avg(m.sentiment_score) AS sentiment
            FROM theme_mentions m JOIN themes USING (theme_id) GROUP BY theme_id, theme
            ORDER BY comments DESC, theme LIMIT ?""",
        [top],
    ).df()


def _split(name: str) -> str:
    if name not in SPLITS:
        raise UnknownName("split", name, SPLITS)
    return name
