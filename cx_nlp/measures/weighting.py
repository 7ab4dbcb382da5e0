"""Sampling honesty: those who comment weighted to all who rated, and customers to their known shares.

Three schemes, each beside the raw figures, with Kish's effective n. `commenters`: a response with a comment stands for
all that rated alike at its touchpoint (inverse probability of commenting, by rating group within touchpoint: Horvitz &
Thompson 1952). `known_shares`: post-stratification (Holt & Smith 1979). `both`: the first, then the second. Weights
are taken as known, which makes intervals a little wide for figures that go with the cells. No weighting can hear the
silent: those who neither rated nor wrote stay unknown.
"""

import math
from collections.abc import Iterator, Mapping

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Z
from cx_nlp.measures.relations import SCORE
from cx_nlp.measures.statistics import kish, weighted_mean

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


def weighted(
    con: duckdb.DuckDBPyConnection, *, known_shares: Mapping[str, Mapping[str, float]], min_n: int
) -> pd.DataFrame:
    """Columns of `weighted` but for as_of and run_id. No customers, no rows; without known shares one scheme.

    `commenters` speaks of responses with a scored comment and a rating; `known_shares` of all responses.
    """
    group = f"coalesce({', '.join(_RATED.values())}, -1)"
    values = ", ".join(f"({x})::DOUBLE AS m_{name}" for name, (x, _, _) in _MEASURES.items())
    rows = con.execute(f"""
        SELECT customer, said IS NOT NULL AS commented, {group}::INT AS rated, touchpoint, channel, segment, {values}
        FROM answer WHERE role = 'customer' ORDER BY nr""").fetchnumpy()
    if not len(rows["customer"]):
        return pd.DataFrame()
    data = {
        name: np.ma.filled(column, np.nan) if column.dtype.kind == "f" else np.asarray(column)
        for name, column in rows.items()
    }
    cells = _codes(data["rated"]) * 1_000_003 + _codes(data["touchpoint"])
    speaks = data["commented"] & (data["rated"] >= 0)
    known = {split: (data[split].astype(str), shares) for split, shares in known_shares.items()}
    schemes = {"commenters": (speaks, to_raters(cells, speaks, data["rated"]))}
    if known:
        everybody = np.ones(len(cells), dtype=bool)
        schemes["known_shares"] = everybody, rake(everybody.astype(float), known)
        schemes["both"] = speaks, rake(schemes["commenters"][1], known)
    return pd.DataFrame([row for name, (who, w) in schemes.items() for row in _compared(name, who, w, data, min_n)])


def _codes(values: np.ndarray) -> np.ndarray:
    return np.unique(values.astype(str), return_inverse=True)[1]


def to_raters(cells: np.ndarray, speaks: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """cells (N,) ints, speaks (N,) bool, coarse (N,) ints of wider cells -> weights (N,), 0 for the silent.

    A cell's weight is its responses over those with a comment. Where nobody in a cell commented, its raters are shared
    out over the wider cell, and are left out where nobody commented there either. Only raters (coarse >= 0) count.
    """
    index = np.unique(cells, return_inverse=True)[1]
    rater = coarse >= 0
    total, spoken = (np.bincount(index, weights=mask.astype(float)) for mask in (rater, speaks))
    weight = np.where(speaks, (total / np.where(spoken > 0, spoken, 1.0))[index], 0.0)
    for group in np.unique(coarse[rater]):
        inside = rater & (coarse == group)
        orphans = float((inside & (spoken[index] == 0)).sum())
        held = weight[inside].sum()
        if orphans and held:
            weight[inside] *= (held + orphans) / held
    return weight


def rake(
    weight: np.ndarray, known: Mapping[str, tuple[np.ndarray, Mapping[str, float]]], *, rounds: int = 50
) -> np.ndarray:
    """weight (N,), known: split -> (values (N,), share of each) -> weights (N,) whose shares are the known ones.

    One split is post-stratification and exact at once; several are taken in turn until all hold (Deming & Stephan
    1940). Rows whose value has no known share keep their weight; shares are of the others. A known value that no row
    has is left out, as nobody can speak for it.
    """
    weight = weight.copy()
    for _ in range(rounds if len(known) > 1 else 1):
        before = weight.copy()
        for values, shares in known.values():
            masks = {name: values == name for name in shares}
            held = {name: weight[mask].sum() for name, mask in masks.items() if weight[mask].sum() > 0}
            total, whole = sum(held.values()), sum(shares[name] for name in held)
            for name, sum_of in held.items():
                weight[masks[name]] *= shares[name] / whole * total / sum_of
        if np.allclose(weight, before, rtol=1e-9):
            break
    return weight


def _compared(
    scheme: str, who: np.ndarray, weight: np.ndarray, data: Mapping[str, np.ndarray], min_n: int
) -> Iterator[dict[str, object]]:
    for name, (_, low, high) in _MEASURES.items():
        rows = who & ~np.isnan(data[f"m_{name}"]) & (weight > 0)
        y, w, customer = data[f"m_{name}"][rows], weight[rows], data["customer"][rows]
        shown = len(y) >= min_n
        row: dict[str, object] = {
            "scheme": scheme, "measure": name, "n": len(y), "n_customers": len(np.unique(customer)),
            "n_effective": kish(w), "suppressed": not shown,
        }  # fmt: skip
        for column, weights in (("raw", np.ones(len(y))), ("weighted", w)):
            mean, error = weighted_mean(y, weights, customer) if shown else (math.nan, math.nan)
            row |= {column: mean, f"{column}_low": max(low, mean - Z * error) if error > 0 else math.nan}
            row[f"{column}_high"] = min(high, mean + Z * error) if error > 0 else math.nan
        yield row
