"""Measure a calibrated model on what nothing was fitted on, and write its metrics.json and card.

    python -m models.recipes.measure --model models/minilm-cx --data-root DATA [--skip-test]

Dev figures are on the half that calibration did not see; GoEmotions test is run once for each shipped model, so
leave it out (`--skip-test`) while choosing between models; the NHS comments were neither trained nor tuned on. Every
figure has its n and a 95% interval; one that cannot be had is null and gives the reason.
"""

import argparse
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from cx_nlp.bootstrap import resample
from cx_nlp.clean import clean_text
from cx_nlp.labelled import label_matrix
from cx_nlp.score import heads, judge
from cx_nlp.score.predict import Predictor
from cx_nlp.themes.taxonomy import load_taxonomies
from models.recipes import behaviour, data, fairness, nhs
from models.recipes.benchmark_engines import timed
from models.recipes.card import write_card
from models.recipes.emotionality import emotionality
from models.recipes.figures import RESAMPLES, Figure, figure, missing, share
from models.recipes.headline import SENTIMENT_SETS, Metrics, compare_engines, report_name
from models.recipes.mixed import evidence, settings_of, truth_of
from models.recipes.reliability import abstaining, before_and_after, emotions_before_and_after
from models.recipes.sets import SETS, load
from models.recipes.slices import TYPOS, slice_figures, with_typos

_SEED = 0


@dataclass(frozen=True)
class Sets:
    """What is measured on: the reported halves of dev, GoEmotions test (None while choosing), the NHS comments."""

    sentiment: pd.DataFrame
    emotion_dev: pd.DataFrame
    emotion_test: pd.DataFrame | None
    aspect: pd.DataFrame
    nhs: pd.DataFrame

    @classmethod
    def load(cls, root: Path, *, with_test: bool) -> "Sets":
        return cls(
            sentiment=data.half_of(data.sentiment(root, "dev"), "report"),
            emotion_dev=data.half_of(data.emotion(root, "dev"), "report"),
            emotion_test=data.emotion(root, "test") if with_test else None,
            aspect=data.half_of(data.aspect(root, "dev"), "report"),
            nhs=nhs.comments(root),
        )

    def of_field(self, field: str) -> pd.DataFrame:
        return self.sentiment[self.sentiment["field"] == field].reset_index(drop=True)


def engines(model: str) -> dict[str, Predictor]:
    """Name -> predictor, the shipped engine first; a last one other than that is what it is compared with."""
    default = Predictor.load(model)
    if default.encoder.engine.startswith("onnxruntime"):  # the processor has no bfloat16: there is nothing to compare
        return {"default": default}
    return {"default": default, "fp32": Predictor.load(model, engine="onnxruntime-fp32")}


def measure(folder: Path, root: Path, *, with_test: bool) -> Metrics:
    sets, predictors = Sets.load(root, with_test=with_test), engines(str(folder))
    found = {name: main_figures(predictor, sets) for name, predictor in predictors.items()}
    shipped, predictor = next(iter(predictors.items()))
    texts = sets.sentiment["text"].tolist()
    return {
        "model": predictor.model.scores,
        "engine": predictor.encoder.engine,
        **found[shipped],
        **more_figures(predictor, sets),
        **emotionality(predictor, root),
        "engines": compare_engines(found, {name: one.sentiment(texts) for name, one in predictors.items()}),
        "speed": speed(predictor, sets.of_field("semeval")["text"].tolist()),
        "theme_vectors_nmi": banking_nmi(predictor, root),
        "behaviour": behaviour.run(predictor.sentiment, rng=np.random.default_rng(_SEED), aspects=predictor.aspects),
        "fairness": fairness.run(predictor.sentiment, rng=np.random.default_rng(_SEED)),
        "data": hashes(root),
    }


def main_figures(predictor: Predictor, sets: Sets) -> Metrics:
    """The reports and the figures a model is judged by: what is measured for each engine."""
    rng = np.random.default_rng(_SEED)
    reports = {
        report_name(field): judge.sentiment(predictor, sets.of_field(field), rng=rng) for field in SENTIMENT_SETS
    }
    reports["emotion, GoEmotions, dev"] = judge.emotion(predictor, sets.emotion_dev, rng=rng)
    if sets.emotion_test is not None:
        reports["emotion, GoEmotions, test"] = judge.emotion(predictor, sets.emotion_test, rng=rng)
    reports["aspect, MAMS, val"] = judge.aspect(predictor, sets.aspect, rng=rng)
    clothing = sets.of_field("clothing")
    means, n_tokens = predictor.documents(sets.nhs["text"].tolist())
    return {
        "reports": reports,
        "clothing_balanced_accuracy": balanced_accuracy(
            predictor.sentiment(clothing["text"].tolist()), clothing["label"].to_numpy(), rng=rng
        ),
        "nhs_sentiment": balanced_accuracy(
            heads.sentiment(predictor.model, means, n_tokens), sets.nhs["label"].to_numpy(), rng=rng
        ),
        "nhs_folds": nhs.folds_report(means, sets.nhs, rng=rng, model=predictor.model.name),
    }


def more_figures(predictor: Predictor, sets: Sets) -> Metrics:
    """Calibration, abstaining, slices, `is_mixed`: of the shipped engine alone."""
    rng = np.random.default_rng(_SEED + 1)
    calibration, abstain, slices = {}, {}, {}
    tokens, limits = _token_counter(predictor), predictor.model.calibration
    for name, rows in _sentiment_sets(sets).items():
        texts, labels = rows["text"].tolist(), rows["label"].to_numpy()
        means, n_tokens = predictor.documents(texts)
        p = judge.normalised(heads.sentiment(predictor.model, means, n_tokens))
        raw = heads.softmax(heads.logits(predictor.model, "sentiment", means))
        right = p.argmax(axis=1) == labels
        calibration[name] = before_and_after(raw, p, labels, rng=rng)
        abstain[name] = abstaining(p.max(axis=1), right, threshold=limits.uncertain_below, rng=rng)
        changed = with_typos(texts, rng=rng)
        slices[name] = slice_figures(texts, tokens(texts), right)
        slices[name][TYPOS] = share(predictor.sentiment(changed).argmax(axis=1) == labels)

    texts = sets.emotion_dev["text"].tolist()
    truth = label_matrix(sets.emotion_dev["labels"].tolist())
    name = "emotion, GoEmotions, dev"
    before, after = heads.sigmoid(predictor.emotion_logits(texts)), predictor.emotions(texts)
    calibration[name] = emotions_before_and_after(before, after, truth, rng=rng)
    slices[name] = slice_figures(texts, tokens(texts), _exact(predictor, after, truth))
    slices[name][TYPOS] = share(_exact(predictor, predictor.emotions(with_typos(texts, rng=rng)), truth))

    texts, labels = sets.aspect["text"].tolist(), sets.aspect["label"].to_numpy()
    groups, name = sets.aspect["text"].to_numpy(), "aspect, MAMS, val"
    p = judge.normalised(predictor.aspects(sets.aspect))
    before, right = heads.softmax(predictor.aspect_logits(sets.aspect)), p.argmax(axis=1) == labels
    calibration[name] = before_and_after(before, p, labels, rng=rng, groups=groups)
    limit = limits.aspect_uncertain_below
    abstain[name] = abstaining(p.max(axis=1), right, threshold=limit, rng=rng, groups=groups)
    slices[name] = slice_figures(texts, tokens(texts), right, groups=groups)
    slices[name][TYPOS] = missing("a typo would move the offsets of the terms", len(texts))
    return {
        "calibration": calibration,
        "abstaining": abstain,
        "slices": slices,
        "is_mixed": mixed(predictor, sets.aspect),
    }


def _sentiment_sets(sets: Sets) -> dict[str, pd.DataFrame]:
    return {report_name(field): sets.of_field(field) for field in SENTIMENT_SETS} | {
        "sentiment, all three, dev": sets.sentiment
    }


def _exact(predictor: Predictor, p: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """p, truth (N, 28) -> which texts have their whole set of emotions met, bool (N,)."""
    return (predictor.emotion_labels(p) == truth).all(axis=1)


def _token_counter(predictor: Predictor):
    tokenizer = Tokenizer.from_file(str(predictor.model.folder / "tokenizer.json"))
    return lambda texts: [len(one.ids) for one in tokenizer.encode_batch(texts, add_special_tokens=False)]


def balanced_accuracy(p: np.ndarray, labels: np.ndarray, *, rng: np.random.Generator) -> Figure:
    """Probabilities (N, 3), labels (N,) -> mean of the recalls of negative and positive, the more probable of the two being said.

    Rows labelled neutral are left out.
    """
    side = np.where(p[:, heads.POSITIVE] > p[:, heads.NEGATIVE], heads.POSITIVE, heads.NEGATIVE)
    its = [labels == label for label in (heads.NEGATIVE, heads.POSITIVE)]
    n = int(sum(one.sum() for one in its))
    if not all(one.any() for one in its):
        return missing("no row of one of the two classes", n)
    rows = np.column_stack([*(one & (side == labels) for one in its), *its]).astype(float)[its[0] | its[1]]

    def statistic(sums: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # a resample may lack a class
            return (sums[..., :2] / sums[..., 2:]).mean(axis=-1)

    drawn = statistic(resample(rows, resamples=RESAMPLES, rng=rng))
    return figure(statistic(rows.sum(axis=0)), np.nanquantile(drawn, [0.025, 0.975]).tolist(), n)


def mixed(predictor: Predictor, terms: pd.DataFrame) -> dict[str, Figure]:
    """Recall on sentences that hold a positive and a negative term, false positives on the others; spaCy finds the spans."""
    truth, c = truth_of(terms), predictor.model.calibration
    found = evidence(predictor, load_taxonomies(["general"]), truth.index.tolist())
    said = found.said(**settings_of(c))
    return {"recall": share(said[truth.to_numpy()]), "false_positives": share(said[~truth.to_numpy()])}


def speed(predictor: Predictor, texts: list[str], *, rounds: int = 5) -> Metrics:
    """Texts a second through tokenizer, encoder and pooling: median, lowest and highest of the rounds."""
    name = predictor.encoder.engine
    found = timed({name: predictor.encoder}, texts, rounds=rounds)[name]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    of = f"tweets a second on {cores} cores ({name}; median, lowest and highest of {rounds} rounds of {len(texts):,})"
    return {"value": round(float(np.median(found)), 1), "ci": [round(min(found), 1), round(max(found), 1)], "of": of}


def banking_nmi(predictor: Predictor, root: Path) -> dict[str, Any]:
    """NMI of k-means (77 clusters, three seeds) with the intents, beside the untouched encoder's own embedding."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score

    from models.recipes.embed import untouched_embedding

    frame = load("banking77", "train", root).to_pandas()
    texts = [clean_text(text) for text in frame["text"]]
    vectors = {
        "theme_head": heads.theme_vectors(predictor.model, predictor.document_means(texts)),
        "untouched": untouched_embedding(texts),
    }
    out: dict[str, Any] = {"n": len(texts)}
    for name, x in vectors.items():
        scores = [
            normalized_mutual_info_score(frame["category"], KMeans(77, n_init=1, random_state=seed).fit_predict(x))
            for seed in range(3)
        ]
        out[name] = {"mean": round(float(np.mean(scores)), 4), "of_seeds": [round(float(s), 4) for s in scores]}
    return out | {"ratio": round(out["theme_head"]["mean"] / out["untouched"]["mean"], 4)}


def hashes(root: Path) -> dict[str, str]:
    """Local file of what is measured on -> the start of its SHA-256; a set that came from the hub has none."""
    files = {path for one in SETS.values() for split, path in one.files.items() if split != "train"}
    files |= set(SETS["banking77"].files.values())
    found = sorted(name for name in files if (root / name).is_file())
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest()[:16] for name in found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--skip-test", action="store_true", help="leave GoEmotions test unread: while choosing")
    args = parser.parse_args()
    metrics = measure(args.model, args.data_root, with_test=not args.skip_test)
    (args.model / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    write_card(args.model)


if __name__ == "__main__":
    main()
