"""Theme vectors on a grid, and how close one lies to a set of others.

M mentions, E exemplars, T themes, H hidden size.
"""

import numpy as np

GRID = 1_000  # steps a component of 1 has: noise of the processor lies below it, what tells themes apart above
NEAREST = 3  # exemplars that must be near: one alone may be an odd one
BLOCK = 256  # rows multiplied at once, always as many: a product must not depend on the rows beside it
DECIMALS = 4  # of a closeness; beyond lies what the order of additions does


def grid(vectors: np.ndarray) -> np.ndarray:
    """vectors (M, H) of any length -> unit vectors in steps of 1/1000, int16 (M, H); what the registry stores."""
    vectors = vectors.astype(np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.rint(vectors / np.maximum(length, 1e-12) * GRID).astype(np.int16)


def unit(steps: np.ndarray) -> np.ndarray:
    """(M, H) of any length, int16 as `grid` gives them or not -> unit vectors float32 (M, H); zeros stay zeros."""
    vectors = steps.astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def cosines(vectors: np.ndarray, exemplars: np.ndarray) -> np.ndarray:
    """unit vectors (M, H), (E, H) -> (M, E)"""
    padded = np.zeros((-(-len(vectors) // BLOCK) * BLOCK, exemplars.shape[1]), dtype=np.float32)
    padded[: len(vectors)] = vectors
    blocks = [padded[at : at + BLOCK] @ exemplars.T for at in range(0, len(padded), BLOCK)]
    return np.concatenate(blocks)[: len(vectors)] if blocks else np.zeros((0, len(exemplars)), dtype=np.float32)


def nearest_mean(similarities: np.ndarray) -> np.ndarray:
    """(M, E) -> mean of the `NEAREST` greatest of each row (M,), of fewer if there are fewer; E of 0 gives -1.

    Values of -inf (a vector beside itself) are passed over.
    """
    if not similarities.shape[1]:
        return np.full(len(similarities), -1.0)
    k = min(NEAREST, similarities.shape[1])
    top = -np.partition(-similarities, k - 1, axis=1)[:, :k].astype(np.float64)
    there = np.isfinite(top)
    total = np.where(there, top, 0.0).sum(axis=1)
    return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), -1.0).round(DECIMALS)


def closeness(vectors: np.ndarray, exemplars: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """unit vectors (M, H), exemplars (E, H) of T themes one after another, starts (T,) their first rows -> (M, T)

    The mean cosine to the nearest exemplars of each theme, in [-1, 1].
    """
    similar = cosines(vectors, exemplars)
    ends = np.append(starts, len(exemplars))[1:]
    columns = [nearest_mean(similar[:, start:end]) for start, end in zip(starts, ends, strict=True)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(vectors), 0))


def own_closeness(exemplars: np.ndarray) -> np.ndarray:
    """unit vectors (E, H) -> how close each lies to the others (E,); a single one is as close as can be, 1."""
    if len(exemplars) < 2:
        return np.ones(len(exemplars))
    similar = cosines(exemplars, exemplars)
    np.fill_diagonal(similar, -np.inf)
    return nearest_mean(similar)
