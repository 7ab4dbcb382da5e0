"""Vectors to probabilities, and probabilities to the figures that are stored. Pure numpy.

S spans or documents, H hidden size.
"""

from collections.abc import Sequence

import numpy as np

from cx_nlp.schema import EMOTIONS, SENTIMENTS, UNEMOTIONAL
from cx_nlp.score.model import Calibration, Model

NEGATIVE, NEUTRAL, POSITIVE = range(3)
_NO_EMOTION = EMOTIONS.index("neutral")
_MOVING = np.array([name not in UNEMOTIONAL for name in EMOTIONS])
# Probabilities are stored to five decimals: what lies beyond is rounding noise of the processor, and rounding
# it away keeps a rerun's bytes equal.
DECIMALS = 5
REFERENCE_TOKENS = 32  # the length at which a temperature is stated: a short comment
_LENGTHS = (6, 96)
# In logits: the one complaint in a page of praise hardly moves the page's mean, and must not be talked away by it.
_MIXED_REACH = 2.0


def logits(model: Model, head: str, inputs: np.ndarray) -> np.ndarray:
    """Inputs (S, I) of a two-layer head -> (S, O), uncalibrated.

    A head reads the first columns that it has weights for: those of a branch, which stand behind, are not for all.
    """
    (w1, b1), (w2, b2) = model.layers[f"{head}.1"], model.layers[f"{head}.2"]
    return _rowwise(np.tanh(_rowwise(inputs[:, : len(w1)], w1) + b1), w2) + b2


def _rowwise(inputs: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """inputs (S, I), weight (I, O) -> (S, O) in blocks of fixed shape, so that BLAS takes one path for all rows."""
    block = 32
    padded = np.zeros((-(-len(inputs) // block) * block, inputs.shape[1]), dtype=np.float32)
    padded[: len(inputs)] = inputs
    out = [padded[i : i + block] @ weight for i in range(0, len(padded), block)]
    return np.concatenate(out)[: len(inputs)] if out else np.zeros((0, weight.shape[1]), dtype=np.float32)


def softmax(scores: np.ndarray) -> np.ndarray:
    """(S, C) -> (S, C), each row summing to 1."""
    exp = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=-np.inf))
    return exp / exp.sum(axis=-1, keepdims=True)


def sigmoid(scores: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-scores))


def logit(probabilities: np.ndarray) -> np.ndarray:
    """The inverse of `sigmoid`, finite at 0 and 1 as well."""
    p = np.clip(probabilities, 10.0**-DECIMALS, 1 - 10.0**-DECIMALS)
    return np.log(p / (1 - p))


def calibrated(scores: np.ndarray, temperature: float | np.ndarray, bias: Sequence[float]) -> np.ndarray:
    """logits (S, C) -> probabilities (S, C) by a temperature, for all or (S, 1), and a bias a class (vector scaling: Guo et al. 2017)."""
    return softmax(scores / temperature + np.asarray(bias)).round(DECIMALS)


def temperatures(n_tokens: Sequence[int] | np.ndarray, *, reference: float, power: float) -> np.ndarray:
    """Tokens of each span (S,) -> its temperature (S, 1): reference * (tokens / REFERENCE_TOKENS) ** power.

    A mean over few tokens is noisier than one over many, so one temperature makes short texts too sure of themselves
    and long ones too doubtful. Lengths beyond `_LENGTHS` count as its ends: dev has too few of them to say more.
    """
    lengths = np.clip(np.asarray(n_tokens, dtype=np.float64), *_LENGTHS)
    return (reference * (lengths / REFERENCE_TOKENS) ** power)[:, None]


def sentiment(model: Model, means: np.ndarray, n_tokens: Sequence[int] | np.ndarray) -> np.ndarray:
    """means (S, H) of documents or sentences, tokens of each (S,) -> calibrated probabilities (S, 3)."""
    c = model.calibration
    t = temperatures(n_tokens, reference=c.sentiment_temperature, power=c.sentiment_length_power)
    return calibrated(logits(model, "sentiment", means), t, c.sentiment_bias)


def aspect(model: Model, means: np.ndarray, documents: np.ndarray) -> np.ndarray:
    """means (S, H) of mentions beside the means (S, H) of their documents -> calibrated probabilities (S, 3)."""
    inputs = np.concatenate([means, documents], axis=1)  # (S, 2H)
    c = model.calibration
    return calibrated(logits(model, "aspect", inputs), c.aspect_temperature, c.aspect_bias)


def emotions(model: Model, means: np.ndarray) -> np.ndarray:
    """means (S, H) -> independent calibrated probabilities (S, 28)."""
    c = model.calibration
    return sigmoid(logits(model, "emotion", means) / c.emotion_temperature + np.asarray(c.emotion_bias)).round(DECIMALS)


def theme_vectors(model: Model, means: np.ndarray) -> np.ndarray:
    """means (S, H) -> unit vectors (S, 384) that keep the geometry of the untouched encoder's embedding."""
    weight, bias = model.layers["theme"]
    vectors = _rowwise(means[:, : len(weight)], weight) + bias
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def labels(probabilities: np.ndarray) -> np.ndarray:
    """(S, 3) -> names of the most probable sentiment (S,); ties go to the lower index."""
    return np.array(SENTIMENTS, dtype=object)[probabilities.argmax(axis=1)]


def above_threshold(probabilities: np.ndarray, calibration: Calibration) -> np.ndarray:
    """(S, 28) -> which labels reach their own threshold, bool (S, 28)."""
    return probabilities >= np.asarray(calibration.emotion_thresholds)


def primary_emotion(probabilities: np.ndarray, calibration: Calibration) -> np.ndarray:
    """(S, 28) -> the most probable of the 27 that reaches its own threshold, else "neutral", (S,)."""
    found = np.where(above_threshold(probabilities, calibration), probabilities, -1.0)
    found[:, _NO_EMOTION] = 0.0
    return np.array(EMOTIONS, dtype=object)[found.argmax(axis=1)]


def is_emotional(probabilities: np.ndarray, calibration: Calibration) -> np.ndarray:
    """(S, 28) -> whether an emotion that moves (see `UNEMOTIONAL`) reaches its threshold, bool (S,)."""
    return (above_threshold(probabilities, calibration) & _MOVING).any(axis=1)


def intensity(probabilities: np.ndarray) -> np.ndarray:
    """(S, 28) -> (S,) in [0, 1]: the probability of the strongest emotion that moves (see `UNEMOTIONAL`).

    NaN, an emotion that a checkpoint does not know, is passed over.
    """
    return np.nan_to_num(probabilities[:, _MOVING], nan=0.0).max(axis=1, initial=0.0)


def mixed_evidence(model: Model, documents: np.ndarray) -> np.ndarray:
    """Means (N, H) of documents -> (N,) in logits: what the text as a whole adds to the evidence of its spans that it is
    mixed. 0 for a model without such a head."""
    if "mixed" not in model.layers:
        return np.zeros(len(documents))
    weight, bias = model.layers["mixed"]
    said = (_rowwise(documents[:, : len(weight)], weight) + bias)[:, 0]
    return model.calibration.mixed_weight * np.clip(said, -_MIXED_REACH, _MIXED_REACH)


def clear_sides(spans: np.ndarray, above: float | np.ndarray) -> np.ndarray:
    """Probabilities (S, 3) of a text's spans -> (2,) in logits: how far its clearest negative and its clearest positive span
    lie above what is asked of them; -inf for a side that it has no span of.

    A span has one side at most, that of its label. above: in [0, 1], for all or (S, 1) for each.
    """
    of_label = np.arange(len(SENTIMENTS)) == spans.argmax(axis=1)[:, None]
    beyond = np.where(of_label, logit(spans) - logit(np.asarray(above)), -np.inf)
    return beyond[:, [NEGATIVE, POSITIVE]].max(axis=0, initial=-np.inf)


def is_mixed(spans: np.ndarray, above: float | np.ndarray, *, whole: float = 0.0) -> bool:
    """Probabilities (S, 3) of one text's spans -> one clearly positive and another clearly negative; False for none.

    above: the probability from which a span is clear, for all or (S, 1) for each; whole: `mixed_evidence` of the text, which
    raises or lowers it.
    """
    return bool(clear_sides(spans, above).min() + whole > 0)
