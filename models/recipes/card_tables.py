"""The tables of a model card, each from one part of metrics.json to lines of Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from cx_nlp.intervals import wilson
from models.recipes.anchors import ANCHORS
from models.recipes.figures import Figure
from models.recipes.headline import HEADLINES, Metrics, headline
from models.recipes.reliability import COVERAGES
from models.recipes.slices import rules


def shown(one: Figure, *, digits: int = 3) -> str:
    """0.123 [0.100, 0.150], or a dash and why there is none."""
    if one["value"] is None:
        return f"– ({one['reason']})"
    return value_and_interval(one["value"], one["ci"], digits=digits)


def value_and_interval(value: float | None, interval: Sequence[float] | None, *, digits: int = 3) -> str:
    if value is None:
        return "–"
    low_high = "" if interval is None else f" [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"
    return f"{value:.{digits}f}{low_high}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def figures(metrics: Metrics) -> list[str]:
    rows = [
        (HEADLINES[name].title, f"{one['n']:,}" if one["n"] else "–", shown(one))
        for name, one in headline(metrics).items()
    ]
    return ["## Figures", "", *table(("on", "n", "figure, 95% interval"), rows)]


def anchors() -> list[str]:
    rows = [(HEADLINES[a.headline].title.split(":")[0], a.model, a.figure, a.split, a.source) for a in ANCHORS]
    return ["## Published figures of known models", "", *table(("set", "model", "figure", "split", "source"), rows)]


def reports(metrics: Metrics) -> list[str]:
    keys = ("accuracy", "macro_f1", "macro_recall", "ece", "ece_excess")
    every = dict(metrics["reports"])
    if "nhs_folds" in metrics:
        every["sentiment, NHS comments, head refitted"] = metrics["nhs_folds"]
    rows = [
        (name, f"{r['n']:,}", *(value_and_interval(r.get(key), r["ci"].get(key)) for key in keys))
        for name, r in every.items()
    ]
    head = ("task and data", "n", "accuracy", "macro-F1", "macro-recall", "ECE", "excess ECE")
    return ["## All reports", "", *table(head, rows)]


def calibration(metrics: Metrics) -> list[str]:
    rows = []
    for name, sides in metrics["calibration"].items():
        for side, its in sides.items():
            by_label = shown(its["ece_by_label"]) if "ece_by_label" in its else ""
            cells = (shown(its["ece"]), shown(its["ece_excess"]), by_label, shown(its["log_loss"]))
            rows.append((name, side, f"{its['ece']['n']:,}", *cells))
    return [
        "## Calibration",
        "",
        "Before: as trained. After: with the temperature and the biases fitted on the other half of dev.",
        "Excess ECE is the ECE (15 bins) less what a perfectly calibrated model would show on as many rows; below 0 is chance.",
        "Of emotions: ECE of the most probable label, and by label the mean over the 28 yes-or-no decisions.",
        "",
        *table(("task and data", "calibration", "n", "ECE", "excess ECE", "ECE by label", "log loss"), rows),
    ]


def abstaining(metrics: Metrics) -> list[str]:
    rows, shipped = [], []
    for name, one in metrics["abstaining"].items():
        errors = [shown(at["error"]) for at in one["at"]] or ["–"] * len(COVERAGES)
        rows.append((name, f"{one['n']:,}", *errors, shown(one["aurc"])))
        its = one["shipped"]
        kept = "–" if its["coverage"] is None else f"{its['coverage']:.1%}"
        shipped.append(
            (name, f"{its['threshold']:.3f}", kept, *(shown(its["error"][part]) for part in ("kept", "uncertain")))
        )
    coverages = [f"error at {coverage:.0%}" for coverage in COVERAGES]
    return [
        "## Abstaining",
        "",
        "Share of errors among the most confident labels (risk) when so many are kept (coverage); AURC is the area under that curve.",
        "",
        *table(("task and data", "n", *coverages, "AURC"), rows),
        "`is_uncertain` marks labels less confident than the threshold that is shipped; count them apart:",
        "",
        *table(("task and data", "threshold", "kept", "error of the kept", "error of the uncertain"), shipped),
    ]


def slices(metrics: Metrics) -> list[str]:
    sets = metrics["slices"]
    rows = []
    for name in rules():
        found = [its[name] for its in sets.values()]
        rows.append((name, *(_cell(one) for one in found)))
    return [
        "## Slices",
        "",
        "Accuracy with its interval, and n. Of emotions: the whole set of labels met. Rules overlap; they see the text alone.",
        "",
        *table(("slice", *sets), rows),
        *(f"- **{name}**: {rule}" for name, rule in rules().items()),
        "",
    ]


def _cell(one: Figure) -> str:
    return f"{shown(one)}, {one['n']:,}" if one["value"] is not None else shown(one)


def emotions(metrics: Metrics) -> list[str]:
    test, dev = "emotion, GoEmotions, test", "emotion, GoEmotions, dev"
    name = test if test in metrics["reports"] else dev
    rows = [
        (
            label,
            value_and_interval(one["precision"], None),
            value_and_interval(one["recall"], None),
            value_and_interval(one["f1"], one["ci"]["f1"]),
            f"{one['support']:,}",
        )
        for label, one in metrics["reports"][name]["per_label"].items()
    ]
    return [f"## Each emotion ({name})", "", *table(("label", "precision", "recall", "F1", "support"), rows)]


def emotional(metrics: Metrics) -> list[str]:
    """Errors of `is_emotional`, for which shares are corrected, and whether `emotional_intensity` has an order."""
    c, strength = metrics["is_emotional_confusion"], metrics["intensity"]
    rows = []
    for name, hits, n in (("sensitivity", c["tp"], c["tp"] + c["fn"]), ("specificity", c["tn"], c["tn"] + c["fp"])):
        value = value_and_interval(hits / n, wilson(hits / n, n)) if n else "–"
        rows.append((f"`is_emotional`, {c['of']}, reported half: {name}", f"{n:,}", value))
    figures = {
        "pairs of texts that differ in strength alone: intensity keeps their order": strength["pairs"],
        "clothing reviews, dev: Spearman of intensity with |stars - 3|": strength["spearman_with_distance"],
        **{
            f"the same: mean intensity at |stars - 3| = {away}": one
            for away, one in strength["mean_at_distance"].items()
        },
    }
    rows += [(name, f"{one['n']:,}", shown(one)) for name, one in figures.items()]
    return ["## Emotional or not, and how strongly", "", *table(("on", "n", "figure, 95% interval"), rows)]


def confusions(metrics: Metrics) -> list[str]:
    every = dict(metrics["reports"])
    if "nhs_folds" in metrics:
        every["sentiment, NHS comments, head refitted"] = metrics["nhs_folds"]
    lines = ["## Confusion (rows: truth, columns: model)", ""]
    for name, r in every.items():
        if "confusion" in r:
            rows = [(label, *map(str, row)) for label, row in zip(r["labels"], r["confusion"], strict=True)]
            lines += [name, "", *table(("", *r["labels"]), rows)]
    return lines


def behaviour(metrics: Metrics) -> list[str]:
    found = metrics["behaviour"]
    rows = [
        (t["capability"], t["name"], t["type"], str(t["n"]), value_and_interval(t["failure_rate"], (t["low"], t["high"])))
        for t in found["tests"]
    ]  # fmt: skip
    worst = found["worst"]
    return [
        "## Behaviour",
        "",
        f"Share of failed cases in tests written for what customers say, none of them seen in training: {found['n_tests']} tests, "
        f"{found['n_cases']:,} cases, mean {found['mean_failure_rate']:.3f}, worst {worst['failure_rate']:.3f} ({worst['name']}).",
        "",
        *table(("capability", "mean failure rate"), [(k, f"{v:.3f}") for k, v in found["capabilities"].items()]),
        *table(("capability", "test", "type", "cases", "failure rate, 95% interval"), rows),
    ]


def fairness(metrics: Metrics) -> list[str]:
    def shift(one: dict[str, Any]) -> str:
        return f"{one['shift']:+.4f} [{one['low']:+.4f}, {one['high']:+.4f}]"

    rows = [
        (name, kind, f"{one['n_texts']:,}", shift(one["mean"]), f"{shift(one['worst_pair'])} ({' over '.join(one['worst_pair']['groups'])})")
        for name, kinds in metrics["fairness"]["slices"].items()
        for kind, one in kinds.items()
    ]  # fmt: skip
    its = metrics["fairness"]["identities"]
    called = value_and_interval(its["negative"], (its["low"], its["high"]))
    return [
        "## Fairness",
        "",
        "How far the sentiment score (-1 to 1) of one text moves with the name or pronoun in it.",
        "",
        *table(("groups", "texts", "n", "mean shift of a group", "furthest apart"), rows),
        f"Neutral statements about who somebody is, called negative: {called}, n {its['n']:,}.",
        "",
    ]


def engines(metrics: Metrics) -> list[str]:
    found = metrics["engines"]
    names = found["engines"]
    lines = ["## Engines", ""]
    if found["loss"] is None:
        return [*lines, f"Measured with {metrics['engine']}; {found['reason']}.", ""]
    rows = [
        (one.title, *(shown(found["figures"][engine][name]) for engine in names), _loss(found["loss"][name]))
        for name, one in HEADLINES.items()
    ]
    return [
        *lines,
        f"Shipped: {metrics['engine']}. Loss: how much worse than the last column, below 0 is better.",
        "",
        *table(("on", *names, "loss"), rows),
        f"Labels of sentiment that differ: {shown(found['labels_that_differ'], digits=4)}; the largest change of a "
        f"probability is {found['largest_change_of_a_probability']:.4f}.",
        "",
    ]


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4f}"


def themes(metrics: Metrics) -> list[str]:
    nmi = metrics["theme_vectors_nmi"]
    lines = ["## Themes and mixed feelings", ""]
    rows = [
        (f"`is_mixed`: {title} (Wilson)", f"{metrics['is_mixed'][key]['n']:,}", shown(metrics["is_mixed"][key]))
        for key, title in (
            ("recall", "recall on MAMS sentences with both polarities"),
            ("false_positives", "share of the other sentences called mixed"),
        )
    ]
    for key, title in (("theme_head", "theme vectors"), ("untouched", "untouched encoder's embedding")):
        rows.append((f"Banking77, NMI of k-means with the intents: {title}, three seeds", f"{nmi['n']:,}", f"{nmi[key]['mean']:.3f}"))  # fmt: skip
    return [*lines, *table(("on", "n", "figure"), rows)]
