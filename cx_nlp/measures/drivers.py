"""Drivers: which themes go with NPS, CSAT, CES and other ratings. Association, not cause: who is angry names more themes.

Two figures a theme, both of the outcome as it was rated and never of the text's own sentiment, which would be
circular. `impact`, leave one theme out: the mean of all responses less the mean without those that name the theme; it
is small for a rare theme. The regression is ordinary least squares of the outcome on themes together, one column
for naming a theme and one for its sentiment there, centred among those who name it: `presence` is naming it at its
usual sentiment, all other themes alike. Intervals are percentiles over resampled customers (Efron 1979; customers
whole, as in Cameron, Gelbach & Miller 2008), further out where few customers name the theme (`expanded`).

Who names a theme names all above it, so a theme and one above it would share one effect between them, by halves where
few name another. Therefore a theme with none below it is estimated among the most specific themes that each response
names, and a theme with others below it among the themes of its own level, each with all that lies below.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.measures.answers import RATING, Answers, answers
from cx_nlp.measures.contrasts import OUTCOMES
from cx_nlp.measures.statistics import least_squares, percentiles

if TYPE_CHECKING:
    from scipy.sparse import csr_array

RESAMPLES = 400
SMALL = 50  # customers naming a theme below which its row carries a caution
STABLE = 0.9  # share of resamples that must keep the sign
ROWS_A_COLUMN = 10  # responses a column of the regression should have (Harrell 2015, Regression Modeling Strategies)
Figures = dict[str, np.ndarray]


def drivers(
    con: duckdb.DuckDBPyConnection, *, min_n: int, rng: np.random.Generator, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Columns of `drivers` but for as_of and run_id: a row for each outcome and theme that anybody names; `rating` has
    none where ratings are on several scales. con: after `relations.load`.
    """
    pairs = set(con.execute("SELECT theme_id, above FROM theme_above").fetchall())
    found: list[dict[str, object]] = []
    for name in (*OUTCOMES, RATING):
        of = answers(con, name, min_n=1)
        above = np.array([[(low, high) in pairs for high in of.themes] for low in of.themes], dtype=bool)
        above = above.reshape(len(of.themes), len(of.themes))
        found += _rows(of, above & ~above.T, name, min_n, rng, resamples)  # in a circle nothing is above
    return pd.DataFrame(found)


def _rows(
    of: Answers, above: np.ndarray, outcome: str, min_n: int, rng: np.random.Generator, resamples: int
) -> Iterator[dict[str, object]]:
    people = _people(of.named, of.customer)
    kept = np.flatnonzero((people >= min_n) & ~of.named.all(axis=0))
    regressions: list[Regression] = []
    found: tuple[Figures, Figures, Figures, np.ndarray] = {}, {}, {}, np.empty(0)
    if len(of.y) >= min_n:
        named, sentiment = of.named[:, kept], of.sentiment[:, kept]
        regressions = [
            _regression(entered, told, sentiment, of.customer, min_n)
            for entered, told in levels(named, above[np.ix_(kept, kept)])
        ]
        found = _resampled(of, named, people[kept], regressions, rng, resamples)
    figures, low, high, stability = found
    crowded = {
        kept[t]: len(of.y) < ROWS_A_COLUMN * one.x.shape[1] for one in regressions for t in np.flatnonzero(one.told)
    }
    for t, theme_id in enumerate(of.themes):
        row = {
            "outcome": outcome, "theme_id": theme_id, "n": len(of.y), "n_theme": int(of.named[:, t].sum()),
            "n_customers": people[t], "suppressed": not figures or t not in kept,
        }  # fmt: skip
        if not row["suppressed"]:
            at = int(np.searchsorted(kept, t))
            for name, values in figures.items():
                row |= {name: values[at], f"{name}_low": low[name][at], f"{name}_high": high[name][at]}
            row["stability"] = stability[at]
            checks = (("small_n", people[t] < SMALL), ("many_themes", crowded[t]), ("unstable", stability[at] < STABLE))
            cautions = [name for name, is_so in checks if is_so]
            row["caution"] = "|".join(cautions) or None
        yield row


def _people(named: np.ndarray, customer: np.ndarray) -> np.ndarray:
    """named (N, T), customer (N,) -> how many customers name each theme, (T,)."""
    return np.array([len(np.unique(customer[column])) for column in named.T], dtype=int)


def levels(named: np.ndarray, above: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What enters each regression: for each level of the themes, the highest first, entered (N, T) and told (T,).

    named (N, T): whether a response names each theme, which it does if it names one below; above (T, T): whether the
    row's theme lies below the column's. A response enters with the most specific themes that it names, of those down to
    the level: one above counts only where none of these below it is named, so that no theme stands beside one above it
    in one response. told: the themes whose rows come from this regression, each in exactly one. Themes without levels
    make one regression of all; no themes, one of none.
    """
    depth = above.sum(axis=1)
    has_below = above.any(axis=0)
    deepest = int(depth.max(initial=0))
    for level in range(deepest + 1):
        inside = depth <= level
        below = (above & inside[:, None]).astype(np.float32)  # floats: products of bools are slow
        entered = named & inside & ~(named.astype(np.float32) @ below > 0)
        yield entered, np.where(has_below, depth == level, level == deepest)


@dataclass(frozen=True)
class Regression:
    """x (N, 1 + 2C) of the C themes columns (C,) that enough customers enter with; told (T,): whose rows it gives.

    Sparse: a response names a few of hundreds of themes, and each resample would copy all their zeros.
    """

    columns: np.ndarray
    x: "csr_array"
    told: np.ndarray


def _regression(
    entered: np.ndarray, told: np.ndarray, sentiment: np.ndarray, customer: np.ndarray, min_n: int
) -> Regression:
    columns = np.flatnonzero((_people(entered, customer) >= min_n) & ~entered.all(axis=0))
    return Regression(columns, design(entered[:, columns], sentiment[:, columns]), told)


def expanded(people: np.ndarray) -> np.ndarray:
    """people (T,) -> percentiles (2, T) of resamples that are the ends of a 95 % interval.

    Percentiles are too near where n is small: they take the spread of a sample for that of the population, and a normal
    for a t. So they go out to the probability of sqrt(n / (n - 1)) t (Hesterberg 2015, What Teachers Should Know About the
    Bootstrap, The American Statistician 69, section 4.3), n being those who name the theme. One person: the extremes.
    """
    from scipy.stats import norm, t

    n = np.asarray(people, dtype=float)
    with np.errstate(all="ignore"):
        tail = norm.cdf(np.sqrt(n / (n - 1)) * t.ppf(0.025, n - 1))
    tail = np.nan_to_num(tail, nan=0.0)
    return 100 * np.stack([tail, 1 - tail])


def _resampled(
    of: Answers,
    named: np.ndarray,
    people: np.ndarray,
    regressions: Sequence[Regression],
    rng: np.random.Generator,
    resamples: int,
) -> tuple[Figures, Figures, Figures, np.ndarray]:
    """Figures (T,) of the themes named (N, T) by people (T,), their intervals' ends, and the share of resamples with
    presence's sign.
    """
    from scipy.sparse import csr_array

    naming = csr_array(named.astype(float))
    figures = _figures(of.y, naming, regressions, np.ones(len(of.y)))
    count = int(of.customer.max()) + 1
    drawn = []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(0, count, size=count), minlength=count)[of.customer].astype(float)
        drawn.append(_figures(of.y, naming, regressions, weight))
    low, high = {}, {}
    ends = expanded(people)
    for name in figures:
        stack = np.stack([one[name] for one in drawn])
        low[name], high[name] = np.full((2, named.shape[1]), np.nan)
        for at, values in enumerate(stack.T):
            low[name][at], high[name][at] = percentiles(values, ends[:, at])
        if name == "presence":
            stability = (np.sign(stack) == np.sign(figures[name])).mean(axis=0)
    return figures, low, high, stability


def design(named: np.ndarray, sentiment: np.ndarray) -> "csr_array":
    """named (N, T), sentiment (N, T) -> sparse (N, 1 + 2T): ones, naming, sentiment centred among those who name."""
    from scipy.sparse import csr_array

    responses, themes = named.shape
    row, theme = np.nonzero(named)
    said, counts = sentiment[row, theme], np.bincount(theme, minlength=themes)
    sums = np.bincount(theme, weights=said, minlength=themes)
    usual = np.divide(sums, counts, out=np.zeros(themes), where=counts > 0)
    every = np.arange(responses)
    values = np.concatenate([np.ones(responses), np.ones(len(row)), said - usual[theme]])
    rows = np.concatenate([every, row, row])
    columns = np.concatenate([np.zeros(responses, dtype=np.int64), 1 + theme, 1 + themes + theme])
    return csr_array((values, (rows, columns)), shape=(responses, 1 + 2 * themes))


def _figures(y: np.ndarray, naming: "csr_array", regressions: Sequence[Regression], weight: np.ndarray) -> Figures:
    """y, weight (N,): whole numbers, whose sums are exact (y of a rating may have decimals); naming (N, T) ones and zeros
    -> figures (T,).
    """
    themes = naming.shape[1]
    presence, sentiment = np.full(themes, np.nan), np.full(themes, np.nan)
    for one in regressions:
        coefficients = least_squares(one.x, y, weight)
        is_told = one.told[one.columns]
        told, count = one.columns[is_told], len(one.columns)
        presence[told] = coefficients[1 : 1 + count][is_told]
        sentiment[told] = coefficients[1 + count :][is_told]
    rest = weight.sum() - naming.T @ weight
    others = weight @ y - naming.T @ (weight * y)
    mean_without = np.divide(others, rest, out=np.full(themes, np.nan), where=rest > 0)
    return {"impact": weight @ y / weight.sum() - mean_without, "presence": presence, "sentiment": sentiment}
