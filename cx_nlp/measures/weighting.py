"""Sampling honesty: those who comment weighted to all who rated, and customers to their known shares.

Three schemes, each beside the raw figures, with Kish's effective n. `commenters`: a response with a comment stands for
all that rated alike at its touchpoint (inverse probability of commenting, by rating group within touchpoint: Horvitz &
Thompson 1952). `known_shares`: post-stratification (Holt & Smith 1979). `both`: the first, then the second. In the intervals of
raw and weighted figures weights are taken as known, which makes them a little wide for figures that go with the cells.
Both figures are of the same people, so their difference is far surer than either: its interval draws customers anew
(percentiles, Efron 1979), those who did not comment too, and each draw has its own weights. No weighting can hear the
silent: those who neither rated nor wrote stay unknown.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Z
from cx_nlp.measures.relations import SCORE
from cx_nlp.measures.statistics import kish, percentiles, weighted_mean

RESAMPLES = 400
ALIKE = 1e-9  # beyond lies what the order of additions does to a sum
GROUPS = 500  # to draw: customers up to here, above it random groups of them, whose spread is that of the customers
_RATED = {  # how a rating groups its raters; the first that a response has
    "nps": "CASE WHEN nps >= 9 THEN 2 WHEN nps >= 7 THEN 1 WHEN nps IS NOT NULL THEN 0 END",
    "csat": "CASE WHEN csat >= 4 THEN 12 WHEN csat = 3 THEN 11 WHEN csat IS NOT NULL THEN 10 END",
    "ces": "CASE WHEN ces >= 6 THEN 22 WHEN ces >= 4 THEN 21 WHEN ces IS NOT NULL THEN 20 END",
}
# Measure: its value of a response as SQL, range, and whether it is about what was said.
_MEASURES = {
    "nps": ("CASE WHEN nps >= 9 THEN 100 WHEN nps <= 6 THEN -100 WHEN nps IS NOT NULL THEN 0 END", -100, 100),
    "promoters": ("CASE WHEN nps IS NOT NULL THEN (nps >= 9)::INT END", 0, 1),
    "passives": ("CASE WHEN nps IS NOT NULL THEN (nps BETWEEN 7 AND 8)::INT END", 0, 1),
    "detractors": ("CASE WHEN nps IS NOT NULL THEN (nps <= 6)::INT END", 0, 1),
    "csat": ("csat", 1, 5),
    "ces": ("ces", 1, 7),
    **{name: (f"(said = '{name}')::INT", 0, 1) for name in ("negative", "neutral", "positive", "mixed")},
    "emotional": ("CASE WHEN said IS NOT NULL THEN emotional::INT END", 0, 1),
    "sentiment": (f"CASE WHEN said IS NOT NULL THEN sentiment::DOUBLE / {SCORE} END", -1, 1),
}


@dataclass(frozen=True)
class Strata:
    """The S kinds of responses that weights tell apart: cells, speaks, rated (S,), and known split -> (values (S,), shares)."""

    cells: np.ndarray
    speaks: np.ndarray
    rated: np.ndarray
    known: Mapping[str, tuple[np.ndarray, Mapping[str, float]]]

    def weights(self, scheme: str, count: np.ndarray) -> np.ndarray:
        """count (S,) of responses -> the weight of one of each kind (S,)."""
        if scheme == "known_shares":
            return rake(np.ones(len(count)), self.known, count=count)
        weight = to_raters(self.cells, self.speaks, self.rated, count=count)
        return rake(weight, self.known, count=count) if scheme == "both" else weight


def weighted(
    con: duckdb.DuckDBPyConnection,
    *,
    known_shares: Mapping[str, Mapping[str, float]],
    min_n: int,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Columns of `weighted` but for as_of and run_id. No customers, no rows; without known shares one scheme.

    `commenters` speaks of responses with a scored comment and a rating; `known_shares` of all responses.
    """
    group = f"coalesce({', '.join(_RATED.values())}, -1)"
    # Numbers in place of names, which would be a million objects each.
    numbered = ", ".join(
        f"(dense_rank() OVER (ORDER BY {name}))::INT - 1 AS {name}"
        for name in dict.fromkeys(("customer", "touchpoint", *known_shares))
    )
    of = {
        name: np.asarray(column)
        for name, column in con.execute(f"""
            SELECT {numbered}, said IS NOT NULL AS commented, {group}::INT AS rated
            FROM answer WHERE role = 'customer' ORDER BY nr""").fetchnumpy().items()
    }  # fmt: skip
    customer = of["customer"]
    if not len(customer):
        return pd.DataFrame()
    cells = _together(of["rated"], of["touchpoint"])
    speaks = of["commented"] & (of["rated"] >= 0)
    stratum = _together(cells, speaks, *(of[split] for split in known_shares))
    first = np.unique(stratum, return_index=True)[1]
    strata = Strata(
        cells[first], speaks[first], of["rated"][first],
        {split: (_names(con, split)[of[split][first]], shares) for split, shares in known_shares.items()},
    )  # fmt: skip
    groups = min(int(customer.max()) + 1, GROUPS)
    drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples).astype(float)
    draws = _Draws(drawn, customer % groups, stratum, len(first))  # keys are hashes: the remainder is as good as by lot
    return pd.DataFrame(_compared(con, strata, draws, customer, min_n))


def _names(con: duckdb.DuckDBPyConnection, split: str) -> np.ndarray:
    """The values of a split among customers, in order: what `dense_rank` numbers."""
    found = con.execute(f"SELECT DISTINCT {split} FROM answer WHERE role = 'customer' ORDER BY 1").fetchall()
    return np.array([name for (name,) in found], dtype=str)


def _values(con: duckdb.DuckDBPyConnection, x: str) -> np.ndarray:
    """A measure of each response (N,), NaN where it has none."""
    (column,) = (
        con.execute(f"SELECT ({x})::DOUBLE FROM answer WHERE role = 'customer' ORDER BY nr").fetchnumpy().values()
    )
    return np.ma.filled(column, np.nan)


def _together(*columns: np.ndarray) -> np.ndarray:
    """columns of (N,) -> (N,) numbers from 0, one for each combination that occurs."""
    index = np.zeros(len(columns[0]), dtype=np.int64)
    for values in columns:
        code = np.unique(values, return_inverse=True)[1]
        index = np.unique(index * (int(code.max()) + 1) + code, return_inverse=True)[1]
    return index


@dataclass(frozen=True)
class _Draws:
    """times (R, G): how often each draw has each group of customers; group, stratum (N,) of the responses; S strata."""

    times: np.ndarray
    group: np.ndarray
    stratum: np.ndarray
    strata: int

    def sums(self, values: np.ndarray) -> np.ndarray:
        """values (N,) -> their sums in each draw by stratum (R, S)."""
        groups = self.times.shape[1]
        at = self.group * self.strata + self.stratum
        return self.times @ np.bincount(at, weights=values, minlength=groups * self.strata).reshape(groups, -1)


def to_raters(
    cells: np.ndarray, speaks: np.ndarray, coarse: np.ndarray, *, count: np.ndarray | None = None
) -> np.ndarray:
    """cells (N,) ints, speaks (N,) bool, coarse (N,) ints of wider cells -> weights (N,), 0 for the silent.

    A cell's weight is its responses over those with a comment. Where nobody in a cell commented, its raters are shared
    out over the wider cell, and are left out where nobody commented there either. Only raters (coarse >= 0) count.
    count (N,): how many responses each row stands for, else one.
    """
    count = np.ones(len(cells)) if count is None else count
    index = np.unique(cells, return_inverse=True)[1]
    rater = coarse >= 0
    total, spoken = (np.bincount(index, weights=mask * count) for mask in (rater, speaks))
    weight = np.where(speaks, (total / np.where(spoken > 0, spoken, 1.0))[index], 0.0)
    for group in np.unique(coarse[rater]):
        inside = rater & (coarse == group)
        orphans = count[inside & (spoken[index] == 0)].sum()
        held = (weight * count)[inside].sum()
        if orphans and held:
            weight[inside] *= (held + orphans) / held
    return weight


def rake(
    weight: np.ndarray,
    known: Mapping[str, tuple[np.ndarray, Mapping[str, float]]],
    *,
    count: np.ndarray | None = None,
    rounds: int = 50,
) -> np.ndarray:
    """weight (N,), known: split -> (values (N,), share of each) -> weights (N,) whose shares are the known ones.

    One split is post-stratification and exact at once; several are taken in turn until all hold (Deming & Stephan
    1940). Rows whose value has no known share keep their weight; shares are of the others. A known value that no row
    has is left out, as nobody can speak for it. count (N,): how many responses each row stands for, else one.
    """
    weight = weight.copy()
    count = np.ones(len(weight)) if count is None else count
    splits = [[(share, values == name) for name, share in shares.items()] for values, shares in known.values()]
    for _ in range(rounds if len(known) > 1 else 1):
        before = weight.copy()
        for parts in splits:
            sums = [(share, mask, (weight * count)[mask].sum()) for share, mask in parts]
            held = [part for part in sums if part[2] > 0]
            total, whole = sum(part[2] for part in held), sum(part[0] for part in held)
            for share, mask, sum_of in held:
                weight[mask] *= share / whole * total / sum_of
        if np.allclose(weight, before, rtol=1e-9):
            break
    return weight


def _compared(
    con: duckdb.DuckDBPyConnection, of: Strata, draws: _Draws, whose: np.ndarray, min_n: int
) -> Iterator[dict[str, object]]:
    stratum = draws.stratum
    count = np.bincount(stratum, minlength=draws.strata).astype(float)
    counts = draws.sums(np.ones(len(stratum)))
    schemes = ("commenters", "known_shares", "both") if of.known else ("commenters",)
    weights = {scheme: of.weights(scheme, count) for scheme in schemes}
    drawn = {scheme: np.stack([of.weights(scheme, one) for one in counts]) for scheme in schemes}  # (R, S)
    for name, (x, low, high) in _MEASURES.items():
        value = _values(con, x)  # one at a time: a million responses have twelve of them
        known = ~np.isnan(value)
        sums = draws.sums(np.where(known, value, 0.0)), draws.sums(known)
        for scheme, weight in weights.items():
            rows = known & (weight[stratum] > 0)
            y, w, customer = value[rows], weight[stratum[rows]], whose[rows]
            shown = len(y) >= min_n
            row: dict[str, object] = {
                "scheme": scheme, "measure": name, "n": len(y), "n_customers": len(np.unique(customer)),
                "n_effective": kish(w), "suppressed": not shown,
            }  # fmt: skip
            for column, by in (("raw", np.ones(len(y))), ("weighted", w)):
                mean, error = weighted_mean(y, by, customer) if shown else (math.nan, math.nan)
                row |= {column: mean, f"{column}_low": max(low, mean - Z * error) if error > 0 else math.nan}
                row[f"{column}_high"] = min(high, mean + Z * error) if error > 0 else math.nan
            if shown:
                row["difference"] = row["weighted"] - row["raw"]  # type: ignore[operator]
                row["difference_low"], row["difference_high"] = _ends(*sums, drawn[scheme], weight > 0)
            yield row


def _ends(total: np.ndarray, n: np.ndarray, weight: np.ndarray, who: np.ndarray) -> tuple[float, float]:
    """Sums and numbers of values in each draw (R, S), their weights (R, S), strata that count (S,) -> the interval.

    Of the weighted mean less the raw one; NaNs where all draws give the same, which says nothing about other customers.
    """
    means = []
    for by in (weight, np.broadcast_to(who, weight.shape)):
        whole = (n * by).sum(axis=1)
        means.append(np.divide((total * by).sum(axis=1), whole, out=np.full(len(whole), np.nan), where=whole > 0))
    difference = means[0] - means[1]
    difference = difference[~np.isnan(difference)]
    if not len(difference) or np.ptp(difference) < ALIKE:
        return math.nan, math.nan
    low, high = percentiles(difference, [2.5, 97.5])
    return float(low), float(high)
