"""What a mention that is scored anew keeps of the theme it had: most of all after a change of model.

Another model moves a mention's closeness to a theme to and fro (by a standard deviation of 0.025, measured near the
thresholds): what lay just inside would fall out, or to an older theme, though nobody said anything else.
"""

import numpy as np
import pandas as pd

from cx_nlp.themes.discover import SLACK
from cx_nlp.themes.registry import POOL, Registry, match

PLACE = ["source", "feedback_id", "start", "end", "mention"]  # what makes a mention the same one


def rematch(registry: Registry, mentions: pd.DataFrame, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`match`, but that mentions keep what they had.

    mentions: columns PLACE and `number`, the theme that each had or POOL (M); vectors int16 (M, H). It stays while that
    theme nearly accepts it: by the slack with which a cluster extends a theme. An exemplar stays in any case, and has the
    theme that it stands for if it had none.
    """
    own, had = exemplified(registry, mentions), mentions["number"].to_numpy(dtype=np.int64)
    had = np.where(had != POOL, had, own)
    return match(registry, vectors, had=had, slack=np.where(own != POOL, np.inf, SLACK))


def exemplified(registry: Registry, mentions: pd.DataFrame) -> np.ndarray:
    """Columns PLACE -> the theme that each mention is an exemplar of, POOL for none, int (M,)."""
    number_of = dict(zip(_places(registry.mentions), registry.numbers.tolist(), strict=True))
    return np.array([number_of.get(place, POOL) for place in _places(mentions)], dtype=np.int64)


def waiting_anew(registry: Registry, keys: set[tuple[str, str]]) -> Registry:
    """Without the pool's mentions of these (source, feedback_id): they are scored anew, and come to wait again."""
    if not keys:
        return registry
    pairs = zip(registry.mentions["source"], registry.mentions["feedback_id"], strict=True)
    comes = np.array([pair in keys for pair in pairs], dtype=bool)
    return registry.taking(np.flatnonzero(~comes | (registry.numbers != POOL)))


def _places(mentions: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(map(tuple, mentions[PLACE].values.tolist()))
