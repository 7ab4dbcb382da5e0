"""From a table of cleaned texts to their scores: documents, sentences and mentions from one pass.

The scorer knows no source, no lake and no clock: equal texts get equal scores, and what stands beside them moves
no probability by more than 0.01 (see `cx_nlp.score.engines`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.schema import EMOTIONS, FAMILY_OF, SCORES, SENTIMENTS
from cx_nlp.score import heads
from cx_nlp.score.encoder import Encoder, SpanMeans
from cx_nlp.score.engines import AUTO
from cx_nlp.score.model import Model, load_model
from cx_nlp.themes.match import TextSpans, analyse
from cx_nlp.themes.taxonomy import Taxonomy

# Texts analysed and encoded together: enough to fill batches of like length, few enough to stay small in memory.
CHUNK = 512

_SENTIMENT = [f"p_{name}" for name in SENTIMENTS]


@dataclass(frozen=True)
class TextScores:
    """Scores of unique texts. Rows of all three frames name their text by its number in `texts`, column `text_nr`
    (the index of `documents`): repeating a long text in each of its thousand mentions would cost its square.
    """

    texts: list[str]
    documents: pd.DataFrame
    mentions: pd.DataFrame
    sentences: pd.DataFrame


class Scorer:
    def __init__(self, model: Model, encoder: Encoder, taxonomy: Taxonomy) -> None:
        self.model = model
        self.encoder = encoder
        self.taxonomy = taxonomy

    @classmethod
    def load(cls, *, model: str, taxonomy: Taxonomy, threads: int = 0, engine: str = AUTO) -> "Scorer":
        loaded = load_model(model)
        return cls(loaded, Encoder(loaded, threads=threads, engine=engine), taxonomy)

    @property
    def versions(self) -> dict[str, str]:
        return {"model_version": self.model.version, "engine": self.encoder.engine}

    def score_texts(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> TextScores:
        """Unique, cleaned, non-empty texts -> their scores, in order of length; `progress` gets the number of texts just done."""
        # Sorting makes batches of like length and the result independent of the order in which texts came.
        ordered = sorted(set(texts), key=lambda text: (len(text), text))
        parts = []
        for at in range(0, len(ordered), CHUNK):
            parts.append(self._chunk(ordered[at : at + CHUNK], first=at))
            if progress:
                progress(min(CHUNK, len(ordered) - at))
        documents = [rows for rows, _, _ in parts]
        mentions = [row for _, rows, _ in parts for row in rows]
        sentences = [row for _, _, rows in parts for row in rows]
        frame = pd.concat(documents) if documents else pd.DataFrame(columns=[name for name, _ in SCORES])
        return TextScores(
            ordered,
            frame,
            pd.DataFrame(mentions, columns=["text_nr", *MENTION_COLUMNS]),
            pd.DataFrame(sentences, columns=["text_nr", *SENTENCE_COLUMNS]),
        )

    def _chunk(self, texts: list[str], *, first: int) -> tuple[pd.DataFrame, list[dict], list[dict]]:
        found = list(analyse(texts, self.taxonomy))
        spans = [[*((s.start, s.end) for s in f.sentences), *((m.start, m.end) for m in f.mentions)] for f in found]
        read = self.encoder.span_means(texts, spans)
        documents = np.stack([r.means[0] for r in read])  # (N, H)
        sentence_means = _stack(
            [r.means[1 : 1 + len(f.sentences)] for r, f in zip(read, found, strict=True)], self.model
        )
        mention_means = _stack([r.means[1 + len(f.sentences) :] for r, f in zip(read, found, strict=True)], self.model)
        beside = np.repeat(documents, [len(f.mentions) for f in found], axis=0)  # (mentions, H)
        frame = self._document_frame(documents, read).set_axis(range(first, first + len(texts)))
        of_sentences = heads.sentiment(self.model, sentence_means)  # (sentences, 3)
        of_mentions = heads.aspect(self.model, mention_means, beside)  # (mentions, 3)
        emotion_of_sentences = heads.primary_emotion(heads.emotions(self.model, sentence_means), self.model.calibration)
        mixed, mention_rows, sentence_rows = [], [], []
        at_sentence = at_mention = 0
        for nr, f in enumerate(found, first):
            s = slice(at_sentence, at_sentence + len(f.sentences))
            m = slice(at_mention, at_mention + len(f.mentions))
            at_sentence, at_mention = s.stop, m.stop
            mixed.append(heads.is_mixed(np.concatenate([of_sentences[s], of_mentions[m]]), self.model.calibration))
            sentence_rows += self._sentence_rows(nr, f, of_sentences[s], emotion_of_sentences[s])
            mention_rows += self._mention_rows(nr, f, of_mentions[m], emotion_of_sentences[s])
        frame["is_mixed"] = mixed
        return frame[[name for name, _ in SCORES]], mention_rows, sentence_rows

    def _document_frame(self, documents: np.ndarray, read: list[SpanMeans]) -> pd.DataFrame:
        calibration = self.model.calibration
        sentiments, emotions = heads.sentiment(self.model, documents), heads.emotions(self.model, documents)
        primary = heads.primary_emotion(emotions, calibration)
        columns: dict[str, Any] = {
            "n_tokens": [r.n_tokens for r in read],
            "n_windows": [r.n_windows for r in read],
            **_sentiment_columns(sentiments, calibration.uncertain_below),
            "primary_emotion": primary,
            "emotion_family": [FAMILY_OF[name] for name in primary],
            "emotional_intensity": heads.intensity(emotions),
            "is_emotional": heads.is_emotional(emotions, calibration),
            **{f"emotion_{name}": emotions[:, i].astype(float) for i, name in enumerate(EMOTIONS)},
        }
        columns["emotional_intensity"] = columns["emotional_intensity"].astype(float).round(heads.DECIMALS)
        return pd.DataFrame(columns)

    def _sentence_rows(self, nr: int, found: TextSpans, probabilities: np.ndarray, emotions: np.ndarray) -> list[dict]:
        columns = _sentiment_columns(probabilities, self.model.calibration.uncertain_below)
        return [
            {
                "text_nr": nr, "sentence": i, "start": s.start, "end": s.end, "primary_emotion": emotions[i],
                **{name: values[i] for name, values in columns.items()},
            }
            for i, s in enumerate(found.sentences)
        ]  # fmt: skip

    def _mention_rows(self, nr: int, found: TextSpans, probabilities: np.ndarray, emotions: np.ndarray) -> list[dict]:
        columns = _sentiment_columns(probabilities, self.model.calibration.aspect_uncertain_below)
        rows = []
        for i, mention in enumerate(found.mentions):
            common = {
                "text_nr": nr, "mention_id": i, "mention": mention.text, "start": mention.start, "end": mention.end,
                "sentence": mention.sentence, "opinion": mention.opinion, "is_negated": mention.is_negated,
                "primary_emotion": emotions[mention.sentence],
                **{name: values[i] for name, values in columns.items()},
            }  # fmt: skip
            hits: list[tuple[str | None, float | None, str]] = [(h.theme_id, h.score, h.method) for h in mention.themes]
            hits = hits or [(None, None, "none")]
            for theme_id, score, method in hits:
                rows.append(common | {"theme_id": theme_id, "theme_score": score, "method": method})
        return rows


_SPAN_COLUMNS = ["sentiment_label", "sentiment_score", *_SENTIMENT, "is_uncertain", "primary_emotion"]
MENTION_COLUMNS = [
    "mention_id", "theme_id", "mention", "start", "end", "sentence", "opinion", "is_negated", *_SPAN_COLUMNS,
    "theme_score", "method",
]  # fmt: skip
SENTENCE_COLUMNS = ["sentence", "start", "end", *_SPAN_COLUMNS]


def _sentiment_columns(probabilities: np.ndarray, uncertain_below: float) -> dict[str, np.ndarray]:
    p = probabilities.astype(float).round(heads.DECIMALS)
    return {
        "sentiment_label": heads.labels(p),
        "sentiment_score": (p[:, heads.POSITIVE] - p[:, heads.NEGATIVE]).round(heads.DECIMALS),
        **{name: p[:, i] for i, name in enumerate(_SENTIMENT)},
        "is_uncertain": p.max(axis=1, initial=0.0) < uncertain_below,
    }


def _stack(parts: list[np.ndarray], model: Model) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros((0, model.hidden), dtype=np.float32)


def score_rows(
    scorer: Scorer, texts: pd.Series, *, progress: Callable[[int], None] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Cleaned texts with a unique index -> documents (indexed like `texts`), mentions and sentences.

    The last two have a column `row` that holds the index of their text. Equal texts are scored once.
    """
    scores = scorer.score_texts(texts.tolist(), progress=progress)
    number = {text: nr for nr, text in enumerate(scores.texts)}
    rows = pd.DataFrame({"text_nr": [number[text] for text in texts], "row": texts.index})
    documents = scores.documents.reindex(rows["text_nr"]).set_axis(texts.index)
    mentions, sentences = (
        rows.merge(part, on="text_nr", how="inner").drop(columns="text_nr")
        for part in (scores.mentions, scores.sentences)
    )
    return documents, mentions, sentences


def score_staged(
    scorer: Scorer,
    staged: pd.DataFrame,
    *,
    sentences: bool = False,
    progress: Callable[[int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """Rows of STAGED to score, RangeIndex -> what `store.build` asks of a scorer: feedback, mentions, sentences.

    Sentences are None unless asked for: most lakes do without that table.
    """
    documents, mention_rows, sentence_rows = score_rows(scorer, staged["text"], progress=progress)
    keys = staged[["source", "feedback_id"]]
    mentions = mention_rows.join(keys, on="row").drop(columns="row")
    mentions["themes_version"] = scorer.taxonomy.version
    spoken = sentence_rows.join(keys, on="row").drop(columns="row") if sentences else None
    return documents.assign(**scorer.versions), mentions, spoken
