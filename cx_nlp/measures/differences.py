"""How means and shares differ between two sets of rows that may hold the same customers, for many groups at once.

Rows of set 1 ("now") and of set 0 ("before"). With a customer's totals s1, s0 and numbers of rows n1, n0 everything that
follows needs the sums of these four over customers, and of their ten products; SQL adds them up as whole numbers.
`compare` turns them into figures:

    error      of a difference of ratios, by Taylor linearisation over customers (Cochran 1977, Sampling Techniques, ch. 6)
    interval   of a mean's difference: normal. Of a share's: MOVER, the square-and-add of both Wilson intervals at their
               effective sizes (Newcombe 1998, Statistics in Medicine 17, method 10; with the correlation of the two
               sets: Zou 2007, Psychological Methods 12)
    p          of a mean: normal. Of a share: Fisher's exact test, mid-p (Lancaster 1961), as a share of few is far from
               normal; its counts are divided by how much less customers tell than rows would (Rao & Scott 1992,
               Biometrics 48)
"""

import math
from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Sums, Z, mean_interval, share_interval
from cx_nlp.measures.statistics import two_sided

PARTS = ("s1", "n1", "s0", "n0")
PRODUCTS = tuple(f"{one}{other}" for i, one in enumerate(PARTS) for other in PARTS[i:])
COLUMNS = (*PARTS, *PRODUCTS, "c1", "c0", "customers")


def of_values(con: duckdb.DuckDBPyConnection, rows: str, *, x: str, keys: Sequence[str] = ()) -> pd.DataFrame:
    """-> a row for each group: keys, COLUMNS. Rows whose x is null do not count; groups come in order.

    rows: SQL to stand after FROM, with keys, customer, is_now (flag) and whatever x reads; x: SQL, a whole number.
    """
    by = "".join(f"{key}, " for key in keys)
    return con.execute(f"""
        SELECT {by}{_outer()} FROM (
            SELECT {by}customer, coalesce(sum(x) FILTER (is_now), 0) AS s1, count(*) FILTER (is_now) AS n1,
                   coalesce(sum(x) FILTER (NOT is_now), 0) AS s0, count(*) FILTER (NOT is_now) AS n0
            FROM (SELECT {by}customer, is_now, ({x})::BIGINT AS x FROM {rows}) WHERE x IS NOT NULL
            GROUP BY {by}customer)
        {_order(keys)}""").df()


def of_terms(con: duckdb.DuckDBPyConnection, units: str, named: str, *, keys: Sequence[str] = ()) -> pd.DataFrame:
    """-> a row for each group and term that occurs in it: keys, term, COLUMNS; its units are all of the group's.

    people1: customers of set 1 who name the term.

    units: SQL to stand after FROM, with keys, customer and is_now, a row each; named: the same with a `term` besides, a
    row for each term that a unit names, at most once.
    """
    by = "".join(f"{key}, " for key in keys)
    own = "".join(f"coalesce(t.{key}, '') = coalesce(u.{key}, '') AND " for key in keys)
    groups = con.execute(f"""
        SELECT {by}{_outer()} FROM (SELECT {by}customer, 0 AS s1, count(*) FILTER (is_now) AS n1, 0 AS s0,
            count(*) FILTER (NOT is_now) AS n0 FROM {units} GROUP BY {by}customer) {_order(keys)}""").df()
    found = con.execute(f"""
        SELECT {"".join(f"t.{key}, " for key in keys)}t.term, count(*) FILTER (s1 > 0) AS people1, {_outer()} FROM (
            SELECT {by}term, customer, count(*) FILTER (is_now) AS s1, count(*) FILTER (NOT is_now) AS s0
            FROM {named} GROUP BY {by}term, customer) AS t
        JOIN (SELECT {by}customer, count(*) FILTER (is_now) AS n1, count(*) FILTER (NOT is_now) AS n0
              FROM {units} GROUP BY {by}customer) AS u ON {own}t.customer = u.customer
        {_order([*(f"t.{key}" for key in keys), "t.term"])}""").df()
    # What speaks of all units is the group's, whoever names the term.
    whole = ["n1", "n0", "n1n1", "n1n0", "n0n0", "c1", "c0", "customers"]
    if keys:
        return found.drop(columns=whole).merge(groups[[*keys, *whole]], on=list(keys), how="left")
    return found.drop(columns=whole).assign(**{name: groups[name].iloc[0] for name in whole})


def _outer() -> str:
    sums = [f"coalesce(sum({name}), 0)::DOUBLE AS {name}" for name in PARTS]
    pairs = [(one, other) for i, one in enumerate(PARTS) for other in PARTS[i:]]
    sums += [f"coalesce(sum({a}::HUGEINT * {b}::HUGEINT), 0)::DOUBLE AS {a}{b}" for a, b in pairs]
    counts = "count(*) FILTER (n1 > 0) AS c1, count(*) FILTER (n0 > 0) AS c0, count(*) AS customers"
    return f"{', '.join(sums)}, {counts}"


def _order(keys: Sequence[str]) -> str:
    listed = ", ".join(keys)
    return f"GROUP BY {listed} ORDER BY {listed}" if keys else ""


def compare(
    sums: pd.DataFrame, *, per: float = 1.0, low: float = 0.0, high: float = 1.0, is_share: bool = False, min_n: int = 1
) -> pd.DataFrame:
    """sums (K, COLUMNS), x in steps of 1 / per within low..high -> a row each, in the same order.

    value, low, high of now; before, before_low, before_high; difference with its ends; p; n, n_before, n_customers (of
    now), suppressed (fewer than min_n rows in either set: then all figures are NaN). p is NaN where nobody differs.
    """
    rows = [
        _one(dict(zip(COLUMNS, map(float, one), strict=True)), per, low, high, is_share, min_n)
        for one in sums[list(COLUMNS)].itertuples(index=False)
    ]
    return pd.DataFrame(rows, columns=OUT, index=sums.index)


OUT = (
    "value", "low", "high", "before", "before_low", "before_high", "difference", "difference_low", "difference_high", "p",
    "n", "n_before", "n_customers", "suppressed",
)  # fmt: skip


def _one(
    g: Mapping[str, float], per: float, low: float, high: float, is_share: bool, min_n: int
) -> tuple[float | int | bool, ...]:
    n1, n0 = int(g["n1"]), int(g["n0"])
    counts = (n1, n0, int(g["c1"]))
    if min(n1, n0) < max(min_n, 1):
        return (*[math.nan] * 10, *counts, True)
    ends = []
    for i in ("1", "0"):
        s, n = f"s{i}", f"n{i}"
        one = Sums(g[s] / per, int(g[n]), g[s + s] / per**2, g[s + n] / per, g[n + n], int(g[f"c{i}"]))
        ends.append(share_interval(one) if is_share else mean_interval(one, low=low, high=high))
    now, before = ends
    mean1, mean0 = g["s1"] / n1, g["s0"] / n0
    if is_share:
        difference = mover(now, before, correlation=_correlation(g, mean1, mean0))
        p = _share_p(g)
    else:
        value, error = (mean1 - mean0) / per, math.sqrt(_quadratic(g, mean1, mean0)) / per
        known = error > 1e-9 * max(abs(value), 1e-9)
        difference = (value, value - Z * error, value + Z * error) if known else (value, math.nan, math.nan)
        p = float(two_sided(np.array([value / error]))[0]) if known else math.nan
    return (*now, *before, *difference, p, *counts, False)


def _quadratic(g: Mapping[str, float], mean1: float, mean0: float, *, cross: bool = False) -> float:
    """Variance of mean1 - mean0 over customers, or (cross) the part of it that is -2 times their covariance."""
    pull = {"s1": 1 / g["n1"], "n1": -mean1 / g["n1"], "s0": -1 / g["n0"], "n0": mean0 / g["n0"]}
    total = 0.0
    for i, one in enumerate(PARTS):
        for other in PARTS[i:]:
            if not cross or one[1] != other[1]:
                total += (1 if one == other else 2) * pull[one] * pull[other] * g[one + other]
    customers = g["customers"]
    return (total if cross else max(total, 0.0)) * customers / max(customers - 1, 1)


def _correlation(g: Mapping[str, float], mean1: float, mean0: float) -> float:
    """Of the two means; 0 where no customer is in both sets."""
    size = 2 * math.sqrt(max(_own(g, "1", mean1), 0.0) * max(_own(g, "0", mean0), 0.0))
    return min(max(-_quadratic(g, mean1, mean0, cross=True) / size, -1.0), 1.0) if size > 1e-15 else 0.0


def _own(g: Mapping[str, float], i: str, mean: float) -> float:
    s, n = f"s{i}", f"n{i}"
    scale = g["customers"] / max(g["customers"] - 1, 1)
    return scale * (g[s + s] - 2 * mean * g[s + n] + mean**2 * g[n + n]) / g[n] ** 2


def mover(
    one: tuple[float, float, float], other: tuple[float, float, float], *, correlation: float = 0.0
) -> tuple[float, float, float]:
    """Value, low, high of two figures -> one less the other with its interval (MOVER, see above).

    A figure that is taken as known has its ends at itself. NaN ends where an end is NaN.
    """
    (a, a_low, a_high), (b, b_low, b_high) = one, other
    down, up = (a - a_low, b_high - b), (a_high - a, b - b_low)
    low, high = (
        math.sqrt(max(x * x + y * y - 2 * correlation * x * y, 0.0)) if x == x and y == y else math.nan
        for x, y in (down, up)
    )
    return a - b, a - b - low, a - b + high


def _share_p(g: Mapping[str, float]) -> float:
    effective = effective_counts(g)
    return exact_p(*map(round, effective)) if effective else math.nan


def effective_counts(g: Mapping[str, float]) -> tuple[float, ...] | None:
    """s1, n1, s0, n0 of a share, all divided by the design effect of their difference, which is 1 at least.

    None where both shares are 0 or 1, which tells of no effect.
    """
    if not 0 < g["s1"] + g["s0"] < g["n1"] + g["n0"]:
        return None
    mean1, mean0 = g["s1"] / g["n1"], g["s0"] / g["n0"]
    alone = mean1 * (1 - mean1) / g["n1"] + mean0 * (1 - mean0) / g["n0"]
    clustered = _quadratic(g, mean1, mean0) * max(g["customers"] - 1, 1) / g["customers"]
    # Where one share is 0 and the other 1, only the number of customers tells how much rows are worth.
    effect = clustered / alone if alone > 0 else (g["n1"] + g["n0"]) / g["customers"]
    return tuple(g[name] / max(effect, 1.0) for name in PARTS)


def exact_p(s1: int, n1: int, s0: int, n0: int) -> float:
    """Of s1 of n1 against s0 of n0: twice the smaller tail of the hypergeometric distribution, mid-p, at most 1."""
    s1, s0 = min(s1, n1), min(s0, n0)
    hits, total = s1 + s0, n1 + n0
    first, last = max(0, hits - n0), min(hits, n1)
    if first == last:
        return 1.0

    def chance(k: int) -> float:
        return math.exp(_choose(n1, k) + _choose(n0, hits - k) - _choose(total, hits))

    here = chance(s1)
    # The shorter way to an end; the other tail is what is left.
    if s1 - first < last - s1:
        lower = math.fsum(chance(k) for k in range(first, s1))
        upper = max(1.0 - lower - here, 0.0)
    else:
        upper = math.fsum(chance(k) for k in range(s1 + 1, last + 1))
        lower = max(1.0 - upper - here, 0.0)
    return min(1.0, 2 * (min(lower, upper) + here / 2))


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
