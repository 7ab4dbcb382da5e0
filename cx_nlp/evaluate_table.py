"""A report of `evaluate` as a table to read in a terminal."""

import textwrap
from typing import Any

from cx_nlp.figures import RATES

_TITLES = {
    "accuracy": "accuracy", "precision": "precision", "recall": "recall", "micro_f1": "micro-F1", "macro_f1": "macro-F1", "macro_precision": "macro-precision",
    "macro_recall": "macro-recall", "ece": "ECE", "ece_excess": "excess ECE", "ece_by_label": "ECE by label",
}  # fmt: skip


def format_report(report: dict[str, Any]) -> str:
    """-> figures with n and 95% intervals, labels, confusion, notes; lines of at most 80 characters, but for a long model name."""
    width = max(map(len, [*report["labels"], *_TITLES.values()]))
    lines = [f"{report['task']}  {report['model']}  n = {report['n']:,}".replace("    ", "  "), ""]
    lines.append(f"{'':{width}}  figure  95% interval")
    for name, title in _TITLES.items():
        if name in report:
            lines.append(f"{title:{width}}  {_number(report[name])}  {_range(report['ci'][name])}".rstrip())
    lines += ["", f"{'label':{width}}  precis.  recall      F1  95% of F1       support"]
    for label, row in report["per_label"].items():
        rates = "  ".join(_number(row[rate]) for rate in RATES)
        lines.append(f"{label:{width}}   {rates}  {_range(row['ci']['f1']):14}  {row['support']:>7,}")
    if "confusion" in report:
        lines += ["", f"{'truth, predicted →':{width}}  " + "  ".join(f"{label:>8}" for label in report["labels"])]
        for label, counts in zip(report["labels"], report["confusion"], strict=True):
            lines.append(f"{label:{max(width, 18)}}  " + "  ".join(f"{count:>8,}" for count in counts))
    if report["notes"]:
        lines.append("")
        for name, reason in report["notes"].items():
            lines += textwrap.wrap(f"note, {name}: {reason}", 80, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return f"{'-':>6}" if value is None else f"{value:6.3f}"


def _range(interval: list[float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
