"""How the mean of an outcome differs between responses with something and those without it, exactly, over the lake.

With s1, n1 (s0, n0) a customer's total and number with (without) it, both means and any difference of theirs are
ratios of sums over customers; the variance by Taylor linearisation (Cochran 1977, Sampling Techniques, ch. 6) then is
a quadratic form in the ten sums of products of these four, which SQL adds up as whole numbers.
"""

import math
from dataclasses import dataclass

import duckdb
import numpy as np

from cx_nlp.intervals import Sums, Z, mean_interval

# A response's outcome as a whole number, and its range; NPS counts as -100, 0 or 100, so that its mean is the NPS.
OUTCOMES = {
    "nps": ("CASE WHEN nps >= 9 THEN 100 WHEN nps <= 6 THEN -100 WHEN nps IS NOT NULL THEN 0 END", -100.0, 100.0),
    "csat": ("csat", 1.0, 5.0),
    "ces": ("ces", 1.0, 7.0),
}
_PARTS = ("s1", "n1", "s0", "n0")
NOTHING = (math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Contrast:
    """totals (4,) of s1, n1, s0, n0 over customers; gram (4, 4) of their products; customers with and in all."""

    totals: np.ndarray
    gram: np.ndarray
    customers_with: int
    customers: int
    low: float
    high: float

    @property
    def n_with(self) -> int:
        return int(self.totals[1])

    @property
    def n(self) -> int:
        return int(self.totals[1] + self.totals[3])

    def mean(self) -> tuple[float, float, float]:
        """Mean with it, low, high; NaNs where nobody has it, or one customer alone (low and high)."""
        s, n = self.totals[:2]
        sums = Sums(s, int(n), self.gram[0, 0], self.gram[0, 1], self.gram[1, 1], self.customers_with)
        return mean_interval(sums, low=self.low, high=self.high)

    def effect(self) -> tuple[float, float, float]:
        """Mean with it less mean without it, low, high; NaNs where one side is empty, or (low, high) both are alike."""
        s1, n1, s0, n0 = self.totals
        if not n1 or not n0:
            return NOTHING
        mean1, mean0 = s1 / n1, s0 / n0
        error = self._error(np.array([1 / n1, -mean1 / n1, -1 / n0, mean0 / n0]))
        return mean1 - mean0, mean1 - mean0 - Z * error, mean1 - mean0 + Z * error

    def z(self) -> float:
        """The effect in standard errors; NaN where it has none."""
        value, low, _ = self.effect()
        return value / (value - low) * Z if value - low > 0 else math.nan

    def _error(self, pull: np.ndarray) -> float:
        squares = float(pull @ self.gram @ pull)
        if self.customers < 2 or squares <= 1e-12 * float(pull**2 @ np.diag(self.gram)):
            return math.nan  # nobody differs from the means: that says nothing about others
        return math.sqrt(squares * self.customers / (self.customers - 1))


def contrast(con: duckdb.DuckDBPyConnection, outcome: str, condition: str, *, where: str = "true") -> Contrast:
    """outcome: one of OUTCOMES; condition, where: SQL of our own over `answer`, never a user's values unescaped."""
    x, low, high = OUTCOMES[outcome]
    sums = [f"coalesce(sum({name}), 0)" for name in _PARTS]
    products = [
        f"coalesce(sum({one}::HUGEINT * {other}::HUGEINT), 0)" for i, one in enumerate(_PARTS) for other in _PARTS[i:]
    ]
    ((*found, with_it, customers),) = con.execute(f"""
        SELECT {", ".join([*sums, *products])}, count(*) FILTER (n1 > 0), count(*) FROM (
            SELECT coalesce(sum(x) FILTER (has), 0) AS s1, count(*) FILTER (has) AS n1,
                   coalesce(sum(x) FILTER (NOT has), 0) AS s0, count(*) FILTER (NOT has) AS n0
            FROM (SELECT customer, {x} AS x, coalesce({condition}, false) AS has FROM answer
                  WHERE role = 'customer' AND ({where}))
            WHERE x IS NOT NULL GROUP BY customer)""").fetchall()
    gram = np.zeros((4, 4))
    gram[np.triu_indices(4)] = [float(value) for value in found[4:]]
    gram += np.triu(gram, 1).T
    return Contrast(np.array([float(value) for value in found[:4]]), gram, with_it, customers, low, high)


def contrast_of(y: np.ndarray, has: np.ndarray, customer: np.ndarray, *, low: float, high: float) -> Contrast:
    """The same from rows in memory: y (N,) in low..high without NaN, has (N,) bool, customer (N,) numbers from 0."""
    y, has = np.asarray(y, dtype=float), np.asarray(has, dtype=bool)
    columns = (y * has, has.astype(float), y * ~has, (~has).astype(float))
    parts = np.column_stack([np.bincount(customer, weights=column) for column in columns])  # (customers, 4)
    there = int(((parts[:, 1] + parts[:, 3]) > 0).sum())
    return Contrast(parts.sum(axis=0), parts.T @ parts, int((parts[:, 1] > 0).sum()), there, low, high)
