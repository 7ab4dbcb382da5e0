"""Run the behaviour tests of configs/behaviour.yaml on a model.

    python -m models.recipes.behaviour --model models/minilm-cx [--json]

A case fails
    MFT   if the most probable label is none of the expected ones;
    INV   if the most probable label of the changed text is another one than before (`large_shifts` is the share whose
          largest change of a probability exceeds 0.2, label or no label);
    DIR   if sentiment_score, p_positive - p_negative, moves against the stated direction by more than 0.05.

Cases of one template are alike, so an interval tells what another draw from the same templates would give, not what
other templates would. Texts go through `clean_text` first, as in production.
"""

import argparse
import json
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.clean import clean_text
from cx_nlp.intervals import wilson
from cx_nlp.labels import SENTIMENTS
from models.recipes.templates import BehaviourTest, Case, cases, load_tests, texts_of

TESTS = Path(__file__).parents[2] / "configs" / "behaviour.yaml"
CASES_PER_TEST = 200
TOLERANCE = 0.05  # of a DIR test, in units of sentiment_score
LARGE_SHIFT = 0.2  # of a probability, in an INV test
_EXAMPLES = 3
_NOT_WORDS = re.compile(r"[^\w\s]|_")

Predict = Callable[[Sequence[str]], np.ndarray]
PredictAspects = Callable[[pd.DataFrame], np.ndarray]


def draw(
    tests: Sequence[BehaviourTest], *, rng: np.random.Generator, per_test: int = CASES_PER_TEST
) -> dict[str, list[Case]]:
    """test name -> its cases, each test from a stream of its own: another test in the file changes no other's cases."""
    seed = int(rng.integers(2**32))
    return {
        test.name: cases(test, n=per_test, rng=np.random.default_rng([seed, zlib.crc32(test.name.encode())]))
        for test in tests
    }


def run(
    predict: Predict,
    *,
    rng: np.random.Generator,
    aspects: PredictAspects | None = None,
    tests: Sequence[BehaviourTest] | None = None,
    per_test: int = CASES_PER_TEST,
) -> dict[str, Any]:
    """Failure rates of a model on `tests` (default: all of configs/behaviour.yaml).

    predict: cleaned texts (N) -> probabilities (N, 3) in the order of SENTIMENTS; aspects: rows of text, start, end (S)
    -> (S, 3), without which aspect tests are left out. Rates are in 0..1. -> values that JSON can hold:

    n_tests, n_cases, mean_failure_rate (over tests, each counting once; None without tests), worst (name, failure_rate),
    capabilities (name -> mean failure rate of its tests), left_out (names), tests: for each in order name, capability,
    type, expectation, n, failures, failure_rate, low, high (Wilson 95%), large_shifts (INV, else None), examples (up to
    three failures: before, after, term, expected, got; each text with its probabilities).
    """
    tests = load_tests(TESTS) if tests is None else list(tests)
    left_out = [test.name for test in tests if test.task == "aspect" and aspects is None]
    kept = [test for test in tests if test.name not in left_out]
    drawn = draw(kept, rng=rng, per_test=per_test)
    empty = [name for name, its in drawn.items() if not its]
    if empty:
        raise ValueError(f"no cases: {', '.join(empty)}")
    texts = texts_of([case for test in kept if test.task == "sentiment" for case in drawn[test.name]])
    read = dict(zip(texts, predict([clean_text(text) for text in texts]), strict=True)) if texts else {}
    results = []
    for test in kept:
        its = drawn[test.name]
        if test.task == "aspect":
            assert aspects is not None
            before = after = aspects(_terms(its))
        else:
            before = np.stack([read[case.before] for case in its])
            after = np.stack([read[case.before if case.after is None else case.after] for case in its])
        results.append(_result(test, its, before, after))
    rates = [result["failure_rate"] for result in results]
    worst = max(results, key=lambda result: result["failure_rate"], default=None)
    capabilities = dict.fromkeys(test.capability for test in kept)
    return {
        "n_tests": len(results),
        "n_cases": sum(result["n"] for result in results),
        "mean_failure_rate": round(float(np.mean(rates)), 4) if rates else None,
        "worst": {key: worst[key] for key in ("name", "failure_rate")} if worst else None,
        "capabilities": {
            name: round(float(np.mean([r["failure_rate"] for r in results if r["capability"] == name])), 4)
            for name in capabilities
        },
        "left_out": left_out,
        "tests": results,
    }


def _terms(its: Sequence[Case]) -> pd.DataFrame:
    for case in its:
        # Offsets are those of the text as filled; cleaning a template must not move them.
        if clean_text(case.before) != case.before or case.span is None:
            raise ValueError(f"an aspect test needs clean text and a span: {case.before!r}")
    return pd.DataFrame(
        [(case.before, *case.span) for case in its if case.span is not None], columns=["text", "start", "end"]
    )


def failures(test: BehaviourTest, its: Sequence[Case], before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Probabilities (N, 3) of the cases' two texts -> which cases fail, bool (N,), as the module says."""
    if test.type == "MFT":
        got = before.argmax(axis=1)
        return np.array([SENTIMENTS[label] not in case.allowed for label, case in zip(got, its, strict=True)])
    if test.type == "INV":
        return before.argmax(axis=1) != after.argmax(axis=1)
    moved = (after[:, 2] - after[:, 0]) - (before[:, 2] - before[:, 0])
    return moved < -TOLERANCE if test.expectation == "up" else moved > TOLERANCE


def _result(test: BehaviourTest, its: Sequence[Case], before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    wrong = failures(test, its, before, after)
    n, rate = len(its), float(wrong.mean())
    low, high = wilson(rate, n)
    large = float((np.abs(after - before).max(axis=1) > LARGE_SHIFT).mean()) if test.type == "INV" else None
    # Spread over the cases: neighbours share a template.
    shown = np.flatnonzero(wrong)
    shown = shown[np.unique(np.linspace(0, len(shown) - 1, _EXAMPLES).astype(int))] if len(shown) else shown
    return {
        "name": test.name,
        "capability": test.capability,
        "type": test.type,
        "expectation": test.expectation,
        "n": n,
        "failures": int(wrong.sum()),
        "failure_rate": round(rate, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "large_shifts": None if large is None else round(large, 4),
        "examples": [_example(test, its[i], before[i], after[i]) for i in shown],
    }


def _example(test: BehaviourTest, case: Case, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    return {
        "before": case.before,
        "after": case.after,
        "term": case.before[slice(*case.span)] if case.span else None,
        "expected": list(case.allowed) or test.expectation,
        "got": [p.astype(float).round(3).tolist() for p in ([before] if case.after is None else [before, after])],
    }


def overlap(its: Iterable[Case], texts: Iterable[str]) -> float:
    """Share of the cases, in 0..1, with a text that is among `texts` but for case, punctuation and spaces; 0 of none."""
    known = {_bare(text) for text in texts}
    hits = [any(_bare(text) in known for text in (case.before, case.after) if text is not None) for case in its]
    return float(np.mean(hits)) if hits else 0.0


def _bare(text: str) -> str:
    # Emoji go with the punctuation: the words are what would have been learned.
    return " ".join(_NOT_WORDS.sub("", text.casefold()).split())


def table(result: dict[str, Any]) -> str:
    """The result as lines of text, one a test, the worst examples left to --json."""
    lines = [f"{'test':34} {'type':4} {'n':>4}  {'fail':>6}  95% interval    large shifts"]
    for row in result["tests"]:
        large = "" if row["large_shifts"] is None else f"{row['large_shifts']:.1%}"
        interval = f"{row['low']:.3f}-{row['high']:.3f}"
        lines.append(
            f"{row['name']:34} {row['type']:4} {row['n']:4}  {row['failure_rate']:6.1%}  {interval:15} {large}"
        )
    mean, worst = result["mean_failure_rate"], result["worst"]
    lines.append(
        f"{result['n_tests']} tests, {result['n_cases']} cases: mean {mean:.1%}, worst {worst['failure_rate']:.1%}"
    )
    return "\n".join(lines)


def main() -> None:
    from cx_nlp.score.predict import Predictor

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a shipped model's name or a folder")
    parser.add_argument("--tests", type=Path, default=TESTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print the result with three failures a test")
    args = parser.parse_args()
    predictor = Predictor.load(args.model)
    result = run(
        predictor.sentiment,
        rng=np.random.default_rng(args.seed),
        aspects=predictor.aspects,
        tests=load_tests(args.tests),
    )
    print(json.dumps(result, indent=1, ensure_ascii=False) if args.json else table(result))


if __name__ == "__main__":
    main()
