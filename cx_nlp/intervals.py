"""95% intervals of shares and means in which a customer with many rows counts as one customer, not as many.

Rows of one customer are alike, so treating them as independent makes intervals too narrow. The variance of a mean
is that of a ratio of sums over customers (Taylor linearisation: Cochran 1977, Sampling Techniques, ch. 9), which needs
six sums and no resampling, and agrees with a bootstrap of customers.
"""

import math
from dataclasses import dataclass

Z = 1.959963984540054  # 97.5th percentile of the normal distribution


@dataclass(frozen=True)
class Sums:
    """Over customers c with total s_c of the value over n_c rows: what SQL can add up."""

    s: float
    n: int
    ss: float
    sn: float
    nn: float
    customers: int


def mean_and_error(sums: Sums) -> tuple[float, float]:
    """-> mean and its standard error; NaN for no rows, and an error of NaN for a single customer."""
    if sums.n == 0:
        return math.nan, math.nan
    mean = sums.s / sums.n
    if sums.customers < 2:
        return mean, math.nan
    squares = max(sums.ss - 2 * mean * sums.sn + mean**2 * sums.nn, 0.0)
    return mean, math.sqrt(squares * sums.customers / (sums.customers - 1)) / sums.n


def mean_interval(sums: Sums, *, low: float, high: float) -> tuple[float, float, float]:
    """-> mean, low, high by the normal approximation, kept within the value's range; NaNs where there is none.

    Rows that are all alike have no variance and yet leave room for others: as many as Wilson's interval allows for a
    share of none among the customers, at the far end of the range. An unbounded range then gives NaNs.
    """
    mean, error = mean_and_error(sums)
    if error != error:
        return mean, math.nan, math.nan
    if error * error <= 1e-15 * mean * mean:
        if not (math.isfinite(low) and math.isfinite(high)):
            return mean, math.nan, math.nan
        unseen = wilson(0.0, sums.customers)[1]
        return mean, mean - unseen * (mean - low), mean + unseen * (high - mean)
    return mean, max(low, mean - Z * error), min(high, mean + Z * error)


def share_interval(sums: Sums) -> tuple[float, float, float]:
    """Of a 0/1 value -> share, low, high: Wilson's score interval (1927) at the effective sample size.

    The effective size is the number of independent rows with the same variance (Kish 1965), at most the rows and at
    least one; where the variance tells nothing (share 0 or 1) it is the number of customers. NaNs for no rows.
    """
    share, error = mean_and_error(sums)
    if sums.n == 0:
        return math.nan, math.nan, math.nan
    inner = 0.0 < share < 1.0 and error == error and error > 0
    size = min(max(share * (1 - share) / error**2, 1.0), float(sums.n)) if inner else float(sums.customers)
    return share, *wilson(share, size)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Score interval of a share seen in n independent rows, n > 0 (Wilson 1927)."""
    z2 = Z * Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    spread = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - spread), min(1.0, centre + spread)
