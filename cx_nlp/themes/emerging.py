"""Emerging themes: which are named by a larger share of customers in the latest week than in the weeks before.

A unit is a customer in a week: one who writes ten comments counts once. Shares are of all customers with a scored comment
in that week, so that a busy week is no growth; windows are whole weeks back from the latest day, so that each holds
every weekday once.

The test is one-sided and predictive. Shares of a theme differ between weeks by more than chance would have it, so a
week's count is beta-binomial (Skellam 1948; Williams 1975, Biometrics 31) with an intra-class correlation estimated
from the weeks before; what is not known of the usual share widens the prediction. q is over all themes of a night
together (Benjamini & Hochberg 1995).

T themes, K weeks before.
"""

import datetime as dt
import math
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Z
from cx_nlp.measures.statistics import false_discovery

WEEK = 7  # days
WEEKS = 8  # before the latest one
MIN_WEEKS = 4  # with any customer: fewer show nothing of how much weeks differ
MIN_CUSTOMERS = 5  # who name a theme in all weeks together before it is tested, and in the latest before it is emerging
MIN_GROWTH = 1.5  # shares drift: a third more than two months ago is no news, however sure
FDR = 0.05


@dataclass(frozen=True)
class Growth:
    """Figures of each theme (T,); NaN where there is none. low, high: 95% of growth. rho: how alike a week's customers are."""

    share: np.ndarray
    baseline: np.ndarray
    growth: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    q: np.ndarray
    is_emerging: np.ndarray
    rho: np.ndarray


def emerging(con: duckdb.DuckDBPyConnection, as_of: dt.date, *, min_n: int) -> pd.DataFrame:
    """Columns of the table `emerging` but for as_of and run_id; con: after `relations.load`.

    A row for each theme that a customer names in the latest week; no rows where nobody does. Suppressed where fewer than
    min_n customers comment in the week, or in all weeks before, or fewer than MIN_WEEKS of those have any.
    """
    first = as_of - dt.timedelta(WEEK * (WEEKS + 1) - 1)
    since = f"role = 'customer' AND scored AND day > DATE '{first}' - 1"
    week = f"((DATE '{as_of}' - day) // {WEEK})::INT"
    people = con.execute(
        f"SELECT {week} AS week, count(DISTINCT customer) AS people FROM piece WHERE {since} GROUP BY 1"
    ).df()
    named = con.execute(f"""
        SELECT theme_id, {week} AS week, count(DISTINCT customer) AS people, count(*) AS comments
        FROM piece_theme WHERE {since} GROUP BY ALL ORDER BY theme_id""").df()
    themes = sorted(named.loc[named["week"] == 0, "theme_id"].unique())
    n = np.zeros(WEEKS + 1)
    n[people["week"]] = people["people"]
    every = sorted(named["theme_id"].unique())  # those that vanished count as tests too
    place = {theme: i for i, theme in enumerate(every)}
    x, comments = np.zeros((2, len(every), WEEKS + 1))
    at = np.array([place[theme] for theme in named["theme_id"]], dtype=int)
    x[at, named["week"]], comments[at, named["week"]] = named["people"], named["comments"]
    before = n[1:] > 0
    shown = n[0] >= min_n and n[1:].sum() >= min_n and before.sum() >= MIN_WEEKS
    new = _of_a_new_version(con, as_of, since)
    renamed = np.array([theme in new for theme in every], dtype=bool)
    found = growths(x[:, 0], n[0], x[:, 1:][:, before], n[1:][before], skip=renamed) if shown else None
    kept = np.array([place[theme] for theme in themes], dtype=int)
    rows = pd.DataFrame(
        {
            "theme_id": np.array(themes, dtype=object),
            "window_start": np.full(len(kept), as_of - dt.timedelta(WEEK - 1), dtype=object),
            "baseline_start": np.full(len(kept), first, dtype=object),
            "n": comments[kept, 0].astype(int),
            "n_customers": x[kept, 0].astype(int),
            "customers": int(n[0]),
            "baseline_n_customers": x[kept, 1:].sum(axis=1).astype(int),
            "baseline_customers": int(n[1:].sum()),
            "is_emerging": found.is_emerging[kept] if found else False,
            "caution": ["version" if new else None for new in renamed[kept]],
            "suppressed": found is None,
        }
    )
    for name in ("share", "baseline", "growth", "low", "high", "p", "q"):
        rows[{"p": "p_value", "q": "q_value"}.get(name, name)] = getattr(found, name)[kept] if found else np.nan
    return rows


def _of_a_new_version(con: duckdb.DuckDBPyConnection, as_of: dt.date, since: str) -> set[str]:
    """Themes whose mentions of the week bear a version that no mention of the weeks before has: they may only be newly
    recognised.
    """
    start = f"DATE '{as_of - dt.timedelta(WEEK - 1)}'"
    found = con.execute(f"""
        SELECT DISTINCT theme_id FROM piece_theme WHERE {since} AND day >= {start} AND themes_version IS NOT NULL
        AND themes_version NOT IN (SELECT DISTINCT themes_version FROM piece_theme
                                   WHERE {since} AND day < {start} AND themes_version IS NOT NULL)""").fetchall()
    return {theme for (theme,) in found}


def growths(
    x: np.ndarray, n: float, before: np.ndarray, n_before: np.ndarray, *, skip: np.ndarray | None = None
) -> Growth:
    """Customers who name each theme in the latest week (T,) of n, and in the weeks before (T, K) of n_before (K,).

    n and all of n_before are above 0, K >= 1. skip (T,): themes that are not tested; nor are those that fewer than
    MIN_CUSTOMERS name in all weeks together, which says nothing of growth.
    """
    total, all_before = before.sum(axis=1), n_before.sum()
    usual = (total + 0.5) / (all_before + 1.0)
    rho = correlation(before, n_before)
    weeks = len(n_before)
    # Between weeks p varies by rho p (1 - p); the mean of K weeks is known to (1 / all + rho / K) p (1 - p).
    spread = np.minimum(rho + rho / weeks + 1.0 / (all_before + 1.0), 0.999)
    precision = 1.0 / spread - 1.0
    tested = x + total >= MIN_CUSTOMERS
    if skip is not None:
        tested &= ~skip
    p = np.full(len(x), np.nan)
    for i in np.flatnonzero(tested):
        p[i] = upper_tail(int(x[i]), int(n), usual[i] * precision[i], (1.0 - usual[i]) * precision[i])
    q = false_discovery(p)
    share, baseline = x / n, total / all_before
    growth = ((x + 0.5) / (n + 1.0)) / usual
    low, high = (growth * np.exp(sign * Z * _log_error(x, n, total, all_before, rho, weeks)) for sign in (-1, 1))
    is_emerging = (np.nan_to_num(q, nan=1.0) <= FDR) & (x >= MIN_CUSTOMERS) & (growth >= MIN_GROWTH)
    return Growth(share, baseline, growth, low, high, p, q, is_emerging, rho)


def correlation(before: np.ndarray, n_before: np.ndarray) -> np.ndarray:
    """(T, K), (K,) -> intra-class correlation of each theme's weeks (T,), in [0, 0.5]; 0 for fewer than two weeks.

    By moments from Pearson's statistic (Williams 1982, Applied Statistics 31). Eight weeks say little of one theme, so
    each gets the mean of its own and that of all themes together, and never less than the latter.
    """
    weeks, everyone = len(n_before), n_before.sum()
    if weeks < 2 or not len(before):
        return np.zeros(len(before))
    p = before.sum(axis=1) / everyone
    inner = (p > 0) & (p < 1)
    expected = np.outer(p, n_before)
    variance = np.where(inner[:, None], expected * (1 - p)[:, None], 1.0)
    excess = np.where(inner, ((before - expected) ** 2 / variance).sum(axis=1) - (weeks - 1), 0.0)
    scale = float(((1 - n_before / everyone) * (n_before - 1)).sum())
    if scale <= 0:
        return np.zeros(len(before))
    # Themes that next to nobody names would only blur what the others show.
    heard = inner & (before.sum(axis=1) >= 2 * weeks)
    common = max(float(excess[heard].mean()) / scale, 0.0) if heard.any() else 0.0
    return np.clip(np.maximum(common, (common + excess / scale) / 2), 0.0, 0.5)


def upper_tail(x: int, n: int, a: float, b: float) -> float:
    """P(X >= x) of a beta-binomial: n >= 0 draws, of a share that is Beta(a, b) with a, b > 0."""
    if x <= 0:
        return 1.0
    k = np.arange(n, dtype=float)
    steps = np.log((n - k) / (k + 1.0)) + np.log((a + k) / (b + n - k - 1.0))  # ln P(k + 1) - ln P(k)
    none = math.lgamma(b + n) + math.lgamma(a + b) - math.lgamma(b) - math.lgamma(a + b + n)  # ln P(0)
    return float(min(np.exp(none + np.cumsum(steps))[x - 1 :].sum(), 1.0))


def _log_error(x, n: float, total, all_before: float, rho, weeks: int):
    """Standard error of the logarithm of growth, by the delta method, with what weeks differ by (T,)."""
    usual = (total + 0.5) / (all_before + 1.0)
    chance = 1 / (x + 0.5) - 1 / (n + 1) + 1 / (total + 0.5) - 1 / (all_before + 1)
    return np.sqrt(np.maximum(chance, 0) + (rho + rho / weeks) * (1 - usual) / usual)
