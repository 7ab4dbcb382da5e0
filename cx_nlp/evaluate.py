"""Figures on labelled texts: pure functions from arrays to a report, each figure with its bootstrap interval.

Every figure is a function of sums over rows (counts of a confusion matrix, gaps of a reliability diagram). A bootstrap
resample is a weighted sum of the same rows, so all resamples are one matrix product and one call of that function.

A report is a dict that `json.dumps` writes as it is. A figure that cannot be had (no row of a label, a label that is
never predicted) is None, and `notes` says why: never 0, never NaN.
"""

from typing import Any

import numpy as np

from cx_nlp.calibration import BINS, bin_gaps, chance_ece
from cx_nlp.figures import RESAMPLES, assemble, macro, rates, ratio
from cx_nlp.schema import EMOTIONS, SENTIMENTS


def sentiment_report(
    probabilities: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    model: str = "",
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """probabilities (N, 3) in the order of SENTIMENTS, labels (N,) indices -> report; the most probable is predicted.

    groups (N,): rows with an equal value are resampled together. `confusion` has the truth in rows, what was
    predicted in columns; `ece_excess` is the ECE less what chance alone gives (`cx_nlp.calibration.excess_ece`). N = 0
    gives a report of None. Raises ValueError for shapes that do not fit.
    """
    return _one_label_report("sentiment", probabilities, labels, rng, model, groups, resamples)


def aspect_report(
    probabilities: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    model: str = "",
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """As `sentiment_report`, a row being a mention: pass the texts (or their ids) as `groups`.

    Mentions of one text are not independent of each other: resampling rows would make the intervals too narrow.
    """
    return _one_label_report("aspect", probabilities, labels, rng, model, groups, resamples)


def emotion_report(
    probabilities: np.ndarray,
    predicted: np.ndarray,
    truth: np.ndarray,
    *,
    rng: np.random.Generator,
    model: str = "",
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """probabilities (N, 28), predicted and truth bool (N, 28) in the order of EMOTIONS -> report, many labels a row.

    `accuracy` is the share of rows whose set of labels is met exactly. `ece` and `ece_excess` are those of the most
    probable label, right if it is among the true ones; `ece_by_label` is the mean over labels of the ECE of "this label
    or not" (Kull et al. 2019, arXiv:1910.12656), which the many small probabilities keep small. N = 0 gives a report of
    None. Raises ValueError for shapes that do not fit.
    """
    probabilities = _checked(probabilities, len(EMOTIONS))
    predicted, truth = np.asarray(predicted, dtype=bool), np.asarray(truth, dtype=bool)
    for name, array in (("predicted", predicted), ("truth", truth)):
        if array.shape != probabilities.shape:
            raise ValueError(f"{name} has the shape {array.shape}, expected {probabilities.shape}")
    n, width = probabilities.shape
    top = probabilities.argmax(axis=1)
    exact = (predicted == truth).all(axis=1, keepdims=True)
    confidence = probabilities.max(axis=1, initial=0)
    chance = chance_ece(confidence, rng=rng)
    gaps = bin_gaps(confidence, truth[np.arange(n), top])
    by_label = bin_gaps(probabilities, truth).reshape(n, width * BINS)
    # (N, 3 * 28 + 2 + BINS + 28 * BINS)
    rows = np.hstack([predicted & truth, predicted, truth, exact, np.ones((n, 1)), gaps, by_label])

    def figures(sums: np.ndarray) -> dict[str, np.ndarray]:
        right, said, true = (sums[..., i * width : (i + 1) * width] for i in range(3))
        exact, n = sums[..., 3 * width], sums[..., 3 * width + 1]
        gaps, by_label = np.split(np.abs(sums[..., 3 * width + 2 :]), [BINS], axis=-1)
        ece = ratio(gaps.sum(-1), n)
        precision, recall, f1 = rates(right, said, true)
        return {
            "accuracy": ratio(exact, n),
            "micro_f1": ratio(2 * right.sum(-1), said.sum(-1) + true.sum(-1)),
            "macro_f1": macro(f1),
            "macro_precision": macro(precision),
            "macro_recall": macro(recall),
            "ece": ece,
            "ece_excess": ece - chance,
            "ece_by_label": ratio(by_label.sum(-1) / width, n),
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }

    return {
        "task": "emotion",
        "model": model,
        "n": n,
        **assemble(rows, figures, EMOTIONS, truth.sum(0), predicted.sum(0), rng, groups, resamples),
    }


def _one_label_report(task, probabilities, labels, rng, model, groups, resamples) -> dict[str, Any]:
    width = len(SENTIMENTS)
    probabilities, labels = _checked(probabilities, width), np.asarray(labels, dtype=np.int64)
    n = len(probabilities)
    if labels.shape != (n,) or (n and not 0 <= labels.min() <= labels.max() < width):
        raise ValueError(f"labels have the shape {labels.shape}, expected {(n,)} with values in 0..{width - 1}")
    predicted = probabilities.argmax(axis=1)
    cells = np.eye(width * width)[labels * width + predicted]  # (N, 9), one-hot over (truth, predicted)
    confidence = probabilities.max(axis=1, initial=0)
    chance = chance_ece(confidence, rng=rng)
    rows = np.hstack([cells, bin_gaps(confidence, predicted == labels)])
    confusion = cells.sum(0).astype(int).reshape(width, width)

    def figures(sums: np.ndarray) -> dict[str, np.ndarray]:
        counts = sums[..., : width * width].reshape(*sums.shape[:-1], width, width)
        right, n = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum((-2, -1))
        precision, recall, f1 = rates(right, counts.sum(-2), counts.sum(-1))
        ece = ratio(np.abs(sums[..., width * width :]).sum(-1), n)
        return {
            "accuracy": ratio(right.sum(-1), n),
            "macro_f1": macro(f1),
            "macro_recall": macro(recall),
            "ece": ece,
            "ece_excess": ece - chance,
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }

    report = assemble(rows, figures, SENTIMENTS, confusion.sum(1), confusion.sum(0), rng, groups, resamples)
    per_label, notes = report.pop("per_label"), report.pop("notes")
    report |= {"confusion": confusion.tolist(), "per_label": per_label, "notes": notes}
    return {"task": task, "model": model, "n": n, **report}


def _checked(probabilities: np.ndarray, width: int) -> np.ndarray:
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 2 or probabilities.shape[1] != width:
        raise ValueError(f"probabilities have the shape {probabilities.shape}, expected (N, {width})")
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all():
        raise ValueError("probabilities lie outside 0..1 or are NaN")
    return probabilities
