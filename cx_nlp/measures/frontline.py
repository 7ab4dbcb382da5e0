"""The front line against customers: what employees name that customers do not, and the reverse, and who saw it first.

Counts are responses with a text, as some employees write many notes and most customers one; each term's counts are
divided by its design effect (`differences.effective_counts`), so that the log-odds ratio (as in `passives`) and its z
count people. A theme is first seen in the first week (from Monday) in which its share lies above SEEN beyond chance: the
lower end of the interval does. The interval of the lead draws each week's counts anew (parametric bootstrap, binomial at
the effective number of responses).
"""

import datetime as dt
import math
from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Sums, share_interval, wilson
from cx_nlp.measures import differences
from cx_nlp.measures.changes import responses, themes_of
from cx_nlp.measures.contrasts import NOTHING
from cx_nlp.measures.rates import MIN_PEOPLE
from cx_nlp.measures.statistics import false_discovery, log_odds, two_sided

SEEN = 0.05  # share of the texts of a week
MIN_TERM = 5  # responses that name a term before it is tested
RESAMPLES = 400
_WHO = "role IN ('employee', 'customer')"
_PIECES = f"(SELECT *, role = 'employee' AS is_now FROM piece WHERE {_WHO})"
_THEMES = f"(SELECT * FROM piece_theme WHERE {_WHO})"


def frontline(con: duckdb.DuckDBPyConnection, *, min_n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Columns of `frontline` but for as_of and run_id; con: after `relations.load`.

    A row for each theme, sentiment and emotion that employees or customers show. Fewer than MIN_PEOPLE employees, no rows;
    a term of fewer of them (but some) shows nothing of theirs.
    """
    ((people,),) = con.execute(
        "SELECT count(DISTINCT customer) FROM piece WHERE role = 'employee' AND scored AND label IS NOT NULL"
    ).fetchall()
    if people < MIN_PEOPLE:
        return pd.DataFrame()
    units = responses(_PIECES, [])
    texts = "(SELECT *, {term} AS term FROM {pieces} WHERE scored AND {term} IS NOT NULL)"
    sentiment = texts.format(term="CASE WHEN mixed THEN 'mixed' ELSE label END", pieces=_PIECES)
    emotion = texts.format(term="emotion", pieces=_PIECES)
    first = _first_weeks(con, rng, min_n)
    parts = []
    for kind, all_units, named in (
        ("theme", units, themes_of(units, _THEMES, [])), ("sentiment", sentiment, sentiment), ("emotion", emotion, emotion),
    ):  # fmt: skip
        rows = list(_apart(differences.of_terms(con, all_units, named), min_n))
        for row in rows if kind == "theme" else ():
            if row["n_term"] is not None:  # who saw it first would tell that somebody did
                row |= first.get(str(row["term"]), {})
        # Over all terms, those of few employees too: only those that many name would be tested, as if that were no news.
        q = false_discovery(two_sided(np.array([row["z"] for row in rows], dtype=float)))
        for row, one in zip(rows, q, strict=True):
            hidden = {"log_odds": math.nan, "z": math.nan, "q": math.nan} if row["suppressed"] else {"q": one}
            parts.append(row | {"kind": kind} | hidden)
    return pd.DataFrame(parts)


def _apart(sums: pd.DataFrame, min_n: int) -> Iterator[dict[str, object]]:
    """Rows with z of all terms that can be tested; it is to be hidden where they are suppressed."""
    figures = differences.compare(sums, is_share=True, min_n=min_n)
    for g, row in zip(sums.to_dict("records"), figures.to_dict("records"), strict=True):
        delta, z = math.nan, math.nan
        few = 0 < g["people1"] < MIN_PEOPLE
        effective = differences.effective_counts(g) if not row["suppressed"] else None
        row["suppressed"] = row["suppressed"] or few
        if effective and g["s1"] + g["s0"] >= MIN_TERM:
            s1, n1, s0, n0 = effective
            delta, z = (float(one[0]) for one in log_odds(np.array([s1]), n1, np.array([s0]), n0))
        yield {
            "term": g["term"], "n": row["n"], "n_customers": int(g["c0"]), "n_people": int(g["c1"]), "n_term": None if few else int(g["s1"]),
            "n_against": row["n_before"], "n_term_against": int(g["s0"]), **{name: math.nan if few else row[name] for name in ("value", "low", "high")}, "share_against": row["before"], "share_against_low": row["before_low"],
            "share_against_high": row["before_high"], "log_odds": delta, "z": z, "suppressed": row["suppressed"],
        }  # fmt: skip


def _first_weeks(con: duckdb.DuckDBPyConnection, rng: np.random.Generator, min_n: int) -> dict[str, dict[str, object]]:
    """Of each theme: the week in which employees and customers first saw it, how many wrote then, and the lead in days."""
    weekly = f"""(SELECT u.role, u.week, u.customer, u.n, coalesce(t.s, 0) AS s, t.theme_id FROM
        (SELECT role, date_trunc('week', day)::DATE AS week, customer, count(DISTINCT (source, response_id)) AS n
         FROM piece WHERE {_WHO} AND scored AND label IS NOT NULL GROUP BY ALL) AS u
        LEFT JOIN (SELECT role, date_trunc('week', day)::DATE AS week, customer, theme_id,
                          count(DISTINCT (source, response_id)) AS s
                   FROM piece_theme WHERE {_WHO} AND scored AND label IS NOT NULL GROUP BY ALL) AS t
          ON t.role = u.role AND t.week = u.week AND t.customer = u.customer)"""
    whole = con.execute(f"""
        SELECT role, week, sum(n)::BIGINT AS n, sum(n * n)::DOUBLE AS nn, count(*) AS people
        FROM (SELECT DISTINCT role, week, customer, n FROM {weekly}) GROUP BY ALL ORDER BY ALL""").df()
    named = con.execute(f"""
        SELECT theme_id, role, week, sum(s)::DOUBLE AS s, sum(s * s)::DOUBLE AS ss, sum(s * n)::DOUBLE AS sn
        FROM {weekly} WHERE theme_id IS NOT NULL GROUP BY ALL ORDER BY ALL""").df()
    found = {}
    for theme_id, part in named.merge(whole, on=["role", "week"]).groupby("theme_id", sort=True):
        one: dict[str, object] = {}
        draws = {}
        for role in ("employee", "customer"):
            mine = part[part["role"] == role].sort_values("week")
            week, n, draws[role] = first_week(mine, rng)
            one |= {f"first_{role}s": week, f"n_first_{role}s": n}
        found[str(theme_id)] = one | _lead(one["first_employees"], one["first_customers"], draws)
    return found


def first_week(weeks: pd.DataFrame, rng: np.random.Generator) -> tuple[dt.date | None, int | None, np.ndarray]:
    """A theme's weeks in order (week, s, ss, sn, n, nn, people) -> the first in which it was seen, the responses of that
    week, and the days (RESAMPLES,) since 1970 of the same in draws; inf where it was never seen."""
    if weeks.empty:
        return None, None, np.full(RESAMPLES, np.inf)
    ends = [
        share_interval(Sums(row.s, int(row.n), row.ss, row.sn, row.nn, int(row.people))) for row in weeks.itertuples()
    ]
    days = np.array([(pd.Timestamp(week) - pd.Timestamp(0)).days for week in weeks["week"]], dtype=float)
    share = np.array([end[0] for end in ends])
    size = np.array([_effective(end, int(n)) for end, n in zip(ends, weeks["n"], strict=True)])
    seen = np.array([end[1] > SEEN for end in ends])
    again = rng.binomial(size, share, size=(RESAMPLES, len(size)))
    least = np.array([_least(n) for n in size])
    draws = np.where(again >= least, days, np.inf).min(axis=1)
    if not seen.any():
        return None, None, draws
    at = int(seen.argmax())
    return pd.Timestamp(weeks["week"].iloc[at]).date(), int(weeks["n"].iloc[at]), draws


def _effective(end: tuple[float, float, float], n: int) -> int:
    """Whole responses whose Wilson interval is no narrower than this one, 1..n."""
    width = end[2] - end[1]
    small, large = 1, n
    while small < large:
        middle = (small + large + 1) // 2
        low, high = wilson(end[0], middle)
        small, large = (middle, large) if high - low >= width - 1e-12 else (small, middle - 1)
    return small


def _least(n: int) -> int:
    """How many of n must name a theme for it to be seen; n + 1 where not even all would do."""
    return next((s for s in range(int(n * SEEN), n + 1) if wilson(s / n, n)[0] > SEEN), n + 1)


def _lead(employees: object, customers: object, draws: dict[str, np.ndarray]) -> dict[str, object]:
    if employees is None or customers is None:
        first = "employees" if employees is not None else "customers" if customers is not None else None
        return {"saw_first": first, "lead_days": math.nan}
    lead = (customers - employees).days  # type: ignore[operator]
    both = np.isfinite(draws["customer"]) | np.isfinite(draws["employee"])
    with np.errstate(invalid="ignore"):
        drawn = np.sort((draws["customer"] - draws["employee"])[both])
    low, high = (float(drawn[round(at * (len(drawn) - 1))]) for at in (0.025, 0.975)) if len(drawn) else NOTHING[1:]
    return {
        "saw_first": "employees" if lead > 0 else "customers" if lead < 0 else "both", "lead_days": float(lead),
        "lead_days_low": low if math.isfinite(low) else math.nan, "lead_days_high": high if math.isfinite(high) else math.nan,
    }  # fmt: skip
