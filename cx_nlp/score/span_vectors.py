"""One pass of the encoder over some texts: the vectors of documents, sentences, clauses and mentions.

N texts, S spans of one kind over all texts, H hidden size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cx_nlp.score import heads
from cx_nlp.score.encoder import Encoder
from cx_nlp.score.model import Model
from cx_nlp.themes.match import TextSpans


@dataclass(frozen=True)
class Vectors:
    """Spans of one kind, those of the first text first: means (S, H), tokens (S,), and how many each text has (N,)."""

    means: np.ndarray
    n_tokens: np.ndarray
    of_text: np.ndarray

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """values (S, …) -> those of each text (N)"""
        return np.split(values, self.of_text.cumsum()[:-1]) if len(self.of_text) else []

    def joined(self, other: "Vectors") -> tuple[np.ndarray, np.ndarray]:
        """-> means and tokens of both, one after the other"""
        return np.concatenate([self.means, other.means]), np.concatenate([self.n_tokens, other.n_tokens])


@dataclass(frozen=True)
class SpanVectors:
    documents: Vectors
    sentences: Vectors
    clauses: Vectors
    mentions: Vectors
    n_windows: list[int]


def span_vectors(encoder: Encoder, texts: Sequence[str], found: Sequence[TextSpans]) -> SpanVectors:
    """texts (N) and what was found in each."""
    kinds = [(f.sentences, f.clauses, f.mentions) for f in found]
    read = encoder.span_means(texts, [[(s.start, s.end) for spans in its for s in spans] for its in kinds])
    sizes = np.array([[1, *map(len, its)] for its in kinds], dtype=np.int64).reshape(-1, 4)  # (N, kinds)
    ends = sizes.cumsum(axis=1)

    def of_kind(kind: int) -> Vectors:
        its = [slice(end - size, end) for size, end in zip(sizes[:, kind], ends[:, kind], strict=True)]
        means = [one.means[rows] for one, rows in zip(read, its, strict=True)]
        counts = [one.counts[rows] for one, rows in zip(read, its, strict=True)]
        empty = np.zeros((0, encoder.model.hidden), dtype=np.float32)
        return Vectors(
            np.concatenate([empty, *means]), np.concatenate([np.zeros(0, dtype=np.int64), *counts]), sizes[:, kind]
        )

    documents, sentences, clauses, mentions = map(of_kind, range(4))
    return SpanVectors(documents, sentences, clauses, mentions, [one.n_windows for one in read])


def aspects(model: Model, vectors: SpanVectors) -> np.ndarray:
    """-> probabilities (S, 3) of the mentions, each read beside its document."""
    return _beside_document(model, vectors, vectors.mentions)


def _beside_document(model: Model, vectors: SpanVectors, spans: Vectors) -> np.ndarray:
    return heads.aspect(model, spans.means, np.repeat(vectors.documents.means, spans.of_text, axis=0))


def judged_spans(
    model: Model, vectors: SpanVectors, of_sentences: np.ndarray, of_mentions: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Probabilities (S, 3) of sentences and of mentions -> for each text those of its sentences, and of its clauses and
    mentions: what `heads.is_mixed` judges."""
    # Clauses by the aspect head: sentiment's, which learned from whole texts, takes too many of them for clear.
    of_clauses = _beside_document(model, vectors, vectors.clauses)
    parts = (
        vectors.sentences.split(of_sentences), vectors.clauses.split(of_clauses), vectors.mentions.split(of_mentions)
    )  # fmt: skip
    for sentences, clauses, mentions in zip(*parts, strict=True):
        yield sentences, np.concatenate([clauses, mentions])
