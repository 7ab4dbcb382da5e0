"""A model on labelled rows -> a report: the step between `labelled` (data) and `evaluate` (formulas)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp import evaluate
from cx_nlp.clean import clean_text
from cx_nlp.errors import UnknownName
from cx_nlp.evaluate_themes import Predict
from cx_nlp.labelled import cleaned_span, label_matrix
from cx_nlp.score.engines import AUTO
from cx_nlp.score.predict import Predictor
from cx_nlp.score.scorer import Scorer
from cx_nlp.themes.fitted import Fitted, check_model
from cx_nlp.themes.taxonomy import Taxonomy


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


def taxonomy_predictor(taxonomy: Taxonomy, *, model: str, engine: str = AUTO, threads: int = 0) -> Predict:
    """-> a function that gives each text the themes of its mentions, as a night does; the text is cleaned first."""
    scorer = Scorer.load(model=model, taxonomy=taxonomy, threads=threads, engine=engine)

    def predict(texts: Sequence[str]) -> list[set[str]]:
        cleaned = [clean_text(text) for text in texts]
        scores = scorer.score_texts([text for text in cleaned if text])
        found: dict[str, set[str]] = {text: set() for text in ("", *scores.texts)}
        for row in scores.mentions[["text_nr", "theme_id"]].dropna().itertuples(index=False):
            found[scores.texts[row.text_nr]].add(row.theme_id)
        return [found[text] for text in cleaned]

    return predict


def fitted_predictor(fitted: Fitted, *, model: str, engine: str = AUTO, threads: int = 0) -> Predict:
    """-> a function that gives each text its fitted themes. Raises ModelError where the fit stands on another model."""
    predictor = Predictor.load(model, threads=threads, engine=engine)
    check_model(fitted, predictor.model)

    def predict(texts: Sequence[str]) -> list[list[str]]:
        cleaned = [clean_text(text) for text in texts]
        unique = sorted({text for text in cleaned if text}, key=lambda text: (len(text), text))
        found = dict(zip(unique, fitted.predict(unique, predictor.document_means(unique)), strict=True))
        return [found.get(text, []) for text in cleaned]

    return predict


def fitted_labels(
    cells: Sequence[str], positions: Sequence[str], fitted: Fitted
) -> tuple[list[list[str]], dict[str, str], int]:
    """Cells of labels joined by | (N) -> theme_ids of each (N), how the data write each, and how many were passed over.

    Case and outer spaces do not matter. Passed over are labels that the fit had too few rows of; any other that it
    does not know raises UnknownName with the row.
    """
    known = {label.casefold(): theme_id for label, theme_id in zip(fitted.labels, fitted.ids, strict=True)}
    known |= {theme_id.casefold(): theme_id for theme_id in fitted.ids}
    rare = {label.casefold() for label in fitted.left_out}
    found: list[list[str]] = []
    written: dict[str, str] = {}
    passed = 0
    for cell, where in zip(cells, positions, strict=True):
        its = set()
        for part in (" ".join(part.split()) for part in cell.split("|")):
            theme_id = known.get(part.casefold())
            if theme_id is not None:
                its.add(theme_id)
                written.setdefault(theme_id, part)
            elif part.casefold() in rare:
                passed += 1
            elif part:
                raise UnknownName("label", part[:80], fitted.labels, where)
        found.append(sorted(its))
    return found, written, passed


JUDGES = {"sentiment": sentiment, "emotion": emotion, "aspect": aspect}


def _name(predictor: Predictor) -> str:
    return f"{predictor.model.name}@{predictor.model.digest[:12]}"


def normalised(p: np.ndarray) -> np.ndarray:
    """Rows rounded to five decimals may sum to 1.00001; formulas want distributions."""
    return p / p.sum(axis=1, keepdims=True) if len(p) else p
