"""Probabilities for labelled rows, without spaCy or a lake: what evaluation and calibration call."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cx_nlp.score import heads
from cx_nlp.score.encoder import Encoder
from cx_nlp.score.engines import AUTO
from cx_nlp.score.model import Model, load_model


@dataclass(frozen=True)
class Predictor:
    model: Model
    encoder: Encoder

    @classmethod
    def load(cls, model: str, *, threads: int = 0, engine: str = AUTO) -> "Predictor":
        loaded = load_model(model)
        return cls(loaded, Encoder(loaded, threads=threads, engine=engine))

    def documents(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """texts (N) -> their means (N, H), and their tokens (N,)"""
        read = self.encoder.span_means(texts, [()] * len(texts))
        means = [one.means[0] for one in read]
        counts = np.array([one.n_tokens for one in read], dtype=np.int64)
        return np.stack(means) if means else np.zeros((0, self.model.hidden), dtype=np.float32), counts

    def document_means(self, texts: Sequence[str]) -> np.ndarray:
        """texts (N) -> (N, H)"""
        return self.documents(texts)[0]

    def term_means(self, terms: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Rows of text, start, end (S) -> means of the terms (S, H) and of their documents (S, H), in row order."""
        return self._terms(terms)[:2]

    def _terms(self, terms: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """-> as `term_means`, and the tokens of each term (S,)"""
        means, documents = np.zeros((2, len(terms), self.model.hidden), dtype=np.float32)
        counts = np.zeros(len(terms), dtype=np.int64)
        groups = list(terms.reset_index(drop=True).groupby("text", sort=True))
        spans = [list(zip(rows["start"], rows["end"], strict=True)) for _, rows in groups]
        read = self.encoder.span_means([text for text, _ in groups], spans)
        for (_, rows), its in zip(groups, read, strict=True):
            means[rows.index], documents[rows.index], counts[rows.index] = its.means[1:], its.means[0], its.counts[1:]
        return means, documents, counts

    def emotion_logits(self, texts: Sequence[str]) -> np.ndarray:
        """texts (N) -> (N, 28), before calibration"""
        return heads.logits(self.model, "emotion", self.document_means(texts))

    def aspect_logits(self, terms: pd.DataFrame) -> np.ndarray:
        """Rows of text, start, end (S) -> (S, 3), before calibration"""
        return heads.logits(self.model, "aspect", np.concatenate(self.term_means(terms), axis=1))

    def sentiment(self, texts: Sequence[str]) -> np.ndarray:
        """texts (N) -> calibrated probabilities (N, 3)"""
        return heads.sentiment(self.model, *self.documents(texts))

    def sentiment_of_spans(self, spans: pd.DataFrame) -> np.ndarray:
        """Rows of text, start, end (S), sentences or clauses -> calibrated probabilities (S, 3)"""
        means, _, counts = self._terms(spans)
        return heads.sentiment(self.model, means, counts)

    def emotions(self, texts: Sequence[str]) -> np.ndarray:
        """texts (N) -> probabilities (N, 28)"""
        return heads.emotions(self.model, self.document_means(texts))

    def emotion_labels(self, probabilities: np.ndarray) -> np.ndarray:
        """(N, 28) -> which labels reach their threshold, bool (N, 28)"""
        return heads.above_threshold(probabilities, self.model.calibration)

    def aspects(self, terms: pd.DataFrame) -> np.ndarray:
        """Rows of text, start, end (S) -> calibrated probabilities (S, 3)"""
        return heads.aspect(self.model, *self.term_means(terms))
