"""Fit temperatures and thresholds of an exported model on one half of each dev set, and write them to model.json.

    python -m models.recipes.calibrate --model models/minilm-cx --data-root DATA

The exported 8-bit weights are what is calibrated: the figures are of what ships. `models.recipes.measure`
reports on the other half.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from cx_nlp.schema import EMOTIONS
from cx_nlp.score import heads
from cx_nlp.score.predict import Predictor
from cx_nlp.themes.match import analyse
from cx_nlp.themes.taxonomy import Taxonomy, load_taxonomies
from models.recipes import data

_GRID = np.arange(0.05, 0.91, 0.01)
_MIXED_GRID = np.arange(0.40, 0.96, 0.01)
MIXED_FALSE_POSITIVES = 0.05
KEPT_SHARE = 0.9  # the tenth of dev with the lowest confidence is what is called uncertain


def temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature that minimises the log loss (Guo et al. 2017); logits (N, 3), labels (N,) -> (0.2, 5)."""

    def loss(t: float) -> float:
        p = heads.softmax(logits / t)
        return float(-np.log(p[np.arange(len(labels)), labels] + 1e-12).mean())

    return round(float(minimize_scalar(loss, bounds=(0.2, 5.0), method="bounded").x), 3)


def best_threshold(p: np.ndarray, truth: np.ndarray, fallback: float) -> float:
    """Threshold of the highest F1; labels with fewer than 10 examples take the fallback, as theirs would be noise."""
    if truth.sum() < 10:
        return fallback
    f1 = [2 * (truth & (p >= t)).sum() / max(1, truth.sum() + (p >= t).sum()) for t in _GRID]
    return round(float(_GRID[int(np.argmax(f1))]), 2)


def emotion_thresholds(p: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """p, truth (N, 28) -> a threshold for each label."""
    micro = best_threshold(p.ravel(), truth.ravel(), 0.3)
    return {name: best_threshold(p[:, i], truth[:, i], micro) for i, name in enumerate(EMOTIONS)}


def emotion_truth(frame: pd.DataFrame) -> np.ndarray:
    truth = np.zeros((len(frame), len(EMOTIONS)), dtype=bool)
    for row, labels in enumerate(frame["labels"]):
        truth[row, labels] = True
    return truth


def mixed_strength(predictor: Predictor, taxonomy: Taxonomy, texts: list[str]) -> np.ndarray:
    """texts (N) -> (N,): the highest threshold at which each would be `is_mixed`, from spans as the engine finds them."""
    found = list(analyse(texts, taxonomy))
    spans = [[(s.start, s.end) for s in (*f.sentences, *f.mentions)] for f in found]
    out = []
    for f, read in zip(found, predictor.encoder.span_means(texts, spans), strict=True):
        n = len(f.sentences)
        mentions = read.means[1 + n :]
        p = np.concatenate(
            [
                heads.sentiment(predictor.model, read.means[1 : 1 + n]),
                heads.aspect(predictor.model, mentions, np.repeat(read.means[:1], len(mentions), axis=0)),
            ]
        )
        out.append(min(p[:, heads.POSITIVE].max(initial=0), p[:, heads.NEGATIVE].max(initial=0)))
    return np.array(out)


def mixed_truth(aspects: pd.DataFrame) -> pd.Series:
    """text -> whether it holds both a positive and a negative term."""
    return aspects.groupby("text", sort=True)["label"].agg(lambda labels: {0, 2} <= set(labels))


def calibrate(folder: Path, root: Path) -> dict:
    predictor = Predictor.load(str(folder))
    values: dict = {}
    dev = data.sentiment(root, "dev")
    dev = dev[dev["text"].map(data.half) == "fit"]
    logits = predictor.sentiment_logits(dev["text"].tolist())
    t = values["sentiment_temperature"] = temperature(logits, dev["label"].to_numpy())
    values["uncertain_below"] = round(float(np.quantile(heads.softmax(logits / t).max(axis=1), 1 - KEPT_SHARE)), 3)
    terms = data.aspect(root, "dev")
    terms = terms[terms["text"].map(data.half) == "fit"].reset_index(drop=True)
    logits = predictor.aspect_logits(terms)
    t = values["aspect_temperature"] = temperature(logits, terms["label"].to_numpy())
    values["aspect_uncertain_below"] = round(
        float(np.quantile(heads.softmax(logits / t).max(axis=1), 1 - KEPT_SHARE)), 3
    )
    emotions = data.emotion(root, "dev")
    emotions = emotions[emotions["text"].map(data.half) == "fit"]
    p = predictor.emotions(emotions["text"].tolist())
    values["emotion_thresholds"] = emotion_thresholds(p, emotion_truth(emotions))
    values["mixed_above"] = 0.7
    write(folder, values)  # the mixed threshold is fitted on calibrated probabilities
    truth = mixed_truth(terms)
    strength = mixed_strength(Predictor.load(str(folder)), load_taxonomies(["general"]), truth.index.tolist())
    allowed = [t for t in _MIXED_GRID if (strength[~truth.to_numpy()] > t).mean() <= MIXED_FALSE_POSITIVES]
    values["mixed_above"] = round(float(min(allowed, default=0.95)), 2)
    write(folder, values)
    return values


def write(folder: Path, calibration: dict) -> None:
    settings = json.loads((folder / "model.json").read_text())
    settings["calibration"] = calibration
    (folder / "model.json").write_text(json.dumps(settings, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    args = parser.parse_args()
    print(json.dumps(calibrate(args.model, args.data_root), indent=1))


if __name__ == "__main__":
    main()
