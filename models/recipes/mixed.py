"""`is_mixed`: what a text's spans and the text as a whole say, and the thresholds of both.

A text is mixed if a span is clearly negative and another clearly positive; what the head of `mixed_head` says of the whole
raises or lowers what counts as clear (`heads.is_mixed`).
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cx_nlp.score import heads
from cx_nlp.score.model import Calibration, Model
from cx_nlp.score.predict import Predictor
from cx_nlp.score.span_vectors import aspects, judged_spans, span_vectors
from cx_nlp.themes.match import analyse
from cx_nlp.themes.taxonomy import Taxonomy

FALSE_POSITIVES = 0.05  # at most, of annotated sentences
FALSE_POSITIVES_JOINED = 0.075  # of joined texts: made up, with the disputed labels of tweets
_GRID = np.arange(0.40, 0.985, 0.02)  # finer steps fit the few annotated sentences, not the task
_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Evidence:
    """Of N texts. sides (N, 2, 2): of a text's sentences, and of its clauses and mentions, the greatest probability of those
    labelled negative and of those labelled positive, 0 for none. whole (N,): what the head says, in logits."""

    sides: np.ndarray
    whole: np.ndarray

    def said(self, *, mixed_above: float, mixed_aspect_above: float, mixed_weight: float) -> np.ndarray:
        """What `heads.is_mixed` says of these texts with these thresholds, bool (N,)."""
        asked = heads.logit(np.array([mixed_above, mixed_aspect_above]))[:, None]
        beyond = np.where(self.sides > 0, heads.logit(self.sides), -np.inf) - asked
        return beyond.max(axis=1).min(axis=1) + mixed_weight * self.whole > 0


def evidence(predictor: Predictor, taxonomy: Taxonomy, texts: list[str]) -> Evidence:
    """Spans are those that the engine finds."""
    model, found = predictor.model, list(analyse(texts, taxonomy))
    read = span_vectors(predictor.encoder, texts, found)
    of_sentences = heads.sentiment(model, read.sentences.means, read.sentences.n_tokens)
    judged = judged_spans(model, read, of_sentences, aspects(model, read))
    sides = np.array([[_greatest(spans) for spans in pair] for pair in judged]).reshape(-1, 2, 2)
    return Evidence(sides, heads.mixed_evidence(_weighing(model, 1.0), read.documents.means))


def _weighing(model: Model, weight: float) -> Model:
    return replace(model, calibration=replace(model.calibration, mixed_weight=weight))


def _greatest(spans: np.ndarray) -> np.ndarray:
    """Probabilities (S, 3) -> (2,): the greatest of those labelled negative and of those labelled positive; 0 for none."""
    own = np.where(np.arange(spans.shape[1]) == spans.argmax(axis=1)[:, None], spans, 0.0)
    return own[:, [heads.NEGATIVE, heads.POSITIVE]].max(axis=0, initial=0.0)


def thresholds(
    annotated: tuple[Evidence, np.ndarray],
    joined: tuple[Evidence, np.ndarray],
    *,
    most: float = FALSE_POSITIVES,
    most_joined: float = FALSE_POSITIVES_JOINED,
) -> dict[str, float]:
    """Evidence and truth (N,) of annotated sentences, and of joined texts -> the settings of `Evidence.said`.

    Of those with at most `most` and `most_joined` false positives, the greatest sum of both recalls: sentences are few and
    of one field, and joined texts are made up. Where nothing keeps them down, the strictest.
    """

    def rates(pair: tuple[Evidence, np.ndarray], **settings: float) -> tuple[float, float]:
        said, truth = pair[0].said(**settings), pair[1]
        return float(said[truth].mean()), float(said[~truth].mean())

    best = (-1.0, 0.0, float(_GRID[-1]), float(_GRID[-1]))
    for weight, above, aspect_above in itertools.product(_WEIGHTS, _GRID, _GRID):
        settings = {"mixed_above": above, "mixed_aspect_above": aspect_above, "mixed_weight": weight}
        (recall, false), (of_joined, false_joined) = rates(annotated, **settings), rates(joined, **settings)
        if false <= most and false_joined <= most_joined:
            best = max(best, (recall + of_joined, -weight, float(above), float(aspect_above)))
    _, weight, above, aspect_above = best
    return {
        "mixed_above": round(above, 2), "mixed_aspect_above": round(aspect_above, 2), "mixed_weight": abs(weight)
    }  # fmt: skip


def settings_of(calibration: Calibration) -> dict[str, float]:
    """What `Evidence.said` asks for."""
    return {name: getattr(calibration, name) for name in ("mixed_above", "mixed_aspect_above", "mixed_weight")}


def truth_of(aspects: pd.DataFrame) -> pd.Series:
    """Rows of text and label -> text -> whether it holds both a positive and a negative one."""
    return aspects.groupby("text", sort=True)["label"].agg(lambda labels: {0, 2} <= set(labels))
