"""What changed: the latest date against the one before, the latest week against the one before and against half a year.

By theme and touchpoint, for outcomes, sentiment, emotions, shares of themes and volume; customers only. How a
difference, its interval and p come about stands in `differences`. q is over all tests of a night together (Benjamini &
Hochberg 1995), whatever they are against: on a night on which nothing changed, it then says so nine times out of ten.
Small windows tell of large changes alone, and many looks at the same days tell the same story: read `n` first.

The volume is responses a day. Its error allows for a customer who answers often and for days (weeks) that differ more
than chance would have them: a quasi-Poisson factor, the largest of 1, sum(c^2) / sum(c) over customers' counts c, and
variance over mean of the days (weeks) before (Wedderburn 1974, Biometrika 61; McCullagh & Nelder 1989, ch. 6).
"""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Z
from cx_nlp.measures import customer_sums, differences
from cx_nlp.measures.relations import NONE
from cx_nlp.measures.statistics import false_discovery, two_sided

ALL = "(all)"
FDR = 0.10
AGAINST = ("night", "week", "half_year")
HALF_YEAR, LEAST = 182, 28  # days of the half-year, and those that there must be for it to tell more than a week
MIN_TERM = 5  # responses in both windows that name a theme before it is tested
MIN_UNITS = 4  # days (weeks) before that a spread of volumes needs
OVERALL = (
    "nps", "passives", "csat", "csat_top_box", "ces", "rating", "negative", "positive", "mixed", "emotional", "sentiment",
    "intensity",
)  # fmt: skip
OF_A_THEME = ("nps", "csat", "negative", "positive", "sentiment")


@dataclass(frozen=True)
class Window:
    """Days of the two sets, first and last included."""

    against: str
    first: dt.date
    last: dt.date
    before_first: dt.date
    before_last: dt.date

    @property
    def days(self) -> tuple[int, int]:
        return (self.last - self.first).days + 1, (self.before_last - self.before_first).days + 1


def windows(con: duckdb.DuckDBPyConnection, as_of: dt.date) -> list[Window]:
    """The windows that a lake's customers have days for, latest day `as_of`; none for less than two dates."""
    ((first, previous),) = con.execute(
        f"SELECT min(day), max(day) FILTER (day < DATE '{as_of}') FROM piece WHERE role = 'customer'"
    ).fetchall()
    if previous is None:
        return []
    found = [Window("night", as_of, as_of, previous, previous)]
    week, before = as_of - dt.timedelta(6), as_of - dt.timedelta(7)
    if first <= before:
        found.append(Window("week", week, as_of, before - dt.timedelta(6), before))
    since = max(first, before - dt.timedelta(HALF_YEAR - 1))
    if (before - since).days + 1 >= LEAST:
        found.append(Window("half_year", week, as_of, since, before))
    return found


def changes(con: duckdb.DuckDBPyConnection, as_of: dt.date, *, min_n: int) -> pd.DataFrame:
    """Columns of `changes` but for as_of and run_id; con: after `relations.load`. One date or none, no rows."""
    parts = [part for window in windows(con, as_of) for part in _of_window(con, window, min_n) if len(part)]
    if not parts:
        return pd.DataFrame()
    rows = pd.concat([pd.DataFrame(columns=["p"], dtype=float), *parts], ignore_index=True)
    rows["q"] = false_discovery(rows["p"].to_numpy(dtype=float))
    return rows


def _of_window(con: duckdb.DuckDBPyConnection, window: Window, min_n: int) -> Iterator[pd.DataFrame]:
    told = {
        "against": window.against, "first_day": window.first, "last_day": window.last,
        "before_first_day": window.before_first, "before_last_day": window.before_last,
    }  # fmt: skip
    for table in ("piece", "piece_theme"):
        con.execute(f"""
            CREATE OR REPLACE TEMP TABLE now_{table} AS SELECT *, day >= DATE '{window.first}' AS is_now FROM {table}
            WHERE role = 'customer' AND (day BETWEEN DATE '{window.first}' AND DATE '{window.last}'
                  OR day BETWEEN DATE '{window.before_first}' AND DATE '{window.before_last}')""")
    for split, names in (((), OVERALL), (("touchpoint",), OVERALL), (("theme_id",), OF_A_THEME)):
        for part in _means(con, list(split), names, min_n):
            yield part.assign(**told)
        if "theme_id" not in split:
            for part in (*_terms(con, list(split), min_n), _volumes(con, split, window)):
                yield part.assign(**told)


def _split(found: pd.DataFrame) -> pd.DataFrame:
    """With touchpoint and theme_id, (all) where not split; what has no touchpoint is no group of its own."""
    for name in ("touchpoint", "theme_id"):
        if name not in found:
            found[name] = ALL
    return found[found["touchpoint"] != NONE]


def _means(
    con: duckdb.DuckDBPyConnection, keys: list[str], names: tuple[str, ...], min_n: int
) -> Iterator[pd.DataFrame]:
    table = "now_piece_theme" if "theme_id" in keys else "now_piece"
    ((scales,),) = con.execute("SELECT count(DISTINCT scale) FROM now_piece").fetchall()
    measures = {
        name: (where, measure)
        for where, _, members in customer_sums.FAMILIES.values()
        for name, measure in members.items()
        if name in names and (name != "rating" or scales == 1)  # a mean over several scales means nothing
    }
    # All measures in one query, each as rows of its own.
    listed = ", ".join(
        f"{{'measure': '{name}', 'x': CASE WHEN {where} THEN ({one.x})::BIGINT END}}"
        for name, (where, one) in measures.items()
    )
    by = "".join(f"{key}, " for key in keys)
    rows = f"(SELECT {by}customer, is_now, unnest([{listed}], recursive := true) FROM {table})"
    sums = differences.of_values(con, rows, x="x", keys=[*keys, "measure"])
    for name, part in sums.groupby("measure", sort=True):
        one = measures[str(name)][1]
        figures = differences.compare(part, per=one.per, low=one.low, high=one.high, is_share=one.is_share, min_n=min_n)
        yield _split(pd.concat([part[keys], figures], axis=1)).assign(measure=name)


def _terms(con: duckdb.DuckDBPyConnection, keys: list[str], min_n: int) -> Iterator[pd.DataFrame]:
    """Shares of themes among responses with a text, and of emotions among texts."""
    units = responses("now_piece", keys)
    named = themes_of(units, "now_piece_theme", keys)
    yield _of_terms(differences.of_terms(con, units, named, keys=keys), keys, min_n, "theme_id").assign(
        measure="theme_share"
    )
    texts = "(SELECT *, emotion AS term FROM now_piece WHERE scored AND emotion IS NOT NULL)"
    found = _of_terms(differences.of_terms(con, texts, texts, keys=keys), keys, min_n, "measure")
    yield found.assign(measure="emotion_" + found["measure"])


def responses(pieces: str, keys: Sequence[str]) -> str:
    """SQL of the responses with a scored text: keys, customer, is_now, a row each."""
    by = "".join(f", coalesce(any_value({key}) FILTER (head), min({key})) AS {key}" for key in keys)
    return f"""(SELECT source, response_id, any_value(customer) AS customer, any_value(is_now) AS is_now{by}
               FROM {pieces} WHERE scored AND label IS NOT NULL GROUP BY source, response_id)"""


def themes_of(units: str, piece_themes: str, keys: Sequence[str]) -> str:
    """SQL of the themes that `responses` name: keys, customer, is_now and term, each theme once a response."""
    listed = "".join(f", u.{key}" for key in keys)
    return f"""(SELECT u.customer, u.is_now{listed}, t.theme_id AS term
               FROM (SELECT DISTINCT source, response_id, theme_id FROM {piece_themes}) AS t
               JOIN {units} AS u USING (source, response_id))"""


def _of_terms(sums: pd.DataFrame, keys: list[str], min_n: int, term: str) -> pd.DataFrame:
    sums = sums[(sums["s1"] + sums["s0"]) >= MIN_TERM].reset_index(drop=True)
    figures = differences.compare(sums, is_share=True, min_n=min_n)
    return _split(pd.concat([sums[keys], sums["term"].rename(term), figures], axis=1))


def _volumes(con: duckdb.DuckDBPyConnection, split: tuple[str, ...], window: Window) -> pd.DataFrame:
    group = split[0] if split else f"'{ALL}'"
    unit = window.days[0]
    earliest = window.first - dt.timedelta(HALF_YEAR)
    counts = con.execute(f"""
        SELECT {group} AS grp, (DATE '{window.first}' - 1 - day) // {unit} AS unit, count(*) AS n FROM piece
        WHERE role = 'customer' AND head AND day < DATE '{window.first}' AND day >= DATE '{earliest}' GROUP BY ALL""").df()
    ((whole,),) = con.execute(
        f"SELECT (DATE '{window.first}' - max(greatest(first, DATE '{earliest}'))) // {unit} FROM (SELECT min(day) AS first FROM piece WHERE role = 'customer')"
    ).fetchall()
    found = con.execute(f"""
        SELECT grp, sum(c1) AS n1, sum(c0) AS n0, sum((c1 + c0)::HUGEINT * (c1 + c0))::DOUBLE AS squares,
               count(*) FILTER (c1 > 0) AS people
        FROM (SELECT {group} AS grp, customer, count(*) FILTER (is_now) AS c1, count(*) FILTER (NOT is_now) AS c0
              FROM now_piece WHERE head GROUP BY grp, customer) GROUP BY grp ORDER BY grp""").fetchall()
    rows = []
    for name, n1, n0, squares, people in found:
        units = counts[(counts["grp"] == name) & (counts["unit"] < whole)]["n"].to_numpy(dtype=float)
        units = np.concatenate([units, np.zeros(max(int(whole) - len(units), 0))])
        figures = volume(int(n1), int(n0), window.days, by_customer=squares / (n1 + n0), units=units)
        rows.append(
            {
                "touchpoint": name,
                **figures,
                "n": int(n1),
                "n_before": int(n0),
                "n_customers": people,
                "suppressed": False,
            }
        )
    return _split(pd.DataFrame(rows)).assign(measure="responses") if rows else pd.DataFrame()


def volume(n1: int, n0: int, days: tuple[int, int], *, by_customer: float, units: np.ndarray) -> dict[str, float]:
    """Counts of two spans of days -> a day's number now and before, the difference with its interval, and p.

    by_customer: sum of squares over sum of customers' counts; units (U,): counts of earlier spans as long as the first
    one. Less than MIN_UNITS of them, or none at all now and before, and nothing is said but the counts.
    """
    d1, d0 = days
    found = {"value": n1 / d1, "before": n0 / d0, "difference": n1 / d1 - n0 / d0}
    if len(units) < MIN_UNITS or not n1 + n0:
        return found
    spread = float(np.var(units, ddof=1) / units.mean()) if units.mean() > 0 else 1.0
    factor = max(1.0, by_customer, spread)
    error = math.sqrt(factor * (n1 / d1**2 + n0 / d0**2))
    share = d1 / (d1 + d0)
    z = (n1 - (n1 + n0) * share) / math.sqrt(factor * (n1 + n0) * share * (1 - share))
    return found | {
        "low": max(0.0, n1 / d1 - Z * math.sqrt(factor * n1) / d1), "high": n1 / d1 + Z * math.sqrt(factor * n1) / d1,
        "difference_low": found["difference"] - Z * error, "difference_high": found["difference"] + Z * error,
        "p": float(two_sided(np.array([z]))[0]),
    }  # fmt: skip
