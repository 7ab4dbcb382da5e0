"""Shares over a rating scale with a given mean, as close as can be to the base shares.

Exponential tilting: p(v) is proportional to base(v) * exp(a * score(v) + b * [v is the top box]), the distribution
nearest to the base (in Kullback-Leibler divergence) among those with that mean (Csiszar 1975, "I-divergence geometry").
"""

import numpy as np

from cx_nlp.sample import world

_STEPS = 70  # bisections: far below any rounding that shows


def means_to_shares(measure: str, means: np.ndarray, *, top: float = 0.0) -> np.ndarray:
    """means (N,) strictly inside the scale's range -> shares (N, V), rows sum to 1; top: `b`, 0 leaves the top box alone."""
    score = world.score(measure)
    unit = score / np.abs(score).max()
    base = np.log(np.array(world.SHARES[measure]))
    base[-1] += top
    # Steep enough to outweigh `top` where neighbouring answers differ by a seventh of the unit.
    high = np.full(len(means), 100 + 10 * abs(top))
    low = -high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        is_below = _shares(base, unit, middle) @ score < means
        low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
    return _shares(base, unit, (low + high) / 2)


def _shares(base: np.ndarray, unit: np.ndarray, slope: np.ndarray) -> np.ndarray:
    logs = base + slope[:, None] * unit  # (N, V)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def base_mean(measure: str) -> float:
    """The mean where nothing is planted."""
    return float(np.dot(world.SHARES[measure], world.score(measure)) / sum(world.SHARES[measure]))


def top_for(measure: str, means: np.ndarray, weights: np.ndarray, share: float) -> float | None:
    """The `top` with which the cells (means and weights, both (N,)) together have this share in the top box.

    None if no distribution has these means and that share.
    """

    def reached(top: float) -> float:
        return float(weights @ means_to_shares(measure, means, top=top)[:, -1] / weights.sum())

    low, high = -30.0, 30.0
    if not reached(low) < share < reached(high):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) < share else (low, middle)
    return (low + high) / 2


def draw(measure: str, means: np.ndarray, draws: np.ndarray, *, top: float = 0.0) -> np.ndarray:
    """means (N,), draws (N,) in [0, 1) -> ratings (N,), a higher draw never a lower rating at the same mean."""
    cells, which = np.unique(np.round(means, 9), return_inverse=True)
    bounds = np.cumsum(means_to_shares(measure, cells, top=top), axis=1)[:, :-1]  # (cells, V - 1)
    return np.array(world.SCALES[measure])[(draws[:, None] >= bounds[which]).sum(axis=1)]
