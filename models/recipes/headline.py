"""The few figures a model is judged by, picked from its metrics, and the loss of one engine against another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.recipes.figures import Figure, from_report, missing, share

Metrics = dict[str, Any]
SENTIMENT_SETS = {
    "semeval": "tweets (SemEval 2017)",
    "extraction": "tweets (extraction set)",
    "clothing": "clothing reviews",
}


def report_name(field: str) -> str:
    return f"sentiment, {SENTIMENT_SETS[field]}, dev"


@dataclass(frozen=True)
class Headline:
    title: str
    pick: Callable[[Metrics], Figure]
    more_is_better: bool = True


def _of_report(name: str, key: str) -> Callable[[Metrics], Figure]:
    return lambda metrics: from_report(metrics["reports"][name], key) if name in metrics["reports"] else _absent()


def _of_key(name: str) -> Callable[[Metrics], Figure]:
    return lambda metrics: metrics.get(name) or _absent()


def _absent() -> Figure:
    return missing("not measured")


def _folds(metrics: Metrics) -> Figure:
    return from_report(metrics["nhs_folds"], "macro_f1") if "nhs_folds" in metrics else _absent()


HEADLINES = {
    "goemotions_test": Headline("GoEmotions test, 28 labels: macro-F1", _of_report("emotion, GoEmotions, test", "macro_f1")),
    "goemotions_dev": Headline("GoEmotions dev, 28 labels: macro-F1", _of_report("emotion, GoEmotions, dev", "macro_f1")),
    "tweets": Headline("tweets, SemEval 2017 (TweetEval) validation: macro-recall", _of_report(report_name("semeval"), "macro_recall")),
    "aspects": Headline("MAMS val, sentiment of aspect terms: accuracy", _of_report("aspect, MAMS, val", "accuracy")),
    "nhs_folds": Headline("NHS comments, three classes, head refitted in five folds: macro-F1", _folds),
    "nhs": Headline("NHS comments, negative against positive, as shipped: balanced accuracy", _of_key("nhs_sentiment")),
    "clothing": Headline("clothing reviews dev, 1-2 against 4-5 stars: balanced accuracy", _of_key("clothing_balanced_accuracy")),
    **{
        f"ece_{field}": Headline(f"{name}, dev: excess ECE", _of_report(report_name(field), "ece_excess"), more_is_better=False)
        for field, name in SENTIMENT_SETS.items()
    },
}  # fmt: skip


def headline(metrics: Metrics) -> dict[str, Figure]:
    """Name of HEADLINES -> its figure in metrics; null with "not measured" where metrics lacks it."""
    return {name: one.pick(metrics) for name, one in HEADLINES.items()}


def compare_engines(found: dict[str, Metrics], probabilities: dict[str, np.ndarray]) -> dict[str, Any]:
    """Metrics by engine and sentiment (N, 3) of the same texts by engine, the shipped engine first -> what it loses.

    loss: the last engine's figure less the shipped one's, so that more is worse; null with a reason where there is one
    engine only, or a figure is null.
    """
    figures = {engine: headline(metrics) for engine, metrics in found.items()}
    shipped, reference = next(iter(figures)), list(figures)[-1]
    out: dict[str, Any] = {"engines": list(figures), "figures": figures}
    if shipped == reference:
        return out | {"loss": None, "reason": "only one engine was measured"}
    loss: dict[str, float | None] = {}
    for name, one in HEADLINES.items():
        ours, theirs = figures[shipped][name]["value"], figures[reference][name]["value"]
        sign = 1 if one.more_is_better else -1
        loss[name] = None if ours is None or theirs is None else round(sign * (theirs - ours), 4)
    p, q = probabilities[shipped], probabilities[reference]
    return out | {
        "loss": loss,
        "labels_that_differ": share(p.argmax(axis=1) != q.argmax(axis=1)),
        "largest_change_of_a_probability": round(float(np.abs(p - q).max(initial=0)), 5),
    }
