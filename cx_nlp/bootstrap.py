"""The bootstrap as one matrix product: for figures that are functions of sums over rows."""

import numpy as np

_BLOCK = 2**21  # 16 MB of draws at a time


def resample(rows: np.ndarray, *, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """rows (N, K), N >= 1 -> (resamples, K): each time the sums of N rows drawn with replacement."""
    drawn, count = [], len(rows)
    block = max(1, _BLOCK // count)
    for start in range(0, resamples, block):
        times = min(block, resamples - start)
        draws = rng.integers(0, count, size=(times, count)) + np.arange(times)[:, None] * count
        weights = np.bincount(draws.ravel(), minlength=times * count).reshape(times, count)
        drawn.append(weights.astype(np.float64) @ rows)
    return np.concatenate(drawn)


def by_group(rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """rows (N, K), groups (N,) of any sortable values -> (G, K): sums of the rows of each group, to resample whole."""
    if len(groups) != len(rows):
        raise ValueError(f"{len(groups)} groups, expected one for each of {len(rows)} rows")
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    return np.stack([np.bincount(index, weights=column, minlength=len(names)) for column in rows.T], axis=1)
