"""NHS comments: what counts as a row, and folds that never share a respondent."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn", reason="the training extra is not installed")

from models.recipes import nhs


def test_rows_are_unique_texts_with_a_grade():
    texts = pd.Series(["Great staff", "great staff", None, "Slow", "ok", "ok", "Rude  staff", ""])
    grades = pd.Series([1.0, 5.0, 2.0, 4.0, 3.0, None, 5.0, 1.0])
    frame = nhs.labelled_comments(texts, grades, pd.Series(list("aabbccdd")))
    assert frame["text"].tolist() == ["Great staff", "Slow", "ok", "Rude staff"]
    assert frame["label"].tolist() == [2, 0, 1, 0]
    assert frame["respondent"].tolist() == ["a", "b", "c", "d"]


def test_folds_test_each_row_once_and_share_no_respondent():
    respondents = np.random.default_rng(0).integers(0, 60, 300).astype(str)
    tested = []
    for train, test in nhs.folds(respondents):
        assert not set(respondents[train]) & set(respondents[test])
        assert sorted([*train, *test]) == list(range(300))
        tested += list(test)
    assert sorted(tested) == list(range(300))


def test_no_head_is_asked_about_a_respondent_it_was_fitted_on(monkeypatch):
    respondents = np.random.default_rng(1).integers(0, 40, 120)
    labels = np.arange(120) % 3
    calls = []

    class Spy:
        def __init__(self, fitted):
            self.fitted = fitted

        def predict(self, rows):
            calls.append((self.fitted, set(rows[:, 0])))
            return np.zeros(len(rows), dtype=int)

        def predict_proba(self, rows):
            self.predict(rows)
            return np.tile([1.0, 0, 0], (len(rows), 1))

    monkeypatch.setattr(nhs, "_fitted", lambda rows, *_: Spy(set(rows[:, 0])))
    out = nhs.refitted(respondents[:, None].astype(float), labels, respondents)
    assert (out.sum(axis=1) == 1).all() and len(calls) == nhs.FOLDS * (1 + 3 * 2 * len(nhs._STRENGTHS))
    assert not any(fitted & asked for fitted, asked in calls)


def test_a_head_learns_what_the_features_hold_and_nothing_else():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 150)
    frame = pd.DataFrame({"label": labels, "respondent": rng.integers(0, 50, 150).astype(str)})
    telling = np.eye(3)[labels] + rng.normal(size=(150, 3)) * 0.4
    report = nhs.folds_report(telling, frame, rng=rng)
    assert 0.8 < report["macro_f1"] < 1 and report["n"] == 150 and report["folds"] == 5
    assert report["ci"]["macro_f1"][0] < report["macro_f1"] < report["ci"]["macro_f1"][1]
    assert report["notes"]["ci"].startswith(f"intervals resample {frame['respondent'].nunique()} respondents")
    assert nhs.folds_report(rng.normal(size=(150, 3)), frame, rng=rng)["macro_f1"] < 0.5
