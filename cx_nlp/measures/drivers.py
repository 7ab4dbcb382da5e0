"""Drivers: which themes go with NPS, CSAT and CES. Association, not cause: who is angry names more themes.

Two figures a theme, both of the outcome as it was rated and never of the text's own sentiment, which would be
circular. `impact`, leave one theme out: the mean of all responses less the mean without those that name the theme; it
is small for a rare theme. The regression is ordinary least squares of the outcome on all themes together, one column
for naming a theme and one for its sentiment there, centred among those who name it: `presence` is naming it at its
usual sentiment, all other themes alike. Intervals are percentiles over resampled customers (Efron 1979; customers
whole, as in Cameron, Gelbach & Miller 2008).
"""

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.measures.answers import Answers, answers
from cx_nlp.measures.contrasts import OUTCOMES
from cx_nlp.measures.statistics import least_squares

RESAMPLES = 400
SMALL = 50  # customers naming a theme below which its row carries a caution
STABLE = 0.9  # share of resamples that must keep the sign
ROWS_A_COLUMN = 10  # responses a column of the regression should have (Harrell 2015, Regression Modeling Strategies)
Figures = dict[str, np.ndarray]


def drivers(
    con: duckdb.DuckDBPyConnection, *, min_n: int, rng: np.random.Generator, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Columns of `drivers` but for as_of and run_id: a row for each outcome and theme that anybody names."""
    return pd.DataFrame(
        [row for name in OUTCOMES for row in _rows(answers(con, name, min_n=1), name, min_n, rng, resamples)]
    )


def _rows(
    of: Answers, outcome: str, min_n: int, rng: np.random.Generator, resamples: int
) -> Iterator[dict[str, object]]:
    people = np.array([len(np.unique(of.customer[of.named[:, t]])) for t in range(len(of.themes))], dtype=int)
    kept = np.flatnonzero((people >= min_n) & ~of.named.all(axis=0))
    figures, low, high, stability = (
        _resampled(of, kept, rng, resamples) if len(of.y) >= min_n else ({}, {}, {}, np.empty(0))
    )
    crowded = len(of.y) < ROWS_A_COLUMN * (1 + 2 * len(kept))
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
            checks = (("small_n", people[t] < SMALL), ("many_themes", crowded), ("unstable", stability[at] < STABLE))
            cautions = [name for name, is_so in checks if is_so]
            row["caution"] = "|".join(cautions) or None
        yield row


def _resampled(
    of: Answers, kept: np.ndarray, rng: np.random.Generator, resamples: int
) -> tuple[Figures, Figures, Figures, np.ndarray]:
    """Figures (T,) of the kept themes, their intervals' ends, and the share of resamples with presence's sign."""
    named, x = of.named[:, kept], design(of.named[:, kept], of.sentiment[:, kept])
    figures = _figures(of.y, named, x, np.ones(len(of.y)))
    count = int(of.customer.max()) + 1
    drawn = []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(0, count, size=count), minlength=count)[of.customer].astype(float)
        drawn.append(_figures(of.y, named, x, weight))
    low, high = {}, {}
    for name in figures:
        stack = np.stack([one[name] for one in drawn])
        with np.errstate(all="ignore"):
            low[name], high[name] = np.nanpercentile(stack, [2.5, 97.5], axis=0) if len(kept) else (np.empty(0),) * 2
        if name == "presence":
            stability = (np.sign(stack) == np.sign(figures[name])).mean(axis=0)
    return figures, low, high, stability


def design(named: np.ndarray, sentiment: np.ndarray) -> np.ndarray:
    """named (N, T), sentiment (N, T) -> (N, 1 + 2T): ones, naming, sentiment centred among those who name."""
    counts = named.sum(axis=0)
    usual = np.divide((sentiment * named).sum(axis=0), counts, out=np.zeros(len(counts)), where=counts > 0)
    return np.column_stack([np.ones(len(named)), named.astype(float), named * (sentiment - usual)])


def _figures(y: np.ndarray, named: np.ndarray, x: np.ndarray, weight: np.ndarray) -> Figures:
    themes = named.shape[1]
    coefficients = least_squares(x, y, weight)
    without = ~named
    rest = weight @ without
    mean_without = np.divide((weight * y) @ without, rest, out=np.full(themes, np.nan), where=rest > 0)
    return {
        "impact": weight @ y / weight.sum() - mean_without,
        "presence": coefficients[1 : 1 + themes],
        "sentiment": coefficients[1 + themes :],
    }
