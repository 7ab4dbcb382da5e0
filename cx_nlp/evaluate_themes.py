"""Figures on themes: any way to give a text a set of theme ids against labelled texts.

**A parent counts with its child.** Mentions carry their most specific theme only, so a child among the predictions, or
among a row's labels, also counts for its parent where that parent is among the labels.

**Labels are those that the data hold.** Who labelled restaurants by eight categories did not look for a ninth, so a
predicted theme that is on no row (nor the child of one that is) is left out and counted in the notes; `every` counts
it as wrong.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cx_nlp.errors import UnknownName
from cx_nlp.figures import RESAMPLES, assemble, macro, rates, ratio

Predict = Callable[[Sequence[str]], Sequence[Iterable[str]]]  # texts (N) -> the theme ids of each (N)


def themes_report(
    predicted: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    *,
    rng: np.random.Generator,
    model: str = "",
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """predicted and truth bool (N, C) in the order of `labels` (C) -> report, many labels a row.

    `precision`, `recall` and `micro_f1` are of all pairs of row and label together, `macro_f1` is the mean of the
    labels' F1, `accuracy` the share of rows whose set is met exactly. C = 0 and N = 0 give a report of None. Raises
    ValueError for shapes that do not fit.
    """
    predicted, truth = np.asarray(predicted, dtype=bool), np.asarray(truth, dtype=bool)
    width = len(labels)
    if predicted.shape != truth.shape or truth.ndim != 2 or truth.shape[1] != width:
        raise ValueError(f"predicted {predicted.shape} and truth {truth.shape} differ, expected both (N, {width})")
    n = len(truth)
    exact = (predicted == truth).all(axis=1, keepdims=True)
    rows = np.hstack([predicted & truth, predicted, truth, exact, np.ones((n, 1))]).astype(float)  # (N, 3C + 2)

    def figures(sums: np.ndarray) -> dict[str, np.ndarray]:
        right, said, true = (sums[..., i * width : (i + 1) * width] for i in range(3))
        precision, recall, f1 = rates(right, said, true)
        right, said, true = right.sum(-1), said.sum(-1), true.sum(-1)
        return {
            "micro_precision": ratio(right, said),
            "micro_recall": ratio(right, true),
            "micro_f1": ratio(2 * right, said + true),
            "macro_f1": macro(f1),
            "accuracy": ratio(sums[..., 3 * width], sums[..., 3 * width + 1]),
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }

    found = assemble(rows, figures, labels, truth.sum(0), predicted.sum(0), rng, groups, resamples)
    # In this task `precision` and `recall` are the micro figures; the parts of `assemble` use the names by label.
    renamed = {"micro_precision": "precision", "micro_recall": "recall"}
    ci = {renamed.get(name, name): value for name, value in found.pop("ci").items()}
    per_label, notes = found.pop("per_label"), found.pop("notes")
    notes = {name.replace("micro_p", "p").replace("micro_r", "r"): text for name, text in notes.items()}
    if not width:
        notes["labels"] = "no row is labelled: there are no figures"
    elif n and not predicted.any():
        notes["precision"] = "nothing was predicted"
    report = {renamed.get(name, name): value for name, value in found.items()}
    return {"task": "themes", "model": model, "n": n, **report, "ci": ci, "per_label": per_label, "notes": notes}


def judge(
    predict: Predict,
    texts: Sequence[str],
    labelled: Sequence[Sequence[str]],
    parents: Mapping[str, str | None],
    *,
    rng: np.random.Generator,
    model: str = "",
    names: Mapping[str, str] | None = None,
    groups: np.ndarray | None = None,
    every: bool = False,
) -> dict[str, Any]:
    """texts (N) and the theme ids each is labelled with (N) -> report.

    parents: all known themes -> their parent or None. names: how the report calls them (default: by id). every: all
    known themes are labels, also those on no row. Raises KeyError for a labelled id that is not known.
    """
    on_rows = {theme for its in labelled for theme in its}
    order = [theme for theme in parents if every or theme in on_rows]
    said = [set(its) for its in predict(texts)]
    truth, predicted = (_matrix(sets, order, parents) for sets in (labelled, said))
    called = [(names or {}).get(theme, theme) for theme in order]
    report = themes_report(predicted, truth, called, rng=rng, model=model, groups=groups)
    left_out = sum(not {theme, parents[theme]} & set(order) for its in said for theme in its)
    if order and left_out:
        report["notes"]["labels"] = f"{left_out:,} predictions of themes that no row is labelled with are left out"
    return report


def _matrix(sets: Sequence[Iterable[str]], order: Sequence[str], parents: Mapping[str, str | None]) -> np.ndarray:
    """Sets of theme ids (N), rolled up -> bool (N, C)"""
    rolled = [{known for theme in its for known in (theme, parents[theme])} for its in sets]
    return np.array([[theme in its for theme in order] for its in rolled], dtype=bool).reshape(len(rolled), len(order))


def theme_ids(
    cells: Sequence[str], positions: Sequence[str], known: Iterable[str]
) -> tuple[list[list[str]], dict[str, str]]:
    """Cells of ids joined by | (N) -> the theme ids of each (N), and how the data write each id.

    An id may be written whole ("general/price") or without its taxonomy ("price") where that is unique among `known`;
    case and outer spaces do not matter, and an empty cell is a row without a theme. Raises UnknownName with the row.
    """
    by_name: dict[str, str] = {}
    short: dict[str, list[str]] = {}
    for theme in known:
        by_name[theme.casefold()] = theme
        short.setdefault(theme.rpartition("/")[2].casefold(), []).append(theme)
    by_name = {name: its[0] for name, its in short.items() if len(its) == 1} | by_name
    found: list[list[str]] = []
    written: dict[str, str] = {}
    for cell, where in zip(cells, positions, strict=True):
        its = []
        for part in filter(None, map(str.strip, cell.split("|"))):
            if part.casefold() not in by_name:
                raise UnknownName("theme", part[:80], sorted(set(by_name.values())), where)
            theme = by_name[part.casefold()]
            written.setdefault(theme, part)
            its.append(theme)
        found.append(sorted(set(its)))
    return found, written
