"""Groups of mentions that say the same, found by density: what lies alone belongs to none.

Vectors are reduced to their main directions first: in hundreds of dimensions everything is equally far from everything.
"""

import numpy as np

DIMENSIONS = 24
MIN_SAMPLES = 3
NOISE = -1


def cluster(vectors: np.ndarray, *, min_size: int) -> np.ndarray:
    """unit vectors (M, H) -> the cluster of each, int (M,), numbered from 0 in order of first row; NOISE for none.

    HDBSCAN (Campello, Moulavi and Sander 2013), leaves of the tree, on the vectors' principal components, normalised.
    Fewer than two times min_size rows are all noise: no density can be told. Takes time in the square of M.
    """
    if len(vectors) < 2 * min_size:
        return np.full(len(vectors), NOISE, dtype=np.int64)
    from sklearn.cluster import HDBSCAN

    reduced = principal(vectors, dimensions=DIMENSIONS)
    found = HDBSCAN(min_cluster_size=min_size, min_samples=MIN_SAMPLES, cluster_selection_method="leaf", copy=True)
    return in_order(found.fit_predict(reduced))


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
