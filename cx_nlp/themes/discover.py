"""Groups of mentions that say the same, found by density: what lies alone belongs to none.

Vectors are reduced to their main directions first: in hundreds of dimensions everything is equally far from everything.
M mentions, H hidden size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cx_nlp.themes.vectors import closeness, cosines, nearest_mean, own_closeness

DIMENSIONS = 48
MIN_SAMPLES = 3
CORE = 0.5  # least strength of membership: what a cluster only drags along, at half its density, is noise
NOISE = -1
FOUNDERS = 40  # exemplars of a group
ACCEPTED = 0.9  # share of a group's mentions that its threshold accepts
SLACK = 0.04  # by how much a mention may miss a threshold and still speak of the same
NEAR = 0.5  # share of mentions that must speak of the same
LEAST = 0.6  # threshold below which mentions say too little in common, whatever the rest is like,
TIGHT = 0.8  # and from which they say enough
ABOVE_CHANCE = 3.9  # deviations by which a threshold must lie above the cosine of two mentions with nothing in common
STANDS_OUT = 0.5  # share of what a group accepts that must be its own


@dataclass(frozen=True)
class Group:
    """rows: of its mentions; exemplars: some of them; threshold: the least closeness to these of what belongs to it."""

    rows: np.ndarray
    exemplars: np.ndarray
    threshold: float


def discover(vectors: np.ndarray, *, min_size: int) -> list[Group]:
    """unit vectors (M, H) -> groups of at least min_size mentions, the largest first.

    Clusters that are near-equal become one. One that accepts more of what it does not hold than of its own does not stand
    out from the rest and is none: in noise too some places are denser than others. So is one that is too wide: of few
    mentions the first clusters hold several themes.
    """
    labels = cluster(vectors, min_size=min_size)
    clusters = [np.flatnonzero(labels == label) for label in range(labels.max(initial=NOISE) + 1)]
    parts = [part for rows in clusters for part in connected_parts(vectors, rows, min_size=min_size)]
    groups = [shaped(vectors, rows) for rows in parts]
    joined = _joined(groups, _nearness(vectors, groups))
    if len(joined) < len(groups):
        groups = [shaped(vectors, rows) for rows in joined]
    if not groups:
        return []
    near, least = _nearness(vectors, groups), least_threshold(vectors)
    out = []
    for group, column in zip(groups, near.T, strict=True):
        is_own = np.isin(np.arange(len(vectors)), group.rows)
        accepted = column >= group.threshold
        if group.threshold >= least and (accepted & is_own).sum() >= STANDS_OUT * accepted.sum():
            out.append(group)
    return sorted(out, key=lambda group: (-len(group.rows), group.rows[0]))


def cluster(vectors: np.ndarray, *, min_size: int) -> np.ndarray:
    """unit vectors (M, H) -> the cluster of each, int (M,), numbered from 0 in order of first row; NOISE for none.

    HDBSCAN (Campello, Moulavi and Sander 2013), leaves of the tree, on the vectors' principal components, normalised.
    Fewer than two times min_size rows are all noise: no density can be told. Takes time and memory in the square of M.
    """
    if len(vectors) < 2 * min_size:
        return np.full(len(vectors), NOISE, dtype=np.int64)
    from sklearn.cluster import HDBSCAN

    reduced = principal(vectors, dimensions=DIMENSIONS)
    found = HDBSCAN(
        min_cluster_size=min_size,
        min_samples=MIN_SAMPLES,
        cluster_selection_method="leaf",
        algorithm="brute",  # in 48 dimensions a tree of cells has to look everywhere too
        copy=True,
    ).fit(reduced)
    labels = np.where(found.probabilities_ >= CORE, found.labels_, NOISE)
    counts = np.bincount(labels[labels != NOISE], minlength=1)
    return in_order(np.where((labels != NOISE) & (counts[labels] >= min_size), labels, NOISE))


def principal(vectors: np.ndarray, *, dimensions: int) -> np.ndarray:
    """(M, H) -> (M, D) unit vectors of the D = min(dimensions, H, M) principal components, rounded.

    By the covariance matrix (H, H), whose size does not grow with M. The sign of a component is free: distances do not
    depend on it.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    reduced = centred @ directions[:, ::-1][:, : min(dimensions, len(vectors))]
    return (reduced / np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-12)).round(4)


def in_order(labels: np.ndarray) -> np.ndarray:
    """The same clusters, numbered in order of their first row."""
    names, first = np.unique(labels[labels != NOISE], return_index=True)
    number = {name: i for i, name in enumerate(names[np.argsort(first)])}
    return np.array([number.get(label, NOISE) for label in labels], dtype=np.int64)


def least_threshold(vectors: np.ndarray) -> float:
    """unit vectors (M, H), M > 1 -> the least threshold of a group among them.

    By the median of the cosines of some 10 * M pairs and the deviation below it (its 16% quantile): pairs that do have
    something in common lie above, and may be many.
    """
    shifts = {max(len(vectors) * k // 11, 1) for k in range(1, 11)}
    pairs = np.concatenate([(vectors * np.roll(vectors, shift, axis=0)).sum(axis=1) for shift in sorted(shifts)])
    low, median = np.quantile(pairs, [0.16, 0.5])
    return round(min(max(LEAST, float(median + ABOVE_CHANCE * (median - low))), TIGHT), 4)


def shaped(vectors: np.ndarray, rows: np.ndarray) -> Group:
    """Mentions that belong together, with the exemplars that stand for them and what it takes to belong to these."""
    exemplars = rows[covering(vectors[rows], most=FOUNDERS)]
    similar = cosines(vectors[rows], vectors[exemplars])
    similar[rows[:, None] == exemplars[None, :]] = -np.inf  # beside itself everything is close
    return Group(rows, exemplars, float(np.quantile(nearest_mean(similar), 1 - ACCEPTED).round(4)))


def connected_parts(vectors: np.ndarray, rows: np.ndarray, *, min_size: int) -> list[np.ndarray]:
    """Rows of a cluster -> its parts of min_size or more that nothing connects, by first row.

    Where each of some themes has been said a few times only, density takes them together; what connects is a cosine of
    at least what the cluster asks of its own (less the slack).
    """
    group = shaped(vectors, rows)
    labels = connected(vectors[rows], group.threshold - SLACK)
    return [rows[labels == part] for part in range(labels.max() + 1) if (labels == part).sum() >= min_size]


def connected(vectors: np.ndarray, least: float) -> np.ndarray:
    """unit vectors (M, H) -> the part of each, int (M,), from 0 by first row: linked by cosines of at least `least`."""
    from scipy.sparse.csgraph import connected_components

    return connected_components(cosines(vectors, vectors).round(4) >= least, directed=False)[1]


def covering(vectors: np.ndarray, *, most: int) -> np.ndarray:
    """unit vectors (M, H) -> at most `most` rows, ascending, that cover the others best.

    Farthest-first (Gonzalez 1985) from the most typical one; ties go to the first row.
    """
    if len(vectors) <= most:
        return np.arange(len(vectors))
    chosen = [int(own_closeness(vectors).argmax())]
    nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < most:
        chosen.append(int(nearest.round(4).argmin()))
        nearest = np.maximum(nearest, vectors @ vectors[chosen[-1]])
    return np.sort(chosen)


def is_near(near: np.ndarray, threshold: float) -> bool:
    """closeness (M,) of mentions to a group -> whether most of them belong to it, or nearly do; no mention is not near."""
    return bool(len(near)) and float((near >= threshold - SLACK).mean()) >= NEAR


def _nearness(vectors: np.ndarray, groups: Sequence[Group]) -> np.ndarray:
    """-> closeness of every mention to every group (M, groups)"""
    if not groups:
        return np.zeros((len(vectors), 0))
    starts = np.cumsum([0, *(len(group.exemplars) for group in groups)])[:-1]
    return closeness(vectors, vectors[np.concatenate([group.exemplars for group in groups])], starts)


def _joined(groups: Sequence[Group], near: np.ndarray) -> list[np.ndarray]:
    """Rows of groups after near-equal ones, each near to the other, have become one."""
    from scipy.sparse.csgraph import connected_components

    if not groups:
        return []
    one_way = [[is_near(near[g.rows, to], other.threshold) for to, other in enumerate(groups)] for g in groups]
    both = np.array(one_way) & np.array(one_way).T
    parts = connected_components(both, directed=False)[1]
    return [
        np.sort(np.concatenate([groups[int(i)].rows for i in np.flatnonzero(parts == part)]))
        for part in np.unique(parts)
    ]
