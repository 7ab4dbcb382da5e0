"""Mentions, what is felt about them, and what finding them costs: every figure in one run.

    python -m models.recipes.benchmark_mentions --data-root DATA [--model models/minilm-cx] [--tagger FILE] [--only PART]

terms    exact-span F1 on the aspect terms of MAMS val: of the rules that ship, and of a tagger trained on MAMS train
         (models.recipes.aspect_terms; without --tagger it is trained here, some minutes)
mixed    `is_mixed` on MAMS val (the thresholds were fitted on the half "fit"; also with each half's thresholds on the other)
         and on dev texts joined by twos
sides    joined texts of opposite labels: how many sides keep the label that they have alone
memory   what 20,000 texts of words never seen before leave behind in spaCy's vocabulary and strings
cost     spaCy's share of the core-seconds of a night over the NHS comments, loading of models left out

Prints one JSON object; every figure has its n and a 95% interval, intervals over sentences or texts.
"""

import argparse
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.bootstrap import resample
from cx_nlp.score import heads
from cx_nlp.score.predict import Predictor
from cx_nlp.spans import find_spans
from cx_nlp.spans.mentions import NOUN_PHRASE
from cx_nlp.spans.pipeline import load_nlp
from cx_nlp.themes.taxonomy import load_taxonomies
from models.recipes import data, measure
from models.recipes.command import one_line
from models.recipes.figures import RESAMPLES, Figure, figure, share
from models.recipes.mixed import evidence, settings_of, thresholds, truth_of

_SEED = 0
_PAIRS = 1_000  # joined texts
_NEW_TEXTS = 20_000
Span = tuple[int, int]


def term_figures(found: list[set[Span]], terms: list[set[Span]], *, rng: np.random.Generator) -> dict[str, Figure]:
    """Spans found and annotated in each sentence -> precision, recall and micro-F1 of exactly equal spans; n is sentences."""
    rows = np.array([(len(a & b), len(a), len(b)) for a, b in zip(found, terms, strict=True)], dtype=float)

    def statistics(sums: np.ndarray) -> dict[str, np.ndarray]:
        right, said, true = np.moveaxis(sums, -1, 0)
        return {"precision": right / said, "recall": right / true, "f1": 2 * right / (said + true)}

    drawn = statistics(resample(rows, resamples=RESAMPLES, rng=rng))
    return {
        name: figure(float(value), np.quantile(drawn[name], [0.025, 0.975]).tolist(), len(rows))
        for name, value in statistics(rows.sum(axis=0)).items()
    }


def terms(root: Path, predictor: Predictor, tagger: Path | None) -> dict[str, Any]:
    from models.recipes import aspect_terms

    rng = np.random.default_rng(_SEED)
    annotated = aspect_terms.terms_of(root, "dev")
    texts, true = list(annotated), list(annotated.values())
    spans = list(find_spans(texts))
    rules = [{(m.start, m.end) for m in its.mentions if m.kind == NOUN_PHRASE} for its in spans]
    every = [{(m.start, m.end) for m in its.mentions} for its in spans]
    if tagger:
        trained = aspect_terms.load_tagger(tagger)
    else:
        trained = aspect_terms.train(
            aspect_terms.read(aspect_terms.terms_of(root, "train"), predictor.encoder), seed=_SEED
        )
    found = aspect_terms.predict(trained, aspect_terms.read(annotated, predictor.encoder))
    return {
        "rules": term_figures(rules, true, rng=rng),
        "rules, verb mentions too": term_figures(every, true, rng=rng),
        "trained": term_figures(found, true, rng=rng),
        "trained, weights": sum(weight.numel() for weight in trained.state_dict().values()),
    }


def mixed(root: Path, predictor: Predictor, dev: pd.DataFrame) -> dict[str, Any]:
    aspects = data.aspect(root, "dev")
    pairs = data.joined_pairs(dev, rows=_PAIRS, rng=np.random.default_rng(_SEED))
    halves = [data.half_of(aspects, half) for half in ("fit", "report")]
    return {
        "thresholds": settings_of(predictor.model.calibration),
        "MAMS val, report half": measure.mixed(predictor, halves[1]),
        "MAMS val, whole": measure.mixed(predictor, aspects),
        "MAMS val, each half by the other's thresholds": crossed(predictor, halves, pairs),
        "joined dev texts": measure.mixed(predictor, pairs),
    }


def crossed(predictor: Predictor, halves: list[pd.DataFrame], pairs: pd.DataFrame) -> dict[str, Figure]:
    """As `measure.mixed`, over both halves of annotated terms, with thresholds that each took from the other and joined texts."""
    taxonomy = load_taxonomies(["general"])
    *read, joined = (
        (evidence(predictor, taxonomy, truth.index.tolist()), truth.to_numpy())
        for truth in map(truth_of, [*halves, pairs])
    )
    said = np.concatenate(
        [mine.said(**thresholds(other, joined)) for (mine, _), other in zip(read, reversed(read), strict=True)]
    )
    truth = np.concatenate([its for _, its in read])
    return {"recall": share(said[truth]), "false_positives": share(said[~truth])}


def sides(predictor: Predictor, dev: pd.DataFrame) -> dict[str, Figure]:
    """Share of sides of opposite pairs whose label, read from the side's span, is the label of the side alone."""
    pairs = data.joined_pairs(dev, rows=2 * _PAIRS, rng=np.random.default_rng(_SEED + 1))
    pairs = pairs[pairs.groupby("text")["label"].transform("nunique") == 2].reset_index(drop=True)
    parts = [text[start:end] for text, start, end in zip(pairs["text"], pairs["start"], pairs["end"], strict=True)]
    alone = predictor.sentiment(parts).argmax(axis=1)
    together = predictor.sentiment_of_spans(pairs).argmax(axis=1)
    kept, clear = alone == together, alone != heads.NEUTRAL
    groups = pairs["text"].to_numpy()
    return {
        "sides": share(kept, groups=groups),
        "sides that are clear alone": share(kept[clear], groups=groups[clear]),
        "opposite alone, both kept": _both(kept, alone, groups),
    }


def _both(kept: np.ndarray, alone: np.ndarray, groups: np.ndarray) -> Figure:
    frame = pd.DataFrame({"kept": kept, "alone": alone, "text": groups}).groupby("text")
    opposite = frame["alone"].agg(lambda labels: {heads.NEGATIVE, heads.POSITIVE} == set(labels))
    return share(frame["kept"].all()[opposite].to_numpy())


def memory(texts: int = _NEW_TEXTS, *, seed: int = _SEED) -> dict[str, int]:
    """Entries that so many texts of ever-new words add to spaCy's strings and vocabulary, beside what was there before."""
    rng = np.random.default_rng(seed)
    nlp = load_nlp()

    def new_texts(n: int):
        for _ in range(n):
            one, two, three = ("".join(map(chr, rng.integers(97, 123, size=9))) for _ in range(3))
            yield f"The {one} was {two} but they {three}ed me."

    list(find_spans(new_texts(100)))  # what the first texts load stays

    def held() -> tuple[int, int]:
        return len(nlp.vocab.strings), sum(1 for _ in nlp.vocab)  # its length counts what was let go, too

    before = held()
    mentions = sum(len(spans.mentions) for spans in find_spans(new_texts(texts)))
    after = held()
    return {"n": texts, "mentions": mentions, "strings": after[0] - before[0], "lexemes": after[1] - before[1]}


@one_line
def main() -> None:
    from models.recipes import spacy_share

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/minilm-cx"))
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--tagger", type=Path, help="weights from models.recipes.aspect_terms")
    parser.add_argument("--only", choices=["terms", "mixed", "sides", "memory", "cost"], action="append")
    args = parser.parse_args()
    predictor = Predictor.load(str(args.model))

    @cache
    def dev() -> pd.DataFrame:  # the half that nothing was tuned on
        return data.half_of(data.sentiment(args.data_root, "dev"), "report")

    parts: dict[str, Callable[[], Any]] = {
        "terms": lambda: terms(args.data_root, predictor, args.tagger),
        "mixed": lambda: mixed(args.data_root, predictor, dev()),
        "sides": lambda: sides(predictor, dev()),
        "memory": memory,
        "cost": lambda: spacy_share.measure(args.data_root, str(args.model)),
    }
    found = {name: part() for name, part in parts.items() if not args.only or name in args.only}
    print(json.dumps({"model": predictor.model.name, "engine": predictor.encoder.engine, **found}, indent=1))


if __name__ == "__main__":
    main()
