"""Sentiment of NHS comments, a field no encoder here was trained on: as the model is, and with a head refitted.

The trust's annotators gave 1 (best) to 5; 1 and 2 count as positive, 4 and 5 as negative, 3 is "neutral or mixed" and
blanks are left out. What 3 means here no public set teaches, so for the figure on all three classes, and for it
alone, a head is fitted: multinomial logistic regression on the standardised document means of the frozen encoder, in
five folds that never share a respondent. Its strength and class weights are chosen within the training folds.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.clean import clean_text
from cx_nlp.evaluate import sentiment_report
from models.recipes.sets import load

FOLDS = 5
_INNER_FOLDS = 3
_STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1)
_CLASS_OF = {1: 2, 2: 2, 3: 1, 4: 0, 5: 0}  # index into SENTIMENTS


def comments(root: Path) -> pd.DataFrame:
    """-> text (cleaned, unique but for case: the first of equal ones), label (index into SENTIMENTS), respondent."""
    frame = load("nhs", "all", root).to_pandas()
    return labelled_comments(frame["FFT answer"], frame["Comment sentiment"], frame["Respondent ID"])


def labelled_comments(texts: pd.Series, grades: pd.Series, respondents: pd.Series) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "text": [clean_text(str(text)) if pd.notna(text) else "" for text in texts],
            "label": grades.map(_CLASS_OF).to_numpy(),
            "respondent": respondents.to_numpy(),
        }
    )
    frame = frame[(frame["text"] != "") & frame["label"].notna()]
    frame = frame[~frame["text"].str.casefold().duplicated()]
    return frame.astype({"label": "int64"}).reset_index(drop=True)


def folds(respondents: np.ndarray, *, n: int = FOLDS) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """respondents (N,) -> n pairs of row numbers to train and to test on; a respondent's rows are all on one side."""
    from sklearn.model_selection import GroupKFold

    return GroupKFold(n).split(respondents, groups=respondents)


def refitted(features: np.ndarray, labels: np.ndarray, respondents: np.ndarray) -> np.ndarray:
    """features (N, H), labels (N,), respondents (N,) -> out-of-fold probabilities (N, 3)."""
    out = np.zeros((len(labels), 3))
    for train, test in folds(respondents):
        strength, weights = _chosen(features[train], labels[train], respondents[train])
        out[test] = _fitted(features[train], labels[train], strength, weights).predict_proba(features[test])
    return out


def _fitted(features: np.ndarray, labels: np.ndarray, strength: float, weights: str | None):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = LogisticRegression(C=strength, class_weight=weights, max_iter=2000)
    return make_pipeline(StandardScaler(), head).fit(features, labels)


def _chosen(features: np.ndarray, labels: np.ndarray, respondents: np.ndarray) -> tuple[float, str | None]:
    """The strength and class weights of the best macro-F1 in folds of the training rows."""
    from sklearn.metrics import f1_score

    def score(strength: float, weights: str | None) -> float:
        said = np.empty_like(labels)
        for train, test in folds(respondents, n=_INNER_FOLDS):
            said[test] = _fitted(features[train], labels[train], strength, weights).predict(features[test])
        return f1_score(labels, said, average="macro")

    return max(itertools.product(_STRENGTHS, (None, "balanced")), key=lambda choice: score(*choice))


def folds_report(
    features: np.ndarray, frame: pd.DataFrame, *, rng: np.random.Generator, model: str = ""
) -> dict[str, Any]:
    """features (N, H) of the rows of `comments` -> a report as of `cx-nlp evaluate`; intervals resample respondents."""
    labels, respondents = frame["label"].to_numpy(), frame["respondent"].to_numpy()
    p = refitted(features, labels, respondents)
    report = sentiment_report(p, labels, rng=rng, model=model, groups=respondents)
    report["notes"]["ci"] = f"intervals resample {len(set(respondents)):,} respondents, not {len(frame):,} comments"
    return report | {"folds": FOLDS}
