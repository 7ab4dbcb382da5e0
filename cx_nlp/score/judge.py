"""A model on labelled rows -> a report: the step between `labelled` (data) and `evaluate` (formulas)."""

from typing import Any

import numpy as np
import pandas as pd

from cx_nlp import evaluate
from cx_nlp.clean import clean_text
from cx_nlp.labelled import cleaned_span, label_matrix
from cx_nlp.score.predict import Predictor


def sentiment(predictor: Predictor, rows: pd.DataFrame, *, rng: np.random.Generator) -> dict[str, Any]:
    """rows: text, label (index into SENTIMENTS). Texts are cleaned as in a nightly run."""
    p = predictor.sentiment([clean_text(text) for text in rows["text"]])
    return evaluate.sentiment_report(normalised(p), rows["label"].to_numpy(), rng=rng, model=_name(predictor))


def emotion(predictor: Predictor, rows: pd.DataFrame, *, rng: np.random.Generator) -> dict[str, Any]:
    """rows: text, labels (lists of indices into EMOTIONS). A label is predicted above its own threshold from dev."""
    p = predictor.emotions([clean_text(text) for text in rows["text"]])
    truth = label_matrix(rows["labels"].tolist())
    return evaluate.emotion_report(p, predictor.emotion_labels(p), truth, rng=rng, model=_name(predictor))


def aspect(predictor: Predictor, rows: pd.DataFrame, *, rng: np.random.Generator) -> dict[str, Any]:
    """rows: text, start, end, label. Spans that cleaning leaves nothing of count as not in the data, with a note."""
    spans = [cleaned_span(*row) for row in rows[["text", "start", "end"]].itertuples(index=False)]
    kept = np.array([span is not None for span in spans], dtype=bool)
    terms = pd.DataFrame([span for span in spans if span], columns=["text", "start", "end"])
    groups, labels = rows.loc[kept, "text"].to_numpy(), rows.loc[kept, "label"].to_numpy()
    p = normalised(predictor.aspects(terms))
    report = evaluate.aspect_report(p, labels, rng=rng, model=_name(predictor), groups=groups)
    if not kept.all():
        report.setdefault("notes", {})["n"] = f"{(~kept).sum()} spans left out: cleaning leaves nothing of them"
    return report


JUDGES = {"sentiment": sentiment, "emotion": emotion, "aspect": aspect}


def _name(predictor: Predictor) -> str:
    return f"{predictor.model.name}@{predictor.model.digest[:12]}"


def normalised(p: np.ndarray) -> np.ndarray:
    """Rows rounded to five decimals may sum to 1.00001; formulas want distributions."""
    return p / p.sum(axis=1, keepdims=True) if len(p) else p
