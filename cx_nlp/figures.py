"""From sums over rows to figures with bootstrap intervals, and the reason for each figure that cannot be had."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cx_nlp.bootstrap import by_group, resample

RESAMPLES = 1000
RATES = ("precision", "recall", "f1")


def ratio(part: np.ndarray, whole: np.ndarray | int) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(whole) > 0, part / np.asarray(whole, dtype=np.float64), np.nan)


def rates(right: np.ndarray, said: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts (..., C) -> precision, recall, F1 (..., C); NaN where a label is never predicted, or not in the truth."""
    f1 = np.where(true > 0, ratio(2 * right, said + true), np.nan)
    return ratio(right, said), ratio(right, true), f1


def macro(values: np.ndarray) -> np.ndarray:
    """Mean over labels: of the data (C,) NaN if one is NaN or C = 0; of resamples (R, C) over the labels that each holds."""
    if values.ndim == 1:
        return values.mean() if values.size else np.array(np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a resample may hold none
        return np.nanmean(values, axis=-1)


def assemble(
    rows: np.ndarray,
    figures: Callable[[np.ndarray], dict[str, np.ndarray]],
    labels: Sequence[str],
    support: np.ndarray,
    said: np.ndarray,
    rng: np.random.Generator,
    groups: np.ndarray | None,
    resamples: int,
) -> dict[str, Any]:
    """rows (N, K), figures of their sums (..., K), labels (C) with how often each is true and is predicted -> the part of
    a report that all tasks share: figures, `ci`, `labels`, `per_label`, `notes`.
    """
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
        if "ece_excess" in found:
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
        means = [name for name in ("macro_f1", "macro_recall") if name in report]
        notes |= dict.fromkeys(means, f"no row is labelled {', '.join(absent)}")
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
