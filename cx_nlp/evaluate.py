"""Figures on labelled texts: pure functions from arrays to a report, each figure with its bootstrap interval.

Every figure is a function of sums over rows (counts of a confusion matrix, gaps of a reliability diagram). A bootstrap
resample is a weighted sum of the same rows, so all resamples are one matrix product and one call of that function.

A report is a dict that `json.dumps` writes as it is. A figure that cannot be had (no row of a label, a label that is
never predicted) is None, and `notes` says why: never 0, never NaN.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cx_nlp.bootstrap import by_group, resample
from cx_nlp.calibration import BINS, bin_gaps, chance_ece
from cx_nlp.schema import EMOTIONS, SENTIMENTS

RESAMPLES = 1000
RATES = ("precision", "recall", "f1")


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
        ece = _ratio(gaps.sum(-1), n)
        precision, recall, f1 = _rates(right, said, true)
        return {
            "accuracy": _ratio(exact, n),
            "micro_f1": _ratio(2 * right.sum(-1), said.sum(-1) + true.sum(-1)),
            "macro_f1": _macro(f1),
            "macro_precision": _macro(precision),
            "macro_recall": _macro(recall),
            "ece": ece,
            "ece_excess": ece - chance,
            "ece_by_label": _ratio(by_label.sum(-1) / width, n),
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }

    return {
        "task": "emotion",
        "model": model,
        "n": n,
        **_assemble(rows, figures, EMOTIONS, truth.sum(0), predicted.sum(0), rng, groups, resamples),
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
        precision, recall, f1 = _rates(right, counts.sum(-2), counts.sum(-1))
        ece = _ratio(np.abs(sums[..., width * width :]).sum(-1), n)
        return {
            "accuracy": _ratio(right.sum(-1), n),
            "macro_f1": _macro(f1),
            "macro_recall": _macro(recall),
            "ece": ece,
            "ece_excess": ece - chance,
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }

    report = _assemble(rows, figures, SENTIMENTS, confusion.sum(1), confusion.sum(0), rng, groups, resamples)
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


def _ratio(part: np.ndarray, whole: np.ndarray | int) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(whole) > 0, part / np.asarray(whole, dtype=np.float64), np.nan)


def _rates(right: np.ndarray, said: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts (..., C) -> precision, recall, F1 (..., C); NaN where a label is never predicted, or not in the truth."""
    f1 = np.where(true > 0, _ratio(2 * right, said + true), np.nan)
    return _ratio(right, said), _ratio(right, true), f1


def _macro(values: np.ndarray) -> np.ndarray:
    """Mean over labels: of the data (C,) NaN if one is NaN; of resamples (R, C) over the labels that each holds."""
    if values.ndim == 1:
        return values.mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a resample may hold none
        return np.nanmean(values, axis=-1)


def _assemble(
    rows: np.ndarray,
    figures: Callable[[np.ndarray], dict[str, np.ndarray]],
    labels: Sequence[str],
    support: np.ndarray,
    said: np.ndarray,
    rng: np.random.Generator,
    groups: np.ndarray | None,
    resamples: int,
) -> dict[str, Any]:
    units = rows if groups is None or not len(rows) else by_group(rows, groups)
    notes: dict[str, str] = {}
    if groups is not None:
        notes["ci"] = f"intervals resample {len(units):,} texts, not {len(rows):,} rows"
    found = figures(rows.sum(0))
    if len(units) > 1:
        drawn = figures(resample(units, resamples=resamples, rng=rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a figure that no resample has gives NaN, then None
            bounds = {name: np.nanpercentile(values, [2.5, 97.5], axis=0) for name, values in drawn.items()}
        # Resampling adds its own noise to ECE: moved so that its mean is the figure, the interval is of the figure again.
        bounds["ece_excess"] += found["ece_excess"] - drawn["ece_excess"].mean()
    else:
        notes["ci"] = (
            f"no intervals: {'rows' if groups is None else 'texts'} to resample {len(units)}, expected at least 2"
        )
        bounds = {name: np.full((2, *np.shape(value)), np.nan) for name, value in found.items()}

    single = [name for name in found if name not in RATES]
    report: dict[str, Any] = {name: _plain(found[name]) for name in single}
    report["ci"] = {name: None if report[name] is None else _interval(bounds[name]) for name in single}
    report["labels"] = list(labels)
    report["per_label"] = {
        label: {
            **{rate: _plain(found[rate][i]) for rate in RATES},
            "support": int(support[i]),
            "ci": {rate: None if np.isnan(found[rate][i]) else _interval(bounds[rate][:, i]) for rate in RATES},
        }
        for i, label in enumerate(labels)
    }
    report["notes"] = notes | _reasons(report, labels, support, said, n=len(rows))
    return report


def _reasons(report: dict[str, Any], labels: Sequence[str], support, said, *, n: int) -> dict[str, str]:
    """Why figures are None, and where an interval misleads."""
    if n == 0:
        return {"n": "no rows: there are no figures"}
    notes: dict[str, str] = {}
    absent = [label for label, count in zip(labels, support, strict=True) if count == 0]
    silent = [label for label, count in zip(labels, said, strict=True) if count == 0]
    if absent:
        notes |= dict.fromkeys(("macro_f1", "macro_recall"), f"no row is labelled {', '.join(absent)}")
    if silent and "macro_precision" in report:
        notes["macro_precision"] = f"never predicted: {', '.join(silent)}"
    for label in labels:
        missing = [
            *(["no row of this label, so no recall and F1"] if label in absent else []),
            *(["never predicted, so no precision"] if label in silent else []),
        ]
        if missing:
            notes[f"per_label.{label}"] = "; ".join(missing)
    for name, interval in report["ci"].items():
        if interval and interval[0] == interval[1]:
            notes[f"ci.{name}"] = "every resample gives the same figure, which says little about other texts"
    for name in ("ece", "ece_by_label"):
        interval = report["ci"].get(name)
        if interval and report[name] < interval[0]:
            notes[f"ci.{name}"] = "lies above the figure: resampling adds noise, and noise adds to ECE"
    return notes


def _plain(value: np.ndarray) -> float | None:
    return None if np.isnan(value) else float(value)


def _interval(bounds: np.ndarray) -> list[float] | None:
    return None if np.isnan(bounds).any() else [float(bounds[0]), float(bounds[1])]
