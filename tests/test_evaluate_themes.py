"""Figures on themes against scikit-learn; roll-up; what cannot be had is None with its reason."""

import json

import numpy as np
import pytest

from cx_nlp.errors import UnknownName
from cx_nlp.evaluate_table import format_report
from cx_nlp.evaluate_themes import judge, theme_ids, themes_report

metrics = pytest.importorskip("sklearn.metrics")

PARENTS = {"t/price": None, "t/wait": None, "t/queue": "t/wait", "t/food": None}


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def said(*sets: set[str]):
    """A predictor that gives these sets whatever it reads."""
    return lambda texts: list(sets[: len(texts)])


def test_figures_agree_with_scikit_learn():
    draw = rng()
    truth, predicted = draw.random((200, 4)) < 0.3, draw.random((200, 4)) < 0.4
    report = themes_report(predicted, truth, list("abcd"), rng=rng(), model="m")
    expected = metrics.precision_recall_fscore_support(truth, predicted, average="micro")[:3]
    assert [report["precision"], report["recall"], report["micro_f1"]] == pytest.approx(expected)
    assert report["macro_f1"] == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    assert report["accuracy"] == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert (report["task"], report["model"], report["n"], report["labels"]) == ("themes", "m", 200, list("abcd"))
    f1 = metrics.f1_score(truth, predicted, average=None)
    assert [report["per_label"][name]["f1"] for name in "abcd"] == pytest.approx(f1)
    assert [report["per_label"][name]["support"] for name in "abcd"] == truth.sum(0).tolist()
    for name in ("precision", "recall", "micro_f1", "macro_f1"):
        low, high = report["ci"][name]
        assert low < report[name] < high
    json.dumps(report, allow_nan=False)
    assert "micro-F1" in format_report(report)


def test_a_child_counts_for_its_parent_on_both_sides():
    texts, labelled = ["a", "b", "c"], [["t/wait"], ["t/queue"], ["t/price"]]
    report = judge(said({"t/queue"}, {"t/queue"}, {"t/price"}), texts, labelled, PARENTS, rng=rng())
    assert report["labels"] == ["t/price", "t/wait", "t/queue"]
    assert report["per_label"]["t/wait"]["f1"] == 1.0 and report["per_label"]["t/wait"]["support"] == 2
    assert report["per_label"]["t/queue"]["precision"] == 0.5, "the first row says no queue"
    less = judge(said({"t/wait"}), ["a"], [["t/queue"]], PARENTS, rng=rng())
    assert less["recall"] == 0.0, "a parent does not count for its child"


def test_themes_that_no_row_is_labelled_with_are_left_out_unless_asked_for():
    predict, args = said({"t/price", "t/food"}, {"t/price"}), (["a", "b"], [["t/price"], []], PARENTS)
    report = judge(predict, *args, rng=rng())
    assert (report["labels"], report["precision"], report["recall"]) == (["t/price"], 0.5, 1.0)
    assert report["notes"]["labels"].startswith("1 predictions of themes that no row")
    every = judge(predict, *args, rng=rng(), every=True)
    assert every["precision"] == pytest.approx(1 / 3) and every["macro_f1"] is None
    assert "no row is labelled t/wait, t/queue, t/food" in every["notes"]["macro_f1"]


def test_what_cannot_be_had_is_none_with_its_reason():
    silent = judge(said(set(), set()), ["a", "b"], [["t/price"], []], PARENTS, rng=rng())
    assert silent["precision"] is None and silent["notes"]["precision"] == "nothing was predicted"
    assert silent["recall"] == 0.0 and silent["micro_f1"] == 0.0
    unlabelled = judge(said({"t/price"}, set()), ["a", "b"], [[], []], PARENTS, rng=rng())
    assert unlabelled["micro_f1"] is None and unlabelled["notes"]["labels"].startswith("no row is labelled")
    one = judge(said({"t/price"}), ["a"], [["t/price"]], PARENTS, rng=rng())
    assert one["micro_f1"] == 1.0 and one["ci"]["micro_f1"] is None and "no intervals" in one["notes"]["ci"]
    for report in (silent, unlabelled, one):
        json.dumps(report, allow_nan=False)
        assert format_report(report)


def test_ids_are_read_whole_or_short_and_named_as_the_data_write_them():
    found, written = theme_ids(["price | Queue", "", "t/food|food"], ["1", "2", "3"], PARENTS)
    assert found == [["t/price", "t/queue"], [], ["t/food"]]
    assert written == {"t/price": "price", "t/queue": "Queue", "t/food": "t/food"}
    report = judge(said({"t/price"}), ["a"], [["t/price"]], PARENTS, rng=rng(), names=written)
    assert report["labels"] == ["price"]


def test_an_unknown_or_ambiguous_id_names_its_row():
    with pytest.raises(UnknownName, match=r"file line 3: unknown theme 'prise', did you mean '.*price'"):
        theme_ids(["price", "prise"], ["file line 2", "file line 3"], PARENTS)
    with pytest.raises(UnknownName, match="unknown theme 'price'"):
        theme_ids(["price"], ["x"], [*PARENTS, "u/price"])


def test_groups_are_resampled_together():
    texts, labelled = ["a"] * 40, [["t/price"]] * 20 + [[]] * 20
    predict = said(*[{"t/price"}] * 40)
    alone = judge(predict, texts, labelled, PARENTS, rng=rng())["ci"]["micro_f1"]
    grouped = judge(predict, texts, labelled, PARENTS, rng=rng(), groups=np.repeat([0, 1, 2, 3], 10))
    low, high = grouped["ci"]["micro_f1"]
    assert high - low > alone[1] - alone[0] and "4 texts" in grouped["notes"]["ci"]


def test_shapes_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="differ"):
        themes_report(np.zeros((2, 3)), np.zeros((3, 3)), list("abc"), rng=rng())
