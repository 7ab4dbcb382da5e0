"""Measure a calibrated model on what nothing was fitted on, and write its metrics.json and card.

    python -m models.recipes.measure --model models/minilm-cx --data-root DATA

Dev figures are on the half that calibration did not see; GoEmotions test is run once for each shipped model; the
NHS comments were neither trained nor tuned on. Every figure has its n and a bootstrap 95% interval.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.clean import clean_text
from cx_nlp.intervals import wilson
from cx_nlp.score import heads, judge
from cx_nlp.score.predict import Predictor
from cx_nlp.themes.taxonomy import load_taxonomies
from models.recipes import data
from models.recipes.calibrate import mixed_strength, mixed_truth
from models.recipes.card import write_card

_SEED = 0
_FIELDS = {"semeval": "tweets (SemEval 2017)", "extraction": "tweets (extraction set)", "clothing": "clothing reviews"}


def measure(folder: Path, root: Path) -> dict[str, Any]:
    predictor = Predictor.load(str(folder))
    rng = np.random.default_rng(_SEED)
    reports: dict[str, Any] = {}
    sentiments = _reported(data.sentiment(root, "dev"))
    for field, name in _FIELDS.items():
        rows = sentiments[sentiments["field"] == field]
        reports[f"sentiment, {name}, dev"] = judge.sentiment(predictor, rows, rng=rng)
    reports["emotion, GoEmotions, dev"] = judge.emotion(predictor, _reported(data.emotion(root, "dev")), rng=rng)
    reports["emotion, GoEmotions, test"] = judge.emotion(predictor, data.emotion(root, "test"), rng=rng)
    terms = data.aspect(root, "dev")
    reports["aspect, MAMS, val"] = judge.aspect(predictor, _reported(terms), rng=rng)
    return {
        "model": f"{predictor.model.name}@{predictor.model.digest[:12]}",
        "reports": reports,
        "clothing_balanced_accuracy": balanced_accuracy(
            predictor, sentiments[sentiments["field"] == "clothing"], rng=rng
        ),
        "nhs_sentiment": nhs(predictor, root, rng=rng),
        "is_mixed": mixed(predictor, _reported(terms)),
        "uncertain": coverage(predictor, sentiments),
        "theme_vectors_nmi": banking_nmi(predictor, root),
        "data": hashes(root),
    }


def _reported(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["text"].map(data.half) == "report"].reset_index(drop=True)


def _bootstrap(values: np.ndarray, statistic, rng: np.random.Generator, resamples: int = 1000) -> list[float]:
    draws = [statistic(values[rng.integers(len(values), size=len(values))]) for _ in range(resamples)]
    return [round(float(q), 4) for q in np.quantile(draws, [0.025, 0.975])]


def balanced_accuracy(predictor: Predictor, rows: pd.DataFrame, *, rng: np.random.Generator) -> dict[str, Any]:
    """1-2 against 4-5 stars: the more probable of negative and positive, mean of the two recalls."""
    p = predictor.sentiment(rows["text"].tolist())
    right = np.where(p[:, heads.POSITIVE] > p[:, heads.NEGATIVE], 2, 0) == rows["label"].to_numpy()
    pairs = np.column_stack([rows["label"].to_numpy(), right])

    def statistic(sample: np.ndarray) -> float:
        return float(np.mean([sample[sample[:, 0] == label, 1].mean() for label in (0, 2)]))

    return {"value": round(statistic(pairs), 4), "ci": _bootstrap(pairs, statistic, rng), "n": len(pairs)}


def nhs(predictor: Predictor, root: Path, *, rng: np.random.Generator) -> dict[str, Any]:
    """Agreement with the trust's annotators as the model is, without refitting: 1-2 positive, 4-5 negative; 3 left out."""
    frame = pd.read_parquet(root / "feedback/nhs_patient_feedback.parquet")
    frame = frame.assign(text=[clean_text(str(t)) for t in frame["FFT answer"]]).drop_duplicates("text")
    frame = frame[frame["Comment sentiment"].isin([1, 2, 4, 5]) & (frame["text"] != "")]
    rows = frame[["text"]].assign(label=np.where(frame["Comment sentiment"] <= 2, 2, 0)).reset_index(drop=True)
    return balanced_accuracy(predictor, rows, rng=rng)


def mixed(predictor: Predictor, terms: pd.DataFrame) -> dict[str, Any]:
    """Recall on sentences that hold a positive and a negative term, false positives on the others; spaCy finds the spans."""
    truth = mixed_truth(terms)
    said = mixed_strength(predictor, load_taxonomies(["general"]), truth.index.tolist())
    said, is_mixed = said > predictor.model.calibration.mixed_above, truth.to_numpy()
    out = {}
    for name, mask in (("recall", is_mixed), ("false_positives", ~is_mixed)):
        low, high = wilson(float(said[mask].mean()), int(mask.sum()))
        out[name] = {
            "value": round(float(said[mask].mean()), 4),
            "ci": [round(low, 4), round(high, 4)],
            "n": int(mask.sum()),
        }
    return out


def coverage(predictor: Predictor, rows: pd.DataFrame) -> dict[str, Any]:
    """Risk and coverage: the error rate of all labels, of those kept, and of those called uncertain."""
    p = predictor.sentiment(rows["text"].tolist())
    wrong = p.argmax(axis=1) != rows["label"].to_numpy()
    kept = p.max(axis=1) >= predictor.model.calibration.uncertain_below
    return {
        "n": len(rows),
        "coverage": round(float(kept.mean()), 4),
        "error_all": round(float(wrong.mean()), 4),
        "error_kept": round(float(wrong[kept].mean()), 4),
        "error_uncertain": round(float(wrong[~kept].mean()), 4),
    }


def banking_nmi(predictor: Predictor, root: Path) -> dict[str, Any]:
    """NMI of k-means (77 clusters, three seeds) with the intents, beside the untouched encoder's own embedding."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score

    from models.recipes.embed import untouched_embedding

    frame = pd.read_parquet(root / "themes/banking77.parquet")
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
    return out


def hashes(root: Path) -> dict[str, str]:
    used = ["emotion/goemotions/test.tsv", "emotion/goemotions/dev.tsv", "aspect/mams-atsa/val.xml"]
    used += [f"sentiment/{name}.parquet" for name in ("semeval2017", "tweet_extraction", "clothing_reviews")]
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest()[:16] for name in sorted(used)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    args = parser.parse_args()
    metrics = measure(args.model, args.data_root)
    (args.model / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    write_card(args.model)


if __name__ == "__main__":
    main()
