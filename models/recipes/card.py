"""The model card, written from metrics.json so that no figure in it is typed by hand."""

import json
from pathlib import Path
from typing import Any

_ABOUT = """\
# {name}

One MiniLM-L6 encoder (22.7 million parameters) with small heads for sentiment (3 classes), the 28 emotions of
GoEmotions, aspect sentiment over a span, and a linear theme head that gives back the untouched encoder's embedding.

- **Weights**: {megabytes:.1f} MB, stored in 8 bits, run in float32. Version `{model}`.
- **Base**: sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0).
- **Trained on**: GoEmotions (CC BY 4.0), SemEval 2017 tweets (CC BY 3.0, as far as known), tweet extraction set (CC BY 4.0,
  as far as known), clothing reviews without three stars (CC0, as far as known), MAMS aspect terms (Apache-2.0), and joined
  texts made of these. `configs/train/minilm.yaml` has the mixture; `models/recipes/` the recipes.
- **Not trained or tuned on**: the NHS comments, and the half of each dev set on which figures are reported.
- **For**: English customer feedback, in aggregate. **Not for**: decisions about a single person, other languages, medical or
  legal triage. Emotions were learned from Reddit comments as labelled by strangers: read differences, not levels.

All intervals are bootstrap 95% intervals unless said otherwise; one training seed, so the spread between seeds is not in them.
"""


def write_card(folder: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    settings = json.loads((folder / "model.json").read_text())
    size = sum((folder / name).stat().st_size for name in settings["sha256"]) / 1e6
    parts = [
        _ABOUT.format(name=settings["name"], megabytes=size, model=metrics["model"]),
        _summary(metrics),
        _emotions(metrics["reports"]["emotion, GoEmotions, test"]),
        _confusions(metrics["reports"]),
        _limits(metrics),
    ]
    (folder / "README.md").write_text("\n".join(parts))


def _figure(value: float | None, interval: list[float] | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")


def _summary(metrics: dict[str, Any]) -> str:
    lines = [
        "## Figures",
        "",
        "| task and data | n | accuracy | macro-F1 | macro-recall | ECE |",
        "|---|---|---|---|---|---|",
    ]
    for name, r in metrics["reports"].items():
        cells = [_figure(r.get(key), r["ci"].get(key)) for key in ("accuracy", "macro_f1", "macro_recall", "ece")]
        lines.append(f"| {name} | {r['n']:,} | {' | '.join(cells)} |")
    lines += ["", "| more | n | figure |", "|---|---|---|"]
    for key, title in (
        ("clothing_balanced_accuracy", "clothing reviews, 1-2 against 4-5 stars, balanced accuracy"),
        ("nhs_sentiment", "NHS comments, annotators' 1-2 against 4-5, balanced accuracy (unseen field)"),
    ):
        one = metrics[key]
        lines.append(f"| {title} | {one['n']:,} | {_figure(one['value'], one['ci'])} |")
    for key, title in (
        ("recall", "`is_mixed`: recall on MAMS sentences with both polarities"),
        ("false_positives", "`is_mixed`: share of the other sentences called mixed"),
    ):
        one = metrics["is_mixed"][key]
        lines.append(f"| {title} (Wilson interval) | {one['n']:,} | {_figure(one['value'], one['ci'])} |")
    u, nmi = metrics["uncertain"], metrics["theme_vectors_nmi"]
    lines.append(
        f"| `is_uncertain`: error of all {u['error_all']:.3f}, of the {u['coverage']:.0%} kept {u['error_kept']:.3f}, "
        f"of those called uncertain | {u['n']:,} | {u['error_uncertain']:.3f} |"
    )
    lines.append(
        f"| Banking77, NMI of k-means on the theme head (untouched encoder {nmi['untouched']['mean']:.3f}; three seeds) "
        f"| {nmi['n']:,} | {nmi['theme_head']['mean']:.3f} |"
    )
    return "\n".join(lines) + "\n"


def _emotions(report: dict[str, Any]) -> str:
    lines = [
        "## Emotions, GoEmotions test",
        "",
        "| label | precision | recall | F1 | support |",
        "|---|---|---|---|---|",
    ]
    for name, one in report["per_label"].items():
        cells = [_figure(one[key], None) for key in ("precision", "recall", "f1")]
        lines.append(f"| {name} | {' | '.join(cells)} | {one['support']} |")
    return "\n".join(lines) + "\n"


def _confusions(reports: dict[str, Any]) -> str:
    lines = ["## Confusion (rows: truth, columns: model)", ""]
    for name, r in reports.items():
        if "confusion" in r:
            lines += [f"{name}", "", "| | " + " | ".join(r["labels"]) + " |", "|---" * (1 + len(r["labels"])) + "|"]
            lines += [
                f"| {label} | " + " | ".join(map(str, row)) + " |"
                for label, row in zip(r["labels"], r["confusion"], strict=True)
            ]
            lines.append("")
    return "\n".join(lines)


def _limits(metrics: dict[str, Any]) -> str:
    return (
        "## Known limits\n\n"
        "- A first model: two epochs on two processor cores, one seed.\n"
        '- Negation beyond the usual, sarcasm, and answers to questions ("Would you recommend us? No.") are not taught by the data.\n'
        "- The encoder is uncased: CAPITALS say nothing to it.\n"
        "- Aspect sentiment was learned from restaurants and joined texts; elsewhere it leans to neutral.\n"
        "- Rare emotions (grief, relief, pride, nervousness) have test support below 25: their figures are noise.\n"
    )
