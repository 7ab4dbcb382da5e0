"""Every engine that this machine can run, side by side: speed, and what it does to the figures.

    python -m models.recipes.benchmark_engines --model models/minilm-cx --data-root DATA [--rows N] [--json]

Speed is measured in interleaved rounds (A B C, A B C, ...), so that a busy machine slows all of them alike: read the
ratios. Neighbours are changed in three ways: each text alone, in random groups of seven, in batches of another size.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from cx_nlp.errors import UsageError
from cx_nlp.score import engines, heads
from cx_nlp.score.encoder import Encoder
from cx_nlp.score.model import Model, load_model
from cx_nlp.score.predict import Predictor
from models.recipes import data
from models.recipes.command import one_line

_SEED = 0
_FLOAT32 = "onnxruntime-fp32"


def available() -> dict[str, str]:
    """Engines of the table -> "" or why this machine cannot run it."""
    found = {}
    for name in engines.ENGINES:
        try:
            engines.choose(name, engines.this_processor)
            found[name] = ""
        except UsageError as error:
            found[name] = str(error)
    return found


def means(encoder: Encoder, texts: list[str]) -> np.ndarray:
    """texts (N) -> (N, H)"""
    return Predictor(encoder.model, encoder).document_means(texts)


def compare(model: Model, one: np.ndarray, two: np.ndarray, n_tokens: np.ndarray) -> dict[str, Any]:
    """Document means (N, H) twice, tokens (N,) -> largest shift of a probability, and texts whose labels differ."""
    sentiments = [heads.sentiment(model, m, n_tokens) for m in (one, two)]
    emotions = [heads.emotions(model, m) for m in (one, two)]
    above = [heads.above_threshold(p, model.calibration) for p in emotions]
    return {
        "shift": round(float(max(np.abs(p - q).max() for p, q in (sentiments, emotions))), 5),
        "sentiments_changed": int((sentiments[0].argmax(axis=1) != sentiments[1].argmax(axis=1)).sum()),
        "emotion_sets_changed": int((above[0] != above[1]).any(axis=1).sum()),
    }


def timed(encoders: dict[str, Encoder], texts: list[str], *, rounds: int) -> dict[str, list[float]]:
    """-> texts a second of each engine in each round; one round before them warms up."""
    speeds: dict[str, list[float]] = {name: [] for name in encoders}
    for number in range(rounds + 1):
        for name, encoder in encoders.items():
            start = time.perf_counter()
            means(encoder, texts)
            if number:
                speeds[name].append(len(texts) / (time.perf_counter() - start))
    return speeds


def neighbours(model: Model, name: str, texts: list[str], *, threads: int, rng: np.random.Generator) -> dict[str, Any]:
    """The worst of three other batches against the usual ones, over all texts."""
    usual = Encoder(model, threads=threads, engine=name)
    base, n_tokens = Predictor(model, usual).documents(texts)
    order = rng.permutation(len(texts))
    grouped = np.zeros_like(base)
    for at in range(0, len(texts), 7):
        group = order[at : at + 7]
        grouped[group] = means(usual, [texts[i] for i in group])
    others = [
        grouped,
        *(means(Encoder(model, threads=threads, engine=name, max_batch_tokens=n), texts) for n in (1, 8192)),
    ]
    found = [compare(model, base, other, n_tokens) for other in others]
    return {key: max(one[key] for one in found) for key in found[0]}


def benchmark(folder: Path, texts: list[str], *, rounds: int, threads: int, rng: np.random.Generator) -> dict[str, Any]:
    """-> n, and by engine: speed, its ratio to float32 on ONNX Runtime, differences from it, effect of neighbours."""
    model = load_model(str(folder))
    reasons = available()
    encoders = {n: Encoder(model, threads=threads, engine=n) for n, reason in reasons.items() if not reason}
    speeds = timed(encoders, texts, rounds=rounds)
    exact, n_tokens = Predictor(model, encoders[_FLOAT32]).documents(texts)
    report: dict[str, Any] = {"model": model.name, "n": len(texts), "rounds": rounds, "engines": {}}
    for name, reason in reasons.items():
        if reason:
            report["engines"][name] = {"skipped": reason}
            continue
        ratios = [a / b for a, b in zip(speeds[name], speeds[_FLOAT32], strict=True)]
        report["engines"][name] = {
            "engine": encoders[name].engine,
            "texts_per_second": _spread(speeds[name], 1),
            "ratio": _spread(ratios, 2),
            "against_float32": compare(model, exact, means(encoders[name], texts), n_tokens),
            "neighbours": neighbours(model, name, texts, threads=threads, rng=rng),
        }
    return report


def _spread(values: list[float], digits: int) -> dict[str, float]:
    return {
        "median": round(median(values), digits), "low": round(min(values), digits), "high": round(max(values), digits),
    }  # fmt: skip


def format_report(report: dict[str, Any]) -> str:
    lines = [f"{report['model']}, {report['n']} texts, {report['rounds']} interleaved rounds: median [lowest, highest]"]
    for name, one in report["engines"].items():
        if "skipped" in one:
            lines.append(f"{name:<18} skipped: {one['skipped']}")
            continue
        speed, ratio = one["texts_per_second"], one["ratio"]
        lines.append(
            f"{name:<18} {speed['median']:7.0f} texts/s [{speed['low']:.0f}, {speed['high']:.0f}], "
            f"x {ratio['median']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]"
        )
        for key in ("against_float32", "neighbours"):
            found = one[key]
            lines.append(
                f"  {key.replace('_', ' '):<16} shift {found['shift']:.5f}, changed: "
                f"{found['sentiments_changed']} sentiments, {found['emotion_sets_changed']} sets of emotions"
            )
    return "\n".join(lines)


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=2000, help="tweets to read (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0 takes all cores")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    frame = data.sentiment(args.data_root, "dev")
    texts = frame.loc[frame["field"] == "semeval", "text"].head(args.rows).tolist()
    rng = np.random.default_rng(_SEED)
    report = benchmark(args.model, texts, rounds=args.rounds, threads=args.threads, rng=rng)
    print(json.dumps(report) if args.json else format_report(report))


if __name__ == "__main__":
    main()
