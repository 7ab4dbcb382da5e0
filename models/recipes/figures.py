"""Figures as metrics.json holds them: {"value", "ci", "n"}; one that cannot be had is null and gives its "reason"."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cx_nlp.bootstrap import by_group
from cx_nlp.intervals import Sums, share_interval, wilson

Figure = dict[str, Any]
FEWEST = 20  # rows below which a share says next to nothing
RESAMPLES = 1000


def figure(value: float, interval: tuple[float, float] | list[float] | None, n: int) -> Figure:
    """Rounded to six decimals: what is shown is rounded once more, and must round as the full number does."""
    ci = None if interval is None else [round(float(bound), 6) for bound in interval]
    return {"value": round(float(value), 6), "ci": ci, "n": int(n)}


def missing(reason: str, n: int = 0) -> Figure:
    return {"value": None, "ci": None, "n": int(n), "reason": reason}


def share(hits: np.ndarray, *, groups: np.ndarray | None = None, fewest: int = FEWEST) -> Figure:
    """Share of bool (N,) that are true, with Wilson's 95% interval; rows with an equal value in groups (N,) count as one unit.

    Fewer than `fewest` rows give no value.
    """
    n = len(hits)
    if n < fewest:
        return missing(f"{n} rows, fewer than {fewest}", n)
    if groups is None:
        return figure(np.mean(hits), wilson(float(np.mean(hits)), n), n)
    units = by_group(np.column_stack([np.asarray(hits, dtype=float), np.ones(n)]), groups)
    s, m = units[:, 0], units[:, 1]
    sums = Sums(s.sum(), n, (s * s).sum(), (s * m).sum(), (m * m).sum(), len(units))
    value, low, high = share_interval(sums)
    return figure(value, (low, high), n)


def from_report(report: dict[str, Any], name: str) -> Figure:
    """A figure of a report of `cx_nlp.evaluate`."""
    if name not in report:
        return missing("not measured", report["n"])
    if report[name] is None:
        notes = report["notes"]
        return missing(notes.get(name) or notes.get("n", "cannot be had from these rows"), report["n"])
    return figure(report[name], report["ci"][name], report["n"])


def resampled(
    statistic: Callable[[np.ndarray], float],
    n: int,
    *,
    rng: np.random.Generator,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> list[float]:
    """Bootstrap 95% interval of a statistic of row numbers (M,), n >= 1; rows of an equal group (n,) are drawn together."""
    _, unit = np.unique(np.arange(n) if groups is None else groups, return_inverse=True)
    members = np.split(np.argsort(unit, kind="stable"), np.bincount(unit).cumsum()[:-1])
    draws = (rng.integers(len(members), size=len(members)) for _ in range(resamples))
    values = [statistic(np.concatenate([members[i] for i in draw])) for draw in draws]
    return [float(q) for q in np.nanquantile(values, [0.025, 0.975])]
