"""How themes are learned from labelled comments: three small linear models, joined.

N texts, H the encoder's hidden size, L labels, V n-grams, P = 3L logits, G groups of rows that must not be split.

One model reads the frozen encoder's document vector, one the words and pairs of words, one the runs of characters; they
err differently, and what joins them (stacked generalisation: Wolpert 1992) sees the logits of all labels, so that labels
that go together help each other. All that is set on rows (the joining layer, the thresholds) is set on logits of rows that their model has not seen.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cx_nlp.calibration import best_threshold
from cx_nlp.score.heads import sigmoid
from cx_nlp.themes.fitted import KINDS, Grams, gram_logits, probabilities, weighted_grams

FOLDS = 5  # of the figures; and within the training rows of each
INNER_FOLDS = 4
MIN_GRAM_TEXTS = 3  # a word that one or two customers used says little, and may be somebody's name
MAX_GRAMS = 20_000
# Inverse strengths of the L2 penalties, as scikit-learn has them.
DOCUMENT_C = 0.005
GRAMS_C = {"words": 20.0, "characters": 10.0}
JOIN_C = 0.1
Step = Callable[[int], None]


@dataclass(frozen=True)
class Learned:
    """weights: as in fitted.safetensors; thresholds (L,)."""

    grams: Grams
    weights: dict[str, np.ndarray]
    thresholds: np.ndarray

    def probabilities(self, texts: Sequence[str], documents: np.ndarray) -> np.ndarray:
        """-> (N, L)"""
        return probabilities(texts, documents, self.grams, self.weights)


def learn(
    texts: Sequence[str],
    documents: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray,
    *,
    rng: np.random.Generator,
    step: Step | None = None,
) -> Learned:
    """Cleaned texts (N), document means (N, H), labels bool (N, L >= 1), groups (N,) -> what applies to any text.

    N >= 2 in at least INNER_FOLDS groups. A label that a fold's rows all have, or all lack, gets its share as a constant there.
    """
    n, width = truth.shape
    unseen = np.zeros((n, (1 + len(KINDS)) * width))
    for train, test in folds(groups, truth, INNER_FOLDS, rng=rng):
        some = [texts[i] for i in train]
        grams, weights = _parts(some, documents[train], truth[train])
        unseen[test] = _logits([texts[i] for i in test], documents[test], grams, weights)
        if step:
            step(len(test))
    grams, weights = _parts(texts, documents, truth)
    weights["join.w"], weights["join.b"] = _joined(unseen, truth)
    p = np.zeros((n, width))
    for train, test in folds(groups, truth, INNER_FOLDS, rng=rng):
        w, b = _joined(unseen[train], truth[train])
        p[test] = sigmoid(unseen[test] @ w + b)
    if step:
        step(n)
    thresholds = np.array([best_threshold(p[:, i], truth[:, i]) for i in range(width)])
    return Learned(grams, {name: value.astype(np.float32) for name, value in weights.items()}, thresholds)


def out_of_fold(
    texts: Sequence[str],
    documents: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray,
    *,
    rng: np.random.Generator,
    step: Step | None = None,
) -> np.ndarray:
    """As `learn` -> which labels each text is given by a fit that has seen neither it nor its group, bool (N, L)."""
    said = np.zeros(truth.shape, dtype=bool)
    for train, test in folds(groups, truth, FOLDS, rng=rng):
        some = [texts[i] for i in train]
        learned = learn(some, documents[train], truth[train], groups[train], rng=rng, step=step)
        said[test] = learned.probabilities([texts[i] for i in test], documents[test]) >= learned.thresholds
    return said


STEPS = 2 * FOLDS  # times that `out_of_fold` and `learn` together tell `step` of each row


def folds(
    groups: np.ndarray, truth: np.ndarray, n: int, *, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """groups (N,), truth bool (N, L) -> n pairs of row numbers to train and to test on; groups are never split.

    Labels are spread evenly, rarest first (iterative stratification: Sechidis, Tsoumakas & Vlahavas 2011).
    """
    names, of_row = np.unique(groups, return_inverse=True)
    held = np.zeros((len(names), truth.shape[1]))
    np.add.at(held, of_row, truth)  # (G, L) rows of a group with a label
    size = np.bincount(of_row, minlength=len(names))
    fold = np.full(len(names), -1)
    labels, rows = np.zeros((n, truth.shape[1])), np.zeros(n)
    order = rng.permutation(len(names))
    by_rarity = np.argsort(held.sum(axis=0), kind="stable")
    for label in (*by_rarity, None):
        for group in order:
            if fold[group] >= 0 or (label is not None and not held[group, label]):
                continue
            load = (labels[:, label] if label is not None else np.zeros(n), rows)
            chosen = np.lexsort(load[::-1])[0]
            fold[group] = chosen
            labels[chosen] += held[group]
            rows[chosen] += size[group]
    of_row_fold = fold[of_row]
    for k in range(n):
        yield np.flatnonzero(of_row_fold != k), np.flatnonzero(of_row_fold == k)


def _parts(texts: Sequence[str], documents: np.ndarray, truth: np.ndarray) -> tuple[Grams, dict[str, np.ndarray]]:
    """All models on some rows -> n-grams and weights, without what joins them."""
    mean, scale = documents.mean(axis=0, dtype=np.float64), documents.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 1e-9, scale, 1.0)
    weights = {"mean": mean, "scale": scale}
    weights["document.w"], weights["document.b"] = _logistic((documents - mean) / scale, truth, DOCUMENT_C)
    grams: Grams = {}
    for kind, split in KINDS.items():
        found = [split(text) for text in texts]
        grams[kind], idf = vocabulary(found)
        weights[f"{kind}.idf"] = idf
        weights[f"{kind}.w"], weights[f"{kind}.b"] = _logistic(_matrix(found, grams[kind], idf), truth, GRAMS_C[kind])
    return grams, weights


def vocabulary(found: Sequence[Sequence[str]]) -> tuple[dict[str, int], np.ndarray]:
    """N-grams of each text (N) -> those of MIN_GRAM_TEXTS different texts or more, sorted, at most MAX_GRAMS, and their idf (V,).

    ln((1 + N) / (1 + texts that hold it)) + 1, the smoothed form that scikit-learn uses.
    """
    different = set(map(tuple, found))
    counts = Counter(gram for its in different for gram in set(its))
    kept = [gram for gram, count in counts.items() if count >= MIN_GRAM_TEXTS]
    kept = sorted(sorted(kept, key=lambda gram: (-counts[gram], gram))[:MAX_GRAMS])
    idf = np.array([np.log((1 + len(different)) / (1 + counts[gram])) + 1 for gram in kept])
    return {gram: row for row, gram in enumerate(kept)}, idf


def _matrix(found: Sequence[Sequence[str]], grams: dict[str, int], idf: np.ndarray):
    """N-grams of each text (N) -> sparse (N, V)"""
    from scipy.sparse import csr_matrix

    weighted = [weighted_grams(its, grams, idf) for its in found]
    ends = np.cumsum([0, *(len(rows) for rows, _ in weighted)])
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *(rows for rows, _ in weighted)])
    values = np.concatenate([np.zeros(0), *(values for _, values in weighted)])
    return csr_matrix((values, rows, ends), shape=(len(found), len(grams)))


def _logits(texts: Sequence[str], documents: np.ndarray, grams: Grams, weights: dict[str, np.ndarray]) -> np.ndarray:
    """-> the logits of all models beside each other (N, P)."""
    of_documents = (documents - weights["mean"]) / weights["scale"] @ weights["document.w"] + weights["document.b"]
    return np.hstack([of_documents, *(gram_logits(texts, kind, grams[kind], weights) for kind in KINDS)])


def _joined(unseen: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, P) of rows that their models have not seen -> the joining layer (P, L) and (L,)."""
    # Strong penalties on few rows make small logits; the penalty here must not depend on their size.
    mean, scale = unseen.mean(axis=0), unseen.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    weight, bias = _logistic((unseen - mean) / scale, truth, JOIN_C)
    return weight / scale[:, None], bias - (mean / scale) @ weight


def _logistic(features, truth: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """features (N, K), dense or sparse, truth bool (N, L) -> weights (K, L) and biases (L,) of a logistic regression a label."""
    from sklearn.linear_model import LogisticRegression

    weight, bias = np.zeros((features.shape[1], truth.shape[1])), np.zeros(truth.shape[1])
    for i, label in enumerate(truth.T):
        if not features.shape[1] or label.all() or not label.any():
            bias[i] = np.log((label.sum() + 0.5) / ((~label).sum() + 0.5))
            continue
        found = LogisticRegression(C=c, max_iter=1000).fit(features, label)
        weight[:, i], bias[i] = found.coef_[0], found.intercept_[0]
    return weight, bias
