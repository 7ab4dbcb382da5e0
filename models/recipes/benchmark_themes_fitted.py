"""Fitted themes on two public sets, each figure of rows that no part of the fit has seen.

    python -m models.recipes.benchmark_themes_fitted --set mams --data-root DATA
    python -m models.recipes.benchmark_themes_fitted --set nhs --data-root DATA

mams: categories of MAMS-ACSA sentences (Jiang et al. 2019), fitted on its training set and judged on val; the labels of
a sentence are the set of its categories. nhs: themes of an NHS trust's comments with 50 or more rows, in five folds that
share no respondent; comments are unique but for case (the first of equal ones counts), without those that the annotators
marked "Labelling not possible" or "Not assigned". --unassigned keeps the latter, as comments without a theme, which is
harder. Thresholds and all else are set within the training rows.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.clean import clean_text
from cx_nlp.evaluate_table import format_report
from cx_nlp.evaluate_themes import themes_report
from cx_nlp.score.engines import AUTO
from cx_nlp.score.predict import Predictor
from cx_nlp.themes import learning
from cx_nlp.themes.fit import document_means
from models.recipes.command import one_line
from models.recipes.nhs import folds
from models.recipes.sets import load

SEED = 20260101
MIN_ROWS = 50
UNREADABLE, NONE = "Labelling not possible", "Not assigned"


def categories(root: Path, split: str) -> pd.DataFrame:
    """MAMS-ACSA -> text (cleaned), labels (sorted categories)."""
    rows = load("mams-acsa", split, root).to_pandas()
    return pd.DataFrame(
        {"text": [clean_text(text) for text in rows["text"]], "labels": [sorted(set(its)) for its in rows["labels"]]}
    )


def nhs_themes(rows: pd.DataFrame, *, unassigned: bool = False, min_rows: int = MIN_ROWS) -> pd.DataFrame:
    """The trust's file -> text, labels (those of themes with min_rows rows here), respondent."""
    themes = list(rows.columns[rows.columns.get_loc(NONE) :])
    marked = rows[themes].notna()
    out = [UNREADABLE, *([] if unassigned else [NONE])]
    frame = pd.DataFrame(
        {"text": [clean_text(text) if isinstance(text, str) else "" for text in rows["FFT answer"]]}, index=rows.index
    )
    kept = (frame["text"] != "") & ~marked[out].any(axis=1) & ~frame["text"].str.casefold().duplicated()
    marked = marked[kept].drop(columns=[UNREADABLE, NONE])
    counted = [theme for theme in marked if marked[theme].sum() >= min_rows]
    labels = [[theme for theme in counted if row[theme]] for row in marked[counted].to_dict("records")]
    respondent = rows.loc[kept, "Respondent ID"].to_numpy()
    return pd.DataFrame({"text": frame.loc[kept, "text"].to_numpy(), "labels": labels, "respondent": respondent})


def matrix(labels: pd.Series, names: list[str]) -> np.ndarray:
    return np.array([[name in its for name in names] for its in labels], dtype=bool)


def mams_report(predictor: Predictor, root: Path) -> dict[str, Any]:
    train, val = categories(root, "train"), categories(root, "dev")
    names = sorted({label for its in train["labels"] for label in its})
    fitted = learning.learn(
        train["text"].tolist(),
        document_means(predictor, train["text"].tolist()),
        matrix(train["labels"], names),
        np.arange(len(train)),
        rng=np.random.default_rng(SEED),
    )
    said = _said(fitted, predictor, val["text"].tolist())
    return themes_report(
        said, matrix(val["labels"], names), names, rng=np.random.default_rng(SEED), model=_model(predictor)
    )


def nhs_report(predictor: Predictor, root: Path, *, unassigned: bool = False) -> dict[str, Any]:
    frame = nhs_themes(load("nhs", "all", root).to_pandas(), unassigned=unassigned)
    names = sorted({label for its in frame["labels"] for label in its})
    truth, groups = matrix(frame["labels"], names), frame["respondent"].to_numpy()
    texts = frame["text"].tolist()
    documents = document_means(predictor, texts)
    said = np.zeros_like(truth)
    rng = np.random.default_rng(SEED)
    for train, test in folds(groups):
        some = [texts[i] for i in train]
        fitted = learning.learn(some, documents[train], truth[train], groups[train], rng=rng)
        said[test] = fitted.probabilities([texts[i] for i in test], documents[test]) >= fitted.thresholds
    report = themes_report(said, truth, names, rng=rng, groups=groups, model=_model(predictor))
    report["notes"]["ci"] = f"intervals resample {len(set(groups)):,} respondents, not {len(frame):,} comments"
    return report


def _said(fitted: learning.Learned, predictor: Predictor, texts: list[str]) -> np.ndarray:
    return fitted.probabilities(texts, document_means(predictor, texts)) >= fitted.thresholds


def _model(predictor: Predictor) -> str:
    return predictor.model.scores


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", dest="name", choices=["mams", "nhs"], required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--model", default="minilm-cx")
    parser.add_argument("--engine", default=AUTO)
    parser.add_argument("--unassigned", action="store_true", help='nhs: keep comments marked "Not assigned"')
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    predictor = Predictor.load(args.model, engine=args.engine)
    if args.name == "mams":
        report = mams_report(predictor, args.data_root)
    else:
        report = nhs_report(predictor, args.data_root, unassigned=args.unassigned)
    print(json.dumps(report) if args.json else format_report(report))


if __name__ == "__main__":
    main()
