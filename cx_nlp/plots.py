"""Plots of the frames of `cx_nlp.explore`, for notebooks. Each takes a frame and gives a matplotlib Axes."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart by people with a red-green weakness, and in print: blue for good, orange for bad, grey between.
COLOURS = {
    "negative": "#d95f02", "neutral": "#bdbdbd", "positive": "#1f78b4",
    "detractors": "#d95f02", "passives": "#e6c229", "promoters": "#1f78b4",
}  # fmt: skip


def _axes(width: float, height: float) -> "Axes":
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(width, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def volumes(frame: pd.DataFrame, *, window: int = 7) -> "Axes":
    """date x group -> stacked areas of the trailing mean over `window` days."""
    axes = _axes(9, 3.2)
    smooth = frame.rolling(window, min_periods=1).mean()
    axes.stackplot(smooth.index, smooth.to_numpy().T, labels=smooth.columns, alpha=0.85)
    axes.set_ylabel(f"pieces a day\n({window}-day mean)")
    axes.legend(loc="upper left", ncols=3, frameon=False, fontsize=8)
    return axes


def stacked_shares(frame: pd.DataFrame, columns: list[str], *, n: pd.Series, title: str = "") -> "Axes":
    """group x shares in [0, 1] -> one bar a group, with its n; `columns` from left to right."""
    axes = _axes(9, 0.6 + 0.42 * max(len(frame), 1))
    left = pd.Series(0.0, index=frame.index)
    for name in columns:
        axes.barh(frame.index, frame[name], left=left, color=COLOURS[name], label=name)
        for row, (at, share) in enumerate(zip(left, frame[name], strict=True)):
            if share >= 0.08:
                axes.text(at + share / 2, row, f"{share:.0%}", ha="center", va="center", fontsize=8)
        left += frame[name]
    for row, count in enumerate(n):
        axes.text(1.01, row, f"n = {count}", va="center", fontsize=8)
    axes.set_xlim(0, 1.1)
    axes.set_xticks([])
    axes.invert_yaxis()
    axes.set_title(title, loc="left", fontsize=10)
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, -0.02 - 0.9 / (len(frame) + 1)), ncols=3, frameon=False, fontsize=8
    )
    return axes


def intervals(frame: pd.DataFrame, *, value: str, label: str, zero: float | None = None) -> "Axes":
    """group x (value, low, high, n) -> a dot with its 95% interval for each group."""
    axes = _axes(9, 0.6 + 0.42 * max(len(frame), 1))
    rows = range(len(frame))
    axes.hlines(rows, frame["low"], frame["high"], color="#777777", linewidth=2)
    axes.plot(frame[value], rows, "o", color="#1f78b4")
    axes.set_yticks(list(rows), [f"{group}  (n = {n})" for group, n in zip(frame.index, frame["n"], strict=True)])
    if zero is not None:
        axes.axvline(zero, color="#bbbbbb", linewidth=0.8)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    return axes


def heat(frame: pd.DataFrame, *, n: pd.Series, top: int = 12) -> "Axes":
    """group x emotion (means) -> a heat map of the `top` emotions that differ most between groups."""
    spread = (frame.max() - frame.min()).sort_values(ascending=False).index[:top]
    shown = frame[spread].T
    axes = _axes(1.6 + 1.5 * max(shown.shape[1], 1), 0.8 + 0.34 * len(shown))
    axes.imshow(shown, aspect="auto", cmap="Blues", vmin=0)
    axes.set_xticks(range(shown.shape[1]), [f"{group}\nn = {n[group]}" for group in shown.columns], fontsize=8)
    axes.set_yticks(range(len(shown)), shown.index, fontsize=8)
    limit = shown.to_numpy().max() * 0.6 if shown.size else 0
    for row in range(shown.shape[0]):
        for column in range(shown.shape[1]):
            p = shown.iat[row, column]
            axes.text(
                column, row, f"{p:.2f}", ha="center", va="center", fontsize=7, color="white" if p > limit else "black"
            )
    return axes
