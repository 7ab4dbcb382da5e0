"""The training examples of one epoch: draws from the labelled sets, joined texts, lessons; encoded to tokens.

An example is one text with everything that is asked of it:

    sentiment  soft target (3) of the document, with the log prior of the field it comes from
    emotion    the labels (28 zeros and ones) of the document
    spans      (first token, end token, head, class): aspect mentions, and the sides of joined texts

The field's prior is added to the logits while training (logit adjustment: Menon et al. 2021): that 15 % of the tweets
are negative is no fact about their words. What is learned is the evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from cx_nlp.schema import EMOTIONS, SENTIMENTS
from models.recipes import data
from models.recipes.lessons import aspect_lessons, lessons
from models.recipes.network import BRANCHED
from models.recipes.noise import disturb

# Taken as the share of a class that a field lacks: clothing reviews lost their neutrals with the one in eight that had
# three stars. Without any share the model would learn nothing of how rare neutral reviews are, and doubt itself.
LEFT_OUT = 1 / 8
Span = tuple[int, int, str, int]


@dataclass(frozen=True)
class Example:
    task: str
    ids: list[int]
    sentiment: np.ndarray | None = None  # (3,) probabilities
    prior: np.ndarray | None = None  # (3,) log prior of the field; None is no adjustment
    emotions: np.ndarray | None = None  # (28,) zeros and ones
    spans: list[Span] = field(default_factory=list)
    weight: float = 1.0  # of the sentiment loss
    text: int | None = None  # number of the text in the table of texts, where soft labels and embeddings are looked up


def encode(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> list[tuple[list[int], list]]:
    """-> for each text its ids and character offsets, cut to max_tokens with the closing [SEP] kept."""
    out = []
    for e in tokenizer.encode_batch(list(texts)):
        ids, offsets = list(e.ids), list(e.offsets)
        if len(ids) > max_tokens:
            ids, offsets = [*ids[: max_tokens - 1], ids[-1]], [*offsets[: max_tokens - 1], (0, 0)]
        out.append((ids, offsets))
    return out


def token_span(offsets: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """Tokens that overlap the characters [start, end) -> [first, last + 1); (0, 0) if none does."""
    hit = [i for i, (s, e) in enumerate(offsets) if s < end and e > start]
    return (hit[0], hit[-1] + 1) if hit else (0, 0)


def one_hot(labels: Sequence[int], smoothing: float) -> np.ndarray:
    """labels (N,) -> (N, 3) probabilities, `smoothing` of each row spread over all classes."""
    eye = np.eye(len(SENTIMENTS))[np.asarray(labels, dtype=int)]
    return eye * (1 - smoothing) + smoothing / len(SENTIMENTS)


def log_prior(labels: pd.Series, strength: float) -> np.ndarray:
    """labels of one field -> (3,) `strength` times the log share of each class; LEFT_OUT for a class it lacks."""
    share = np.bincount(labels, minlength=len(SENTIMENTS)) / len(labels)
    return strength * np.log(np.where(share > 0, share, LEFT_OUT))


def drawn(frame: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """n rows: whole passes over the frame, and a sample without replacement for the rest."""
    whole, rest = divmod(n, len(frame))
    return pd.concat([frame] * whole + [frame.sample(n=rest, random_state=rng)], ignore_index=True)


def repeat_factors(labels: pd.Series, *, threshold: float, most: float) -> np.ndarray:
    """Lists of labels (N,) -> (N,) >= 1: how often each text is drawn, sqrt(threshold / share of its rarest label).

    Repeat-factor sampling (Gupta et al. 2019, LVIS): macro-F1 counts grief (77 texts of 43,410) as much as gratitude.
    """
    counts = np.bincount(np.concatenate([np.asarray(one) for one in labels]), minlength=len(EMOTIONS))
    share = np.maximum(counts, 1) / len(labels)
    factor = np.clip(np.sqrt(threshold / share), 1.0, most)
    return np.array([factor[one].max() for one in labels])


class Mixture:
    """All labelled sets, read once; `epoch(rng)` draws the examples of one epoch as `config['draw']` says."""

    def __init__(self, root: Path, tokenizer: Tokenizer, config: dict) -> None:
        self.tokenizer, self.config = tokenizer, config
        self.sentiments = data.sentiment(root, "train")
        self.emotions = data.emotion(root, "train")
        self.aspects = data.aspect(root, "train")
        strength = config["prior_strength"]
        self.priors = {f: log_prior(rows["label"], strength) for f, rows in self.sentiments.groupby("field")}
        valence = self.emotions["labels"].map(data.valence)
        self.emotions = self.emotions.assign(valence=valence)
        self.priors["goemotions"] = log_prior(valence[valence >= 0], strength)
        # Every text that may be asked for its embedding or its soft labels, in a fixed order.
        self.texts = sorted({*self.sentiments["text"], *self.emotions["text"], *self.aspects["text"]})
        self.number = {text: i for i, text in enumerate(self.texts)}

    def epoch(self, rng: np.random.Generator) -> list[Example]:
        return [*self._sentiment(rng), *self._emotion(rng), *self._aspect(rng), *self._lessons(rng)]

    def _encode(self, texts: Sequence[str]) -> list[tuple[list[int], list]]:
        return encode(self.tokenizer, texts, self.config["max_tokens"])

    def _sentiment(self, rng: np.random.Generator) -> list[Example]:
        out = []
        for name, n in self.config["draw"]["sentiment"].items():
            rows = drawn(self.sentiments[self.sentiments["field"] == name], n, rng)
            targets = one_hot(rows["label"], self.config["label_smoothing"])
            if name == "clothing":  # no neutral to smooth towards
                targets[:, 1] = 0.0
                targets /= targets.sum(1, keepdims=True)
            texts = [disturb(t, rng, share=self.config["noise"]) for t in rows["text"]]
            out += [
                Example("sentiment", ids, sentiment=target, prior=self.priors[name], text=self.number[raw])
                for (ids, _), target, raw in zip(self._encode(texts), targets, rows["text"], strict=True)
            ]
        return out

    def _emotion(self, rng: np.random.Generator) -> list[Example]:
        rare = self.config["rare"]
        factor = repeat_factors(self.emotions["labels"], threshold=rare["threshold"], most=rare["most"])
        repeats = np.floor(factor + rng.random(len(factor))).astype(int)  # 1.3 is drawn once, and a third time in ten
        rows = drawn(self.emotions.loc[self.emotions.index.repeat(repeats)], self.config["draw"]["emotion"], rng)
        targets = one_hot(rows["valence"].clip(lower=0), self.config["label_smoothing"])
        out = []
        for (ids, _), labels, valence, target, raw in zip(
            self._encode(rows["text"]), rows["labels"], rows["valence"], targets, rows["text"], strict=True
        ):
            emotions = np.zeros(len(EMOTIONS))
            emotions[labels] = 1.0
            weight = self.config["valence_weight"] if valence >= 0 else 0.0
            out.append(
                Example(
                    "emotion",
                    ids,
                    sentiment=target,
                    prior=self.priors["goemotions"],
                    emotions=emotions,
                    weight=weight,
                    text=self.number[raw],
                )
            )
        return out

    def _aspect(self, rng: np.random.Generator) -> list[Example]:
        draw = self.config["draw"]
        frames = [self.aspects.assign(head="aspect")] * draw["aspect_repeats"]
        frames.append(data.joined(self.sentiments, rows=draw["joined"], rng=rng))
        frames.append(aspect_lessons(draw["aspect_lessons"], rng=rng).assign(head="aspect"))
        out = []
        for frame in frames:
            groups = list(frame.groupby("text", sort=True))
            encoded = self._encode([text for text, _ in groups])
            for (text, rows), (ids, offsets) in zip(groups, encoded, strict=True):
                spans = [(*token_span(offsets, r.start, r.end), r.head, int(r.label)) for r in rows.itertuples()]
                # A branch learns nothing of the sentiment head, which reads the sides of joined texts.
                spans = [s for s in spans if s[0] < s[1] and (s[2] in BRANCHED or not self.config["branch"])]
                if spans:
                    out.append(Example("aspect", ids, spans=spans, text=self.number.get(text)))
        return out

    def _lessons(self, rng: np.random.Generator) -> list[Example]:
        rows = lessons(self.config["draw"]["lessons"], rng=rng)
        targets = rows[[f"p_{name}" for name in SENTIMENTS]].to_numpy()
        return [
            Example("lesson", ids, sentiment=target)
            for (ids, _), target in zip(self._encode(rows["text"]), targets, strict=True)
        ]


def batches(
    examples: list[Example], *, max_tokens: int, max_texts: int, pool: int, rng: np.random.Generator
) -> list[list[Example]]:
    """Batches of one task each, alike in length within a pool, at most max_tokens padded tokens, in random order."""
    out = []
    for task in sorted({e.task for e in examples}):
        mine = [e for e in examples if e.task == task]
        mine = [mine[i] for i in rng.permutation(len(mine))]
        for at in range(0, len(mine), pool):
            batch: list[Example] = []
            for e in sorted(mine[at : at + pool], key=lambda e: len(e.ids)):
                if batch and (len(batch) == max_texts or (len(batch) + 1) * len(e.ids) > max_tokens):
                    out.append(batch)
                    batch = []
                batch.append(e)
            out.append(batch)
    return [out[i] for i in rng.permutation(len(out))]
