"""Probabilities to the score columns of documents and spans."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.schema import EMOTIONS, FAMILY_OF, SENTIMENTS
from cx_nlp.score import heads
from cx_nlp.score.model import Calibration

P_SENTIMENT = [f"p_{name}" for name in SENTIMENTS]


def document_frame(
    sentiments: np.ndarray | None,
    emotions: np.ndarray | None,
    *,
    calibration: Calibration,
    n_tokens: Sequence[int],
    n_windows: Sequence[int],
) -> pd.DataFrame:
    """Probabilities (N, 3) and (N, 28) -> columns of SCORES but for `is_mixed`; None, or NaN in emotions, gives nulls."""
    columns: dict[str, Any] = {"n_tokens": n_tokens, "n_windows": n_windows}
    if sentiments is None:
        columns |= {"sentiment_label": None, "sentiment_score": np.nan, **dict.fromkeys(P_SENTIMENT, np.nan)}
        columns["is_uncertain"] = None
    else:
        columns |= sentiment_columns(sentiments, calibration.uncertain_below)
    if emotions is None:
        columns |= dict.fromkeys(("primary_emotion", "emotion_family", "is_emotional"))
        columns |= dict.fromkeys(("emotional_intensity", *(f"emotion_{name}" for name in EMOTIONS)), np.nan)
    else:
        primary = heads.primary_emotion(emotions, calibration)
        columns |= {
            "primary_emotion": primary,
            "emotion_family": [FAMILY_OF[name] for name in primary],
            "emotional_intensity": heads.intensity(emotions).astype(float).round(heads.DECIMALS),
            "is_emotional": heads.is_emotional(emotions, calibration),
            **{f"emotion_{name}": emotions[:, i].astype(float) for i, name in enumerate(EMOTIONS)},
        }
    return pd.DataFrame(columns)


def sentiment_columns(probabilities: np.ndarray, uncertain_below: float) -> dict[str, np.ndarray]:
    """(S, 3) -> the columns of sentiment, each (S,)"""
    p = probabilities.astype(float).round(heads.DECIMALS)
    return {
        "sentiment_label": heads.labels(p),
        "sentiment_score": (p[:, heads.POSITIVE] - p[:, heads.NEGATIVE]).round(heads.DECIMALS),
        **{name: p[:, i] for i, name in enumerate(P_SENTIMENT)},
        "is_uncertain": p.max(axis=1, initial=0.0) < uncertain_below,
    }
