"""Fit calibration and thresholds of an exported model on one half of each dev set, and write them to model.json.

    python -m models.recipes.calibrate --model models/minilm-cx --data-root DATA

The exported 8-bit weights are what is calibrated: the figures are of what ships. `models.recipes.measure`
reports on the other half.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from cx_nlp.calibration import best_threshold, ece
from cx_nlp.labelled import label_matrix
from cx_nlp.schema import EMOTIONS
from cx_nlp.score import heads
from cx_nlp.score.model import Calibration, by_label
from cx_nlp.score.predict import Predictor
from cx_nlp.themes.taxonomy import load_taxonomies
from models.recipes import data, mixed
from models.recipes.command import one_line

_TEMPERATURES = np.arange(0.4, 3.01, 0.05)
_POWERS = np.arange(-0.6, 0.31, 0.05)
_PAIRS, _SEED = 1_000, 7  # joined texts
KEPT_SHARE = 0.9  # the tenth of dev with the lowest confidence is what is called uncertain
_BIAS_PENALTY = 4.0  # of the emotions' biases: a label with few examples stays near the common calibration


def length_scaling(
    logits: np.ndarray, labels: np.ndarray, n_tokens: np.ndarray, fields: np.ndarray
) -> tuple[float, float]:
    """Temperature at `heads.REFERENCE_TOKENS` tokens and power of the length, of the least ECE over fields.

    logits (N, C); labels, n_tokens, fields (N,). Temperature scaling (Guo et al. 2017), with a temperature that goes with
    the length of the text (`heads.temperatures`). Each field counts the same, whatever its size: the calibration serves
    fields that are in none of them. What is least is the top label's calibration error itself: log loss is ruled by
    disputed labels, and chose a power of -0.15 where -0.5 halves the error on the other half of dev.
    """
    right = logits.argmax(axis=1) == labels
    rows = [fields == name for name in np.unique(fields)]

    def error(t: float, power: float) -> float:
        confidence = heads.softmax(logits / heads.temperatures(n_tokens, reference=t, power=power)).max(axis=1)
        return float(np.mean([ece(confidence[its], right[its]) for its in rows]))

    found = min((error(t, power), t, power) for t in _TEMPERATURES for power in _POWERS)
    return round(float(found[1]), 3), round(float(found[2]), 3)


def vector_scaling(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """Temperature and bias (C,) of the least weighted log loss (Guo et al. 2017); logits (N, C), labels, weights (N,).

    The biases sum to zero. A temperature outside 0.2..5 says that something else is wrong, so it ends there.
    """
    width, rows = logits.shape[1], np.arange(len(labels))

    def loss(x: np.ndarray) -> float:
        p = heads.softmax(logits / np.exp(x[0]) + x[1:])
        return float((-np.log(p[rows, labels] + 1e-12) * weights).sum() / weights.sum() + 1e-3 * (x[1:] ** 2).sum())

    bounds = [(np.log(0.2), np.log(5.0)), *[(-3.0, 3.0)] * width]
    found = minimize(loss, np.zeros(1 + width), bounds=bounds).x
    return round(float(np.exp(found[0])), 3), (found[1:] - found[1:].mean()).round(3)


def emotion_scaling(logits: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray]:
    """One temperature and a bias a label (28,) for independent labels: Platt 1999 with a common slope, biases shrunk to 0."""

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        z = logits * x[0] + x[1:]
        p = heads.sigmoid(z)
        value = np.logaddexp(0, np.where(truth, -z, z)).sum() + _BIAS_PENALTY * (x[1:] ** 2).sum()
        error = p - truth
        return float(value), np.concatenate([[(error * logits).sum()], error.sum(0) + 2 * _BIAS_PENALTY * x[1:]])

    found = minimize(loss, np.r_[1.0, np.zeros(logits.shape[1])], jac=True, method="L-BFGS-B").x
    return round(float(1 / max(found[0], 0.2)), 3), found[1:].round(3)


def emotion_thresholds(p: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """p, truth (N, 28) -> a threshold for each label."""
    return {name: best_threshold(p[:, i], truth[:, i]) for i, name in enumerate(EMOTIONS)}


def calibrate(folder: Path, root: Path) -> Calibration:
    predictor = Predictor.load(str(folder))
    c = Calibration()
    dev = data.half_of(data.sentiment(root, "dev"), "fit")
    means, n_tokens = predictor.documents(dev["text"].tolist())
    logits = heads.logits(predictor.model, "sentiment", means)
    # No bias: it would fit the class shares of these three fields, which are an accident, and cost the recall of negatives.
    t, power = length_scaling(logits, dev["label"].to_numpy(), n_tokens, dev["field"].to_numpy())
    p = heads.softmax(logits / heads.temperatures(n_tokens, reference=t, power=power))
    c = replace(c, sentiment_temperature=t, sentiment_length_power=power, uncertain_below=_lowest(p))

    terms = data.half_of(data.aspect(root, "dev"), "fit")
    logits = predictor.aspect_logits(terms)
    t, bias = vector_scaling(logits, terms["label"].to_numpy(), np.ones(len(terms)))
    p = heads.calibrated(logits, t, bias)
    c = replace(c, aspect_temperature=t, aspect_bias=tuple(bias), aspect_uncertain_below=_lowest(p))

    emotions = data.half_of(data.emotion(root, "dev"), "fit")
    logits, truth = predictor.emotion_logits(emotions["text"].tolist()), label_matrix(emotions["labels"].tolist())
    t, bias = emotion_scaling(logits, truth)
    thresholds = emotion_thresholds(heads.sigmoid(logits / t + bias), truth)
    c = replace(c, emotion_temperature=t, emotion_bias=tuple(bias), emotion_thresholds=tuple(thresholds.values()))

    # The mixed thresholds are fitted on calibrated probabilities.
    calibrated = Predictor(replace(predictor.model, calibration=c), predictor.encoder)
    pairs = data.joined_pairs(dev, rows=_PAIRS, rng=np.random.default_rng(_SEED))
    annotated, joined = (
        (mixed.evidence(calibrated, load_taxonomies(["general"]), truth.index.tolist()), truth.to_numpy())
        for truth in (mixed.truth_of(terms), mixed.truth_of(pairs))
    )
    c = replace(c, **mixed.thresholds(annotated, joined))
    write(folder, c)
    return c


def _lowest(p: np.ndarray) -> float:
    """p (N, 3) -> the confidence below which the least certain 1 - KEPT_SHARE lie."""
    return round(float(np.quantile(p.max(axis=1), 1 - KEPT_SHARE)), 3)


def write(folder: Path, calibration: Calibration) -> None:
    settings = json.loads((folder / "model.json").read_text())
    settings["calibration"] = by_label(calibration)
    (folder / "model.json").write_text(json.dumps(settings, indent=1, default=float) + "\n")


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    args = parser.parse_args()
    print(json.dumps(by_label(calibrate(args.model, args.data_root)), indent=1, default=float))


if __name__ == "__main__":
    main()
