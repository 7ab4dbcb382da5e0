"""What calibration did, and what abstaining buys: ECE before and after, errors by coverage."""

from typing import Any

import numpy as np

from cx_nlp.calibration import at_coverage, aurc, risk_coverage
from cx_nlp.evaluate import emotion_report, sentiment_report
from models.recipes.figures import FEWEST, Figure, figure, from_report, missing, resampled, share

COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7)


def before_and_after(
    before: np.ndarray,
    after: np.ndarray,
    labels: np.ndarray,
    *,
    rng: np.random.Generator,
    groups: np.ndarray | None = None,
) -> dict[str, dict[str, Figure]]:
    """Probabilities (N, 3) without and with calibration, labels (N,) -> ECE, excess ECE and log loss of each."""
    out = {}
    for name, p in (("before", before), ("after", after)):
        report = sentiment_report(p, labels, rng=rng, groups=groups)
        loss = -np.log(p[np.arange(len(labels)), labels] + 1e-12)
        out[name] = {key: from_report(report, key) for key in ("ece", "ece_excess")}
        out[name]["log_loss"] = _mean(loss, rng=rng, groups=groups)
    return out


def emotions_before_and_after(
    before: np.ndarray, after: np.ndarray, truth: np.ndarray, *, rng: np.random.Generator
) -> dict[str, dict[str, Figure]]:
    """Probabilities (N, 28), truth bool (N, 28) -> as above, the log loss being the mean of the 28 yes-or-no losses."""
    out = {}
    for name, p in (("before", before), ("after", after)):
        report = emotion_report(p, truth, truth, rng=rng)  # what is predicted does not touch calibration
        loss = -np.log(np.where(truth, p, 1 - p) + 1e-12).mean(axis=1)
        out[name] = {key: from_report(report, key) for key in ("ece", "ece_excess", "ece_by_label")}
        out[name]["log_loss"] = _mean(loss, rng=rng, groups=None)
    return out


def _mean(values: np.ndarray, *, rng: np.random.Generator, groups: np.ndarray | None) -> Figure:
    if not len(values):
        return missing("no rows")
    interval = resampled(lambda rows: float(values[rows].mean()), len(values), rng=rng, groups=groups)
    return figure(values.mean(), interval, len(values))


def abstaining(
    confidence: np.ndarray,
    is_right: np.ndarray,
    *,
    threshold: float,
    rng: np.random.Generator,
    groups: np.ndarray | None = None,
) -> dict[str, Any]:
    """confidence (N,), is_right bool (N,) -> errors at the coverages above, AURC, and what the shipped threshold does.

    threshold: below it a label `is_uncertain`. Fewer than 20 rows give no figure, with the reason.
    """
    n = len(confidence)
    table = risk_coverage(confidence, is_right)
    at = []
    for coverage in COVERAGES if n else ():
        row = at_coverage(table, coverage)
        kept = confidence >= row["threshold"]
        at.append(
            {
                "coverage": coverage,
                "kept": round(float(row["coverage"]), 4),
                "threshold": round(float(row["threshold"]), 4),
                "error": share(~is_right[kept], groups=None if groups is None else groups[kept]),
            }
        )
    kept = confidence >= threshold
    parts = {"all": np.ones(n, dtype=bool), "kept": kept, "uncertain": ~kept}
    return {
        "n": n,
        "aurc": _aurc(confidence, is_right, rng=rng, groups=groups),
        "at": at,
        "shipped": {
            "threshold": threshold,
            "coverage": round(float(kept.mean()), 4) if n >= FEWEST else None,
            "error": {
                name: share(~is_right[part], groups=None if groups is None else groups[part])
                for name, part in parts.items()
            },
        },
    }


def _aurc(
    confidence: np.ndarray, is_right: np.ndarray, *, rng: np.random.Generator, groups: np.ndarray | None
) -> Figure:
    n = len(confidence)
    if n < FEWEST:
        return missing(f"{n} rows, fewer than {FEWEST}" if n else "no rows", n)

    def statistic(rows: np.ndarray) -> float:
        return aurc(confidence[rows], is_right[rows])

    interval = resampled(statistic, n, rng=rng, groups=groups, resamples=200)
    return figure(aurc(confidence, is_right), interval, n)
