"""Two things about emotion that measures stand on: how often `is_emotional` errs, and whether intensity has an order.

    python -m models.recipes.emotionality --model models/minilm-cx --data-root DATA

Adds `is_emotional_confusion` and `intensity` to the model's metrics.json, as `models.recipes.measure` does.
The confusion is that of the reported half of GoEmotions dev: Reddit comments, so a share that is corrected by it is
corrected as if customers wrote like Redditors. Intensity is tried on pairs of texts that differ in strength alone
(configs/intensity.yaml), and on the clothing reviews of dev's reported half, three stars included, where it should rise
with |stars - 3|: Spearman's rank correlation, with the mean at each distance.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from cx_nlp.clean import clean_text
from cx_nlp.errors import UsageError
from cx_nlp.labelled import label_matrix
from cx_nlp.schema import EMOTIONS, UNEMOTIONAL
from cx_nlp.score import heads
from cx_nlp.score.known_errors import KEY
from cx_nlp.score.predict import Predictor
from models.recipes import data
from models.recipes.command import one_line
from models.recipes.figures import Figure, figure, resampled, share
from models.recipes.sets import load

PAIRS = Path(__file__).parents[2] / "configs" / "intensity.yaml"
HALF = "report"
_MOVING = np.array([name not in UNEMOTIONAL for name in EMOTIONS])


def emotionality(predictor: Predictor, root: Path) -> dict[str, Any]:
    """-> what metrics.json holds of this recipe, by key."""
    rng = np.random.default_rng(0)
    return {
        KEY: confusion(predictor, data.half_of(data.emotion(root, "dev"), HALF)),
        "intensity": {"pairs": pairs(predictor, load_pairs(PAIRS)), **by_stars(predictor, reviews(root), rng=rng)},
    }


def confusion(predictor: Predictor, texts: pd.DataFrame) -> dict[str, Any]:
    """texts: text, labels -> tp, fp, fn, tn of `is_emotional`, n, and what they were counted on.

    The truth is emotional where a label other than neutral, approval, disapproval, realization, confusion and curiosity
    was given, as the design defines it.
    """
    said = heads.is_emotional(predictor.emotions(texts["text"].tolist()), predictor.model.calibration)
    true = (label_matrix(texts["labels"].tolist()).astype(bool) & _MOVING).any(axis=1)
    cells = {"tp": said & true, "fp": said & ~true, "fn": ~said & true, "tn": ~said & ~true}
    counted = {name: int(rows.sum()) for name, rows in cells.items()}
    model = predictor.model.scores
    return {**counted, "n": len(texts), "half": HALF, "of": "GoEmotions dev (Reddit comments)", "model": model}


def load_pairs(path: Path) -> list[tuple[str, str]]:
    """`pairs: [[weaker, stronger], ...]` -> pairs. Raises UsageError with one line."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    items = found.get("pairs") if isinstance(found, dict) else None
    if not isinstance(items, list) or not items:
        raise UsageError(f"{path}: expected one key, pairs, with a list")
    for nr, item in enumerate(items, start=1):
        if not (isinstance(item, list) and len(item) == 2 and all(isinstance(text, str) for text in item)):
            raise UsageError(f"{path}: pair {nr}: expected two texts, the weaker first")
    return [(item[0], item[1]) for item in items]


def pairs(predictor: Predictor, of: list[tuple[str, str]]) -> Figure:
    """Share of the pairs whose stronger text has the higher intensity; a tie is a miss."""
    found = heads.intensity(predictor.emotions([clean_text(text) for pair in of for text in pair])).reshape(-1, 2)
    return share(found[:, 1] > found[:, 0])


def reviews(root: Path) -> pd.DataFrame:
    """Clothing reviews of dev's reported half, all stars -> text (cleaned, each once), stars."""
    frame = load("clothing_reviews", "dev", root).to_pandas()
    frame["text"] = [clean_text(text) for text in frame["text"].fillna("")]
    frame = frame[(frame["text"] != "") & ~frame["text"].str.casefold().duplicated()]
    return data.half_of(frame[["text", "stars"]], HALF)


def by_stars(predictor: Predictor, frame: pd.DataFrame, *, rng: np.random.Generator) -> dict[str, Any]:
    """text, stars (1-5) -> Spearman's correlation of intensity with |stars - 3|, and the mean intensity at 0, 1 and 2."""
    intensity = heads.intensity(predictor.emotions(frame["text"].tolist()))
    distance = (frame["stars"] - 3).abs().to_numpy()
    interval = resampled(lambda rows: spearman(intensity[rows], distance[rows]), len(frame), rng=rng)
    means = {
        str(away): figure(
            intensity[distance == away].mean(),
            resampled(
                lambda rows, of=intensity[distance == away]: of[rows].mean(), int((distance == away).sum()), rng=rng
            ),
            int((distance == away).sum()),
        )
        for away in (0, 1, 2)
        if (distance == away).any()
    }
    return {
        "spearman_with_distance": figure(spearman(intensity, distance), interval, len(frame)),
        "mean_at_distance": means,
    }


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation, ties at their mean rank (Spearman 1904); NaN where one of the two does not vary."""
    ranks = pd.DataFrame({"x": x, "y": y}).rank()
    return float(ranks["x"].corr(ranks["y"]))


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    args = parser.parse_args()
    path = args.model / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    found = emotionality(Predictor.load(str(args.model)), args.data_root)
    path.write_text(json.dumps(metrics | found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
