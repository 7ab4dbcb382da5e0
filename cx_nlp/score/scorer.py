"""From a table of cleaned texts to their scores: documents, sentences and mentions from one pass.

The scorer knows no source, no lake and no clock: equal texts get equal scores, and what stands beside them moves
no probability by more than 0.01 (see `cx_nlp.score.engines`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from cx_nlp.schema import SCORES
from cx_nlp.score import heads
from cx_nlp.score.checkpoint import Checkpoint
from cx_nlp.score.encoder import Encoder
from cx_nlp.score.engines import AUTO
from cx_nlp.score.frames import document_frame
from cx_nlp.score.model import Calibration, Model, load_model
from cx_nlp.score.replaced import Pair, Replaced
from cx_nlp.score.replacement import Replacement
from cx_nlp.score.seeding import embed_seeds, themes_and_vectors
from cx_nlp.score.span_rows import MENTION_COLUMNS, SENTENCE_COLUMNS, Keep, comment_rows, mention_rows, sentence_rows
from cx_nlp.score.span_vectors import aspects, judged_spans, span_vectors
from cx_nlp.themes.fitted import check_model
from cx_nlp.themes.match import analyse
from cx_nlp.themes.seeds import Seeds
from cx_nlp.themes.taxonomy import Taxonomy

# Texts analysed and encoded together: enough to fill batches of like length, few enough to stay small in memory.
CHUNK = 512


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
    """The shared model, and the checkpoints that stand in for its heads or read languages that it cannot."""

    def __init__(self, model: Model, encoder: Encoder, taxonomy: Taxonomy, *, replaced: Replaced | None = None) -> None:
        self.model = model
        self.encoder = encoder
        self.taxonomy = taxonomy
        self.replaced = replaced or Replaced()
        for one in taxonomy.fitted:
            check_model(one, model)

    @classmethod
    def load(
        cls,
        *,
        model: str,
        taxonomy: Taxonomy,
        threads: int = 0,
        engine: str = AUTO,
        replacements: Sequence[Replacement] = (),
    ) -> "Scorer":
        loaded = load_model(model)
        replaced = Replaced(replacements, threads=threads)
        return cls(loaded, Encoder(loaded, threads=threads, engine=engine), taxonomy, replaced=replaced)

    @cached_property
    def seeds(self) -> Seeds | None:
        """The seed phrases of the taxonomy by this model's theme head; None if it has none."""
        return embed_seeds(self.model, self.encoder, self.taxonomy)

    @property
    def languages(self) -> frozenset[str]:
        return frozenset([*self.model.languages, *self.replaced.languages])

    @property
    def model_version(self) -> str:
        """Of all heads of all languages: what stands in `runs`."""
        foreign = [name for name in self.replaced.languages if not self._is_shared(name)]
        own = [f"{n}.{head}={v}" for n in foreign for head, v in self._pair(n).versions.items()]
        return "|".join([self._version(None), *own])

    def versions(self, language: str | None = None) -> dict[str, str]:
        """`model_version` and `engine` of a text in this language; None: one that the shared model reads."""
        engines = [self.encoder.engine] if self._is_shared(language) else []
        if self._pair(language).versions:
            from cx_nlp.score.classifier import engine

            engines.append(engine())
        return {"model_version": self._version(language), "engine": "+".join(engines)}

    def _version(self, language: str | None) -> str:
        used = dict.fromkeys(("sentiment", "emotion", "aspect"), self.model.scores) if self._is_shared(language) else {}
        return "|".join(f"{head}={version}" for head, version in (used | self._pair(language).versions).items())

    def _is_shared(self, language: str | None) -> bool:
        return language is None or language in self.model.languages

    def _pair(self, language: str | None) -> Pair:
        return self.replaced.of(language, is_shared=self._is_shared(language))

    def score_texts(
        self,
        texts: Sequence[str],
        *,
        language: str | None = None,
        vectors: Keep = "none",
        progress: Callable[[int], None] | None = None,
    ) -> TextScores:
        """Unique, cleaned, non-empty texts of one of `languages` (None: one that the shared model reads) -> their scores,
        in order of length; `progress` gets the number of texts just done.

        vectors: of which mentions the theme vector is kept, in a column `vector` of `mentions` (float16 (H,), unit
        length; None for the others): "none" (no such column), "unthemed" or "all".
        """
        pair = self._pair(language)
        score = partial(self._chunk if self._is_shared(language) else self._foreign_chunk, pair)
        # Sorting makes batches of like length and the result independent of the order in which texts came.
        ordered = sorted(set(texts), key=lambda text: (len(text), text))
        parts = []
        for at in range(0, len(ordered), CHUNK):
            parts.append(score(ordered[at : at + CHUNK], first=at, vectors=vectors))
            if progress:
                progress(min(CHUNK, len(ordered) - at))
        documents = [rows for rows, _, _ in parts]
        mentions = [row for _, rows, _ in parts for row in rows]
        sentences = [row for _, _, rows in parts for row in rows]
        frame = pd.concat(documents) if documents else pd.DataFrame(columns=[name for name, _ in SCORES])
        return TextScores(
            ordered,
            frame,
            pd.DataFrame(mentions, columns=["text_nr", *MENTION_COLUMNS, *(["vector"] if vectors != "none" else [])]),
            pd.DataFrame(sentences, columns=["text_nr", *SENTENCE_COLUMNS]),
        )

    def _foreign_chunk(
        self, pair: Pair, texts: list[str], *, first: int, vectors: Keep
    ) -> tuple[pd.DataFrame, list[dict], list[dict]]:
        """A language that only checkpoints read: documents alone, as the parser that finds sentences and mentions is
        English; without spans nobody knows whether a text is mixed.
        """
        sentiment, emotion = (cp.read(texts) if cp else None for cp in (pair.sentiment, pair.emotion))
        read = sentiment or emotion
        if read is None:
            raise ValueError("no checkpoint reads this language")
        frame = document_frame(
            sentiment.probabilities if sentiment else None,
            emotion.probabilities if emotion else None,
            calibration=pair.calibrated(Calibration()),
            n_tokens=read.n_tokens,
            n_windows=read.n_windows,
        ).set_axis(range(first, first + len(texts)))
        frame["is_mixed"] = None
        return frame[[name for name, _ in SCORES]], [], []

    @staticmethod
    def _judge(
        checkpoint: Checkpoint | None, shared: Callable[[], np.ndarray], texts: list[str], parts: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of the texts and of their sentences: the shared head's, or of a checkpoint that reads each anew."""
        both = (
            checkpoint.read([*texts, *parts]).probabilities if checkpoint else shared()
        )  # many a text is one sentence
        return both[: len(texts)], both[len(texts) :]

    def _chunk(
        self, pair: Pair, texts: list[str], *, first: int, vectors: Keep
    ) -> tuple[pd.DataFrame, list[dict], list[dict]]:
        found = list(analyse(texts, self.taxonomy))
        read = span_vectors(self.encoder, texts, found)
        calibration = pair.calibrated(self.model.calibration)
        parts = [text[s.start : s.end] for text, f in zip(texts, found, strict=True) for s in f.sentences]
        means, counts = read.documents.joined(read.sentences)
        sentiment = partial(heads.sentiment, self.model, means, counts)
        of_texts, of_sentences = self._judge(pair.sentiment, sentiment, texts, parts)
        emotions, emotions_of_sentences = self._judge(
            pair.emotion, partial(heads.emotions, self.model, means), texts, parts
        )
        of_mentions = aspects(self.model, read)  # (mentions, 3)
        emotion_of_sentences = heads.primary_emotion(emotions_of_sentences, calibration)
        frame = document_frame(
            of_texts,
            emotions,
            calibration=calibration,
            n_tokens=read.documents.n_tokens.tolist(),
            n_windows=read.n_windows,
        ).set_axis(range(first, first + len(texts)))
        themes, kept = themes_and_vectors(self.model, found, read.mentions.means, self.seeds, keep=vectors)
        mixed, rows_of_mentions, rows_of_sentences = [], [], []
        at_sentence = at_mention = 0
        judged = judged_spans(self.model, read, of_sentences, of_mentions)
        wholes = heads.mixed_evidence(self.model, read.documents.means)
        for nr, (f, (spoken, others), whole) in enumerate(zip(found, judged, wholes, strict=True), first):
            s = slice(at_sentence, at_sentence + len(f.sentences))
            m = slice(at_mention, at_mention + len(f.mentions))
            at_sentence, at_mention = s.stop, m.stop
            # Sentences may be a checkpoint's, with a threshold of its own; the other spans are always the shared model's.
            thresholds = [calibration.mixed_above, self.model.calibration.mixed_aspect_above]
            above = np.repeat(thresholds, [len(spoken), len(others)])[:, None]
            mixed.append(heads.is_mixed(np.concatenate([spoken, others]), above, whole=whole))
            rows_of_sentences += sentence_rows(nr, f, of_sentences[s], emotion_of_sentences[s], calibration)
            rows_of_mentions += mention_rows(
                nr, f, themes[m], of_mentions[m], emotion_of_sentences[s], self.model.calibration, kept[m]
            )
        frame["is_mixed"] = mixed
        for one in self.taxonomy.fitted:
            rows_of_mentions += comment_rows(
                frame, one.ids, one.probabilities(texts, read.documents.means), one.thresholds
            )
        return frame[[name for name, _ in SCORES]], rows_of_mentions, rows_of_sentences


def score_rows(
    scorer: Scorer,
    texts: pd.Series,
    languages: pd.Series | None = None,
    *,
    vectors: Keep = "none",
    progress: Callable[[int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Cleaned texts with a unique index -> documents (indexed like `texts`, with versions), mentions and sentences.

    languages: of each text, one of the scorer's; None: the shared model's. The last two frames have a column `row` that
    holds the index of their text. Equal texts of a language are scored once. vectors: see `Scorer.score_texts`.
    """
    score = partial(_score_language, scorer, vectors=vectors, progress=progress)
    if languages is None or not len(texts):
        return score(texts, None)
    # All languages of the shared model go through one pass, unless checkpoints read one of them in another way.
    readers = languages.map(lambda name: name if name in scorer.replaced.languages else None)
    groups = [(name, texts[readers == name]) for name in sorted(readers.dropna().unique())]
    groups = [(None, texts[readers.isna()]), *groups]
    parts = [score(some, name) for name, some in groups if len(some)]
    if len(parts) == 1:
        return parts[0]
    documents, mentions, sentences = (pd.concat(frames) for frames in zip(*parts, strict=True))
    return documents.loc[texts.index], mentions.reset_index(drop=True), sentences.reset_index(drop=True)


def _score_language(
    scorer: Scorer, texts: pd.Series, language: str | None, *, vectors: Keep, progress: Callable[[int], None] | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    scores = scorer.score_texts(texts.tolist(), language=language, vectors=vectors, progress=progress)
    number = {text: nr for nr, text in enumerate(scores.texts)}
    rows = pd.DataFrame({"text_nr": [number[text] for text in texts], "row": texts.index})
    documents = scores.documents.reindex(rows["text_nr"]).set_axis(texts.index)
    mentions, sentences = (
        rows.merge(part, on="text_nr", how="inner").drop(columns="text_nr")
        for part in (scores.mentions, scores.sentences)
    )
    return documents.assign(**scorer.versions(language)), mentions, sentences


def score_staged(
    scorer: Scorer,
    staged: pd.DataFrame,
    *,
    sentences: bool = False,
    vectors: Keep = "none",
    progress: Callable[[int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]:
    """Rows of STAGED to score, RangeIndex -> what `store.build` asks of a scorer: feedback, mentions, sentences.

    Sentences are None unless asked for: most lakes do without that table. vectors: see `Scorer.score_texts`; the
    column `vector` is for theme discovery, no table of the lake holds it.
    """
    documents, of_mentions, of_sentences = score_rows(
        scorer, staged["text"], staged["language"], vectors=vectors, progress=progress
    )
    keys = staged[["source", "feedback_id"]]
    mentions = of_mentions.join(keys, on="row").drop(columns="row")
    mentions["themes_version"] = scorer.taxonomy.version
    spoken = of_sentences.join(keys, on="row").drop(columns="row") if sentences else None
    return documents, mentions, spoken
