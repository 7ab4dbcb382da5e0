"""Labelled data for training and tuning, as frames with one shape per task.

sentiment: text, label (0 negative, 1 neutral, 2 positive), field
emotion:   text, labels (list of indices into EMOTIONS)
aspect:    text, start, end, label   (offsets in code points of the *cleaned* text)

All text goes through `clean_text`, the function that scoring uses. Three stars and the NHS's 3 are not
clean neutrals, and the NHS comments are the product's first real input: neither is trained on.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cx_nlp.clean import clean_text
from cx_nlp.schema import EMOTIONS, SENTIMENTS
from models.recipes.sets import load


def half(text: str) -> str:
    """'fit' or 'report' by a hash of the text: what is tuned on one half is reported on the other."""
    return "fit" if hashlib.sha256(text.casefold().encode()).digest()[0] % 2 == 0 else "report"


def half_of(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of one half, 'fit' or 'report'."""
    return frame[frame["text"].map(half) == name].reset_index(drop=True)


def sentiment(root: Path, split: str) -> pd.DataFrame:
    """Tweets of SemEval 2017, tweets of the extraction set, clothing reviews without three stars.

    Texts that occur with two labels are dropped, and from dev every text that a training set of any field holds too.
    """
    names = {"semeval": "semeval2017", "extraction": "tweet_extraction", "clothing": "clothing_reviews"}
    parts = []
    for its in ("train", "dev"):  # dev last: what training has seen is not dev
        for field, name in names.items():
            part = load(name, its, root).to_pandas().assign(field=field, split=its)
            if field == "clothing":
                part = part[part["stars"] != 3]
                part["label"] = np.where(part["stars"] > 3, "positive", "negative")
            parts.append(part[["text", "label", "field", "split"]])
    frame = pd.concat(parts)
    frame["text"] = [clean_text(text) for text in frame["text"].fillna("")]
    frame = frame[frame["text"] != ""]
    frame["label"] = frame["label"].map({name: i for i, name in enumerate(SENTIMENTS)})
    key = frame["text"].str.casefold()  # the encoder is uncased: twins but for case are one text to it
    frame = frame[(frame.groupby(key)["label"].transform("nunique") == 1) & ~key.duplicated()]
    return frame[frame["split"] == split].drop(columns="split").reset_index(drop=True)


def emotion(root: Path, split: str) -> pd.DataFrame:
    """GoEmotions (Demszky et al. 2020), test as published; training texts that test holds too are dropped, and from dev
    what either of the others holds.
    """

    def read(its: str) -> pd.DataFrame:
        frame = load("goemotions", its, root).to_pandas()
        return frame.assign(
            text=[clean_text(t) for t in frame["text"]], labels=[[int(i) for i in row] for row in frame["labels"]]
        )

    frame = read(split)
    for other in {"train": ["test"], "dev": ["train", "test"]}.get(split, []):
        frame = frame[~frame["text"].str.casefold().isin(set(read(other)["text"].str.casefold()))]
    assert frame["labels"].map(max).max() < len(EMOTIONS)
    return frame.reset_index(drop=True)


def aspect(root: Path, split: str) -> pd.DataFrame:
    """MAMS aspect terms (Jiang et al. 2019): every sentence holds at least two polarities.

    A sentence that cleaning changes is dropped (its offsets no longer hold): counted in `attrs['dropped']`.
    """
    rows, dropped = [], 0
    for term in load("mams-atsa", split, root):
        cleaned = clean_text(term["text"])
        if cleaned[term["start"] : term["end"]] != term["term"]:
            dropped += 1
            continue
        rows.append((cleaned, term["start"], term["end"], SENTIMENTS.index(term["label"])))
    frame = pd.DataFrame(rows, columns=["text", "start", "end", "label"])
    frame.attrs["dropped"] = dropped
    return frame


_WORD = re.compile(r"[A-Za-z]{4,}")
_JOINERS = (" but ", " and ", ". ", ", ", "! ")


def joined(sentiments: pd.DataFrame, *, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Two labelled texts put together -> text, start, end, label, head; the label is that of the half.

    A random content word of each half is a mention (head "aspect"): an aspect head that saw only restaurant sentences
    says "neutral" too often elsewhere. The half itself is a sentence in the company of another (head "sentiment").
    """
    short = sentiments[sentiments["text"].str.len().between(15, 140)]
    each = -(-2 * rows // short["label"].nunique())
    drawn = short.groupby("label").sample(n=each, replace=True, random_state=rng).sample(frac=1, random_state=rng)
    texts, labels = drawn["text"].to_numpy(), drawn["label"].to_numpy()
    out = []
    for i in range(rows):
        left, right = texts[2 * i].rstrip(" ."), texts[2 * i + 1]
        text = left + _JOINERS[rng.integers(len(_JOINERS))]
        halves = ((left, 0, labels[2 * i]), (right, len(text), labels[2 * i + 1]))
        text += right
        for part, at, label in halves:
            out.append((text, at, at + len(part), label, "sentiment"))
            words = [m.span() for m in _WORD.finditer(part.rstrip(" ."))]
            if words:
                start, end = words[rng.integers(len(words))]
                out.append((text, at + start, at + end, label, "aspect"))
    return pd.DataFrame(out, columns=["text", "start", "end", "label", "head"])


def joined_pairs(dev: pd.DataFrame, *, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Labelled texts joined by twos -> text, start, end, label, a row a side; neutral ones left out."""
    pairs = joined(dev[dev["label"] != SENTIMENTS.index("neutral")], rows=rows, rng=rng)
    sides = pairs[pairs["head"] == "sentiment"].drop(columns="head")
    return sides[sides.groupby("text")["text"].transform("size") == 2].reset_index(drop=True)


# The publisher's own grouping of the 28 labels (GoEmotions' sentiment_mapping.json).
_POSITIVE = (
    "admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude", "joy", "love", "optimism",
    "pride", "relief",
)  # fmt: skip
_NEGATIVE = (
    "anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment", "fear", "grief",
    "nervousness", "remorse", "sadness",
)  # fmt: skip


def valence(labels: Sequence[int]) -> int:
    """Labels of one text, indices into EMOTIONS -> 0, 1 or 2 as in SENTIMENTS if all agree, else -1 (also for surprise & co.)."""
    names = {EMOTIONS[i] for i in labels}
    for value, group in ((0, _NEGATIVE), (1, ("neutral",)), (2, _POSITIVE)):
        if names <= set(group):
            return value
    return -1
