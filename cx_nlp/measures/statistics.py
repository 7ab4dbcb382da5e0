"""The formulas behind the measures that are not intervals (those are in `cx_nlp.intervals`). Pure numpy, and matrices
that may be sparse.

K terms, N rows, P columns of a regression.
"""

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

ALIKE = 1e-10  # of the largest sum of squares: a column whose rest is smaller follows from others


def log_odds(
    counts: np.ndarray, n: float, against: np.ndarray, n_against: float, *, strength: float = 10.0
) -> tuple[np.ndarray, np.ndarray]:
    """Terms that n and n_against customers name, each at most once -> log-odds ratios (K,) and their z (K,).

    counts, against (K,): customers of either group that name each term. With a Dirichlet prior of the share in both
    groups together, which shrinks towards no difference (Monroe, Colaresi & Quinn 2008, Fightin' Words, Political
    Analysis 16: log-odds ratio with informative Dirichlet prior); it is worth `strength` customers, one at least of
    whom names the term, so that rare terms are held back most. Words are rare, themes are not: the variance keeps all
    four of its terms (Woolf 1955) where they drop two. NaN where nobody names a term, or everybody, or a group is empty.
    """
    counts, against = np.asarray(counts, dtype=float), np.asarray(against, dtype=float)
    if min(n, n_against) <= 0:
        return np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    share = (counts + against) / (n + n_against)
    share = np.where((share > 0) & (share < 1), share, np.nan)
    prior = np.maximum(strength * share, min(1.0, strength))
    cells = []
    for named, total in ((counts, n), (against, n_against)):
        cells += [named + prior, total - named + strength * (1 - share)]
    delta = np.log(cells[0] / cells[1]) - np.log(cells[2] / cells[3])
    return delta, delta / np.sqrt(sum(1 / cell for cell in cells))


def two_sided(z: np.ndarray) -> np.ndarray:
    """Probability under the normal distribution of a |z| at least as large, in [0, 1]; NaN stays NaN."""
    return np.array([math.erfc(abs(one) / math.sqrt(2)) if one == one else math.nan for one in np.asarray(z)])


def false_discovery(p: np.ndarray) -> np.ndarray:
    """p (K,) -> q (K,): the smallest false discovery rate at which each is found (Benjamini & Hochberg 1995).

    NaN stays NaN and counts as no test.
    """
    p = np.asarray(p, dtype=float)
    q = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    if not len(tested):
        return q
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def least_squares(x: "np.ndarray | csr_array", y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """x (N, P), sparse or not, y (N,), weight (N,) of at least 0 -> coefficients (P,); the shortest where several fit alike.

    Columns of a rare theme may vanish in a resample: then its coefficient is 0 instead of an error.
    """
    w = np.ones(len(y)) if weight is None else weight
    weighted = x * w[:, None] if isinstance(x, np.ndarray) else x.multiply(w[:, None]).tocsr()
    return shortest(_dense(weighted.T @ x), x.T @ (w * y))


def shortest(products: np.ndarray, right: np.ndarray) -> np.ndarray:
    """products (P, P), positive semidefinite, right (P,) in its range -> the shortest solution (P,).

    By Cholesky with pivots (LAPACK's pstrf), which finds the columns that follow from others and takes a tenth of the
    pseudoinverse's time; what these leave open is taken off the solution that gives them 0.
    """
    from scipy.linalg import solve_triangular
    from scipy.linalg.lapack import dpstrf

    factor, order, rank, _ = dpstrf(
        products, tol=ALIKE * max(products.diagonal().max(initial=0.0), np.finfo(float).tiny)
    )
    order, upper = order - 1, factor[:rank, :rank]
    found = np.zeros(len(right))
    found[:rank] = solve_triangular(upper, solve_triangular(upper, right[order[:rank]], trans="T"))
    if rank < len(right):
        follows = solve_triangular(upper, factor[:rank, rank:])
        free = np.vstack([-follows, np.eye(len(right) - rank)])  # what changes no product
        found -= free @ np.linalg.solve(free.T @ free, free.T @ found)
    placed = np.empty_like(found)
    placed[order] = found
    return placed


def _dense(matrix: "np.ndarray | csr_array") -> np.ndarray:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def ridge_fit(x: "np.ndarray | csr_array", y: np.ndarray, penalty: float) -> np.ndarray:
    """x (N, P), sparse or not, whose first column is 1, y (N,) -> coefficients (P,), all but the first shrunk (Hoerl &
    Kennard 1970).
    """
    shrink = np.full(x.shape[1], penalty)
    shrink[0] = 0.0
    return np.linalg.solve(_dense(x.T @ x) + np.diag(shrink) + 1e-9 * np.eye(x.shape[1]), x.T @ y)


def kish(weight: np.ndarray) -> float:
    """Effective number of rows of weights (N,), (sum w)^2 / sum w^2 (Kish 1965, Survey Sampling); 0 for none."""
    squares = float((np.asarray(weight, dtype=float) ** 2).sum())
    return float(np.sum(weight)) ** 2 / squares if squares else 0.0


def percentiles(drawn: np.ndarray, ends: Sequence[float] | np.ndarray) -> np.ndarray:
    """drawn (R, ...) figures of R resamples, NaNs passed over; ends (E,) in [0, 100] -> (E, ...), NaN where all are.

    The (R + 1) p-th of R in order, as an interval's end should be (Davison & Hinkley 1997, Bootstrap Methods and their
    Application, ch. 5): the usual (R - 1) p + 1-th lies nearer, of 200 resamples at 3.0 in place of 2.5 %.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of figures that no resample has
        return np.nanpercentile(drawn, ends, axis=0, method="weibull")


def cluster_error(pull: np.ndarray, cluster: np.ndarray) -> float:
    """Standard error of a sum of contributions (N,) whose rows of one cluster (N,) are alike; NaN for one cluster."""
    names, index = np.unique(cluster, return_inverse=True)
    if len(names) < 2:
        return math.nan
    sums = np.bincount(index, weights=pull)
    return math.sqrt(float((sums**2).sum()) * len(names) / (len(names) - 1))


def weighted_mean(y: np.ndarray, weight: np.ndarray, cluster: np.ndarray) -> tuple[float, float]:
    """y, weight, cluster (N,) -> weighted mean and its error over clusters (Taylor linearisation); NaNs for none."""
    total = float(weight.sum()) if len(y) else 0.0
    if total <= 0:
        return math.nan, math.nan
    mean = float((weight * y).sum()) / total
    return mean, cluster_error(weight * (y - mean) / total, cluster)


def corrected_share(share: float, error: float, confusion: np.ndarray) -> tuple[float, float]:
    """A classifier's share of positives -> the true share that its known errors imply, in [0, 1], and its error.

    (share + specificity - 1) / (sensitivity + specificity - 1), with the error of all three by the delta method (Rogan
    & Gladen 1978, American Journal of Epidemiology 107). confusion (2, 2): rows are the truth, columns what was said,
    negative first. NaNs where the classifier is no better than chance or a class has no row.
    """
    (tn, fp), (fn, tp) = np.asarray(confusion, dtype=float)
    if min(tn + fp, fn + tp) == 0:
        return math.nan, math.nan
    specificity, sensitivity = tn / (tn + fp), tp / (fn + tp)
    gain = sensitivity + specificity - 1
    if gain <= 0:
        return math.nan, math.nan
    true = (share + specificity - 1) / gain
    variance = (
        error**2
        + (1 - true) ** 2 * specificity * (1 - specificity) / (tn + fp)
        + true**2 * sensitivity * (1 - sensitivity) / (fn + tp)
    ) / gain**2
    return min(max(true, 0.0), 1.0), math.sqrt(variance)
