"""Spans of one text with their probabilities, as the rows of the tables `theme_mentions` and `sentences`."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from cx_nlp.score.frames import P_SENTIMENT, sentiment_columns
from cx_nlp.score.model import Calibration
from cx_nlp.themes.match import TextSpans, ThemeHit

Keep = Literal["none", "unthemed", "all"]  # of which mentions the theme vector is handed out

_SPAN_COLUMNS = ["sentiment_label", "sentiment_score", *P_SENTIMENT, "is_uncertain", "primary_emotion"]
MENTION_COLUMNS = [
    "mention_id", "theme_id", "mention", "start", "end", "sentence", "opinion", "is_negated", *_SPAN_COLUMNS,
    "theme_score", "method",
]  # fmt: skip
SENTENCE_COLUMNS = ["sentence", "start", "end", *_SPAN_COLUMNS]


def mention_rows(
    nr: int,
    found: TextSpans,
    themes: Sequence[Sequence[ThemeHit]],
    probabilities: np.ndarray,
    emotions: np.ndarray,
    calibration: Calibration,
    vectors: Sequence[np.ndarray | None],
) -> list[dict]:
    """The M mentions of text `nr`, a row for each theme of each; one that has none gets a row without theme.

    themes (M) and vectors (M) of the mentions, probabilities (M, 3), emotions of the text's sentences.
    """
    columns = sentiment_columns(probabilities, calibration.aspect_uncertain_below)
    rows = []
    for i, mention in enumerate(found.mentions):
        common = {
            "text_nr": nr, "mention_id": i, "mention": mention.text, "start": mention.start, "end": mention.end,
            "sentence": mention.sentence, "opinion": mention.opinion, "is_negated": mention.is_negated,
            "primary_emotion": emotions[mention.sentence], "vector": vectors[i],
            **{name: values[i] for name, values in columns.items()},
        }  # fmt: skip
        hits: list[tuple[str | None, float | None, str]] = [(h.theme_id, h.score, h.method) for h in themes[i]]
        for theme_id, score, method in hits or [(None, None, "none")]:
            rows.append(common | {"theme_id": theme_id, "theme_score": score, "method": method})
    return rows


def comment_rows(
    frame: pd.DataFrame, theme_ids: Sequence[str], probabilities: np.ndarray, thresholds: np.ndarray
) -> list[dict]:
    """Themes of whole comments: mention_id -1, no span, and the document's own sentiment and emotion.

    frame: `document_frame` of N texts, its index their numbers; probabilities (N, L) of theme_ids (L).
    """
    none = {"mention": None, "start": None, "end": None, "sentence": None, "opinion": None, "vector": None}
    of_text = {name: frame[name].to_numpy() for name in _SPAN_COLUMNS}
    return [
        {
            "text_nr": frame.index[n], "mention_id": -1, "theme_id": theme_ids[i], "is_negated": False, **none,
            **{name: values[n] for name, values in of_text.items()},
            "theme_score": float(probabilities[n, i]), "method": "fit",
        }
        for n, i in zip(*np.nonzero(probabilities >= thresholds), strict=True)
    ]  # fmt: skip


def sentence_rows(
    nr: int, found: TextSpans, probabilities: np.ndarray, emotions: np.ndarray, calibration: Calibration
) -> list[dict]:
    """The S sentences of text `nr`; probabilities (S, 3), emotions (S,)."""
    columns = sentiment_columns(probabilities, calibration.uncertain_below)
    return [
        {
            "text_nr": nr, "sentence": i, "start": s.start, "end": s.end, "primary_emotion": emotions[i],
            **{name: values[i] for name, values in columns.items()},
        }
        for i, s in enumerate(found.sentences)
    ]  # fmt: skip
