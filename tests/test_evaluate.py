"""Figures against scikit-learn and against slow, plain versions; intervals against theory."""

import json
import time

import numpy as np
import pytest

from cx_nlp.bootstrap import by_group, resample
from cx_nlp.calibration import chance_ece, ece, excess_ece
from cx_nlp.evaluate import aspect_report, emotion_report, sentiment_report
from cx_nlp.evaluate_table import format_report
from cx_nlp.schema import EMOTIONS, SENTIMENTS

metrics = pytest.importorskip("sklearn.metrics")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sentiment_data(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = rng(seed)
    probabilities = draw.dirichlet([0.6, 0.6, 0.6], n)
    labels = np.array([draw.choice(3, p=row) for row in probabilities])
    return probabilities, labels


def emotion_data(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = rng(seed)
    probabilities = draw.random((n, 28)) * 0.5
    return probabilities, probabilities > 0.3, draw.random((n, 28)) < probabilities


def walk(value):
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(child)


def test_sentiment_agrees_with_scikit_learn():
    probabilities, labels = sentiment_data(500)
    report = sentiment_report(probabilities, labels, rng=rng(), model="m@1")
    predicted = probabilities.argmax(1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, predicted)
    assert list(report) == [
        "task", "model", "n", "accuracy", "macro_f1", "macro_recall", "ece", "ece_excess", "ci", "labels", "confusion",
        "per_label", "notes",
    ]  # fmt: skip
    assert (report["task"], report["model"], report["n"]) == ("sentiment", "m@1", 500)
    assert report["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert report["macro_f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    assert report["macro_recall"] == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
    assert report["confusion"] == metrics.confusion_matrix(labels, predicted).tolist()
    assert report["labels"] == list(SENTIMENTS)
    for i, name in enumerate(SENTIMENTS):
        row = report["per_label"][name]
        assert [row["precision"], row["recall"], row["f1"]] == pytest.approx([precision[i], recall[i], f1[i]])
        assert row["support"] == support[i]
        assert row["ci"]["f1"][0] < row["f1"] < row["ci"]["f1"][1]
    assert set(report["notes"]) <= {"ci.ece"}
    assert json.loads(json.dumps(report)) == report


def test_emotion_agrees_with_scikit_learn():
    probabilities, predicted, truth = emotion_data(400)
    report = emotion_report(probabilities, predicted, truth, rng=rng(), model="m@1")
    assert list(report) == [
        "task", "model", "n", "accuracy", "micro_f1", "macro_f1", "macro_precision", "macro_recall", "ece",
        "ece_excess", "ece_by_label", "ci", "labels", "per_label", "notes",
    ]  # fmt: skip
    assert report["accuracy"] == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert report["micro_f1"] == pytest.approx(metrics.f1_score(truth, predicted, average="micro"))
    for name, score in (
        ("f1", metrics.f1_score),
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
    ):
        assert report[f"macro_{name}"] == pytest.approx(score(truth, predicted, average="macro"))
        each = score(truth, predicted, average=None)
        assert [report["per_label"][label][name] for label in EMOTIONS] == pytest.approx(each.tolist())
    top = probabilities.argmax(1)
    assert report["ece"] == pytest.approx(ece(probabilities.max(1), truth[np.arange(400), top]))
    by_label = [ece(probabilities[:, i], truth[:, i]) for i in range(28)]
    assert report["ece_by_label"] == pytest.approx(np.mean(by_label))
    assert report["labels"] == list(EMOTIONS)
    assert json.loads(json.dumps(report)) == report


def test_intervals_are_those_of_theory():
    probabilities, labels = sentiment_data(2000)
    report = sentiment_report(probabilities, labels, rng=rng(), resamples=4000)
    p = report["accuracy"]
    half = 1.96 * np.sqrt(p * (1 - p) / 2000)
    assert report["ci"]["accuracy"] == pytest.approx([p - half, p + half], abs=0.1 * half)
    for name in ("accuracy", "macro_f1", "macro_recall"):
        assert report["ci"][name][0] < report[name] < report["ci"][name][1]


def test_resamples_are_sums_of_rows_drawn_with_replacement():
    rows = np.hstack([np.eye(5), np.ones((5, 1))])
    drawn = resample(rows, resamples=3000, rng=rng())
    assert drawn.shape == (3000, 6)
    assert (drawn[:, 5] == 5).all()
    assert (drawn[:, :5] == drawn[:, :5].astype(int)).all()
    assert drawn[:, :5].mean(0) == pytest.approx(np.ones(5), abs=0.1)
    assert drawn[:, :5].var(0) == pytest.approx(np.full(5, 0.8), abs=0.1)  # binomial(5, 1/5)


def test_figures_of_resamples_are_those_of_the_rows_drawn(monkeypatch):
    probabilities, labels = sentiment_data(60)
    draw = rng(3).integers(0, 60, 60)
    weights = np.bincount(draw, minlength=60)
    monkeypatch.setattr("cx_nlp.figures.resample", lambda rows, **_: np.stack([weights @ rows] * 2))
    ci = sentiment_report(probabilities, labels, rng=rng())["ci"]
    direct = sentiment_report(probabilities[draw], labels[draw], rng=rng())
    for name in ("accuracy", "macro_f1", "macro_recall", "ece"):
        assert ci[name] == pytest.approx([direct[name]] * 2)


def test_aspect_resamples_texts():
    probabilities, labels = sentiment_data(300)
    plain = aspect_report(probabilities, labels, rng=rng(), resamples=4000)
    # Every mention four times: four times the rows, but not a bit more that is known.
    four = np.repeat(np.arange(300), 4)
    grouped = aspect_report(probabilities[four], labels[four], rng=rng(), groups=four, resamples=4000)
    naive = aspect_report(probabilities[four], labels[four], rng=rng(), resamples=4000)
    width = {id(report): np.ptp(report["ci"]["accuracy"]) for report in (plain, grouped, naive)}
    assert grouped["accuracy"] == pytest.approx(plain["accuracy"])
    assert width[id(grouped)] == pytest.approx(width[id(plain)], rel=0.1)
    assert width[id(naive)] == pytest.approx(width[id(plain)] / 2, rel=0.1)
    assert (grouped["task"], grouped["n"]) == ("aspect", 1200)
    assert grouped["notes"]["ci"] == "intervals resample 300 texts, not 1,200 rows"


def test_groups_may_be_texts():
    rows = np.arange(8.0).reshape(4, 2)
    assert by_group(rows, np.array(["b", "a", "b", "a"])).tolist() == [[8, 10], [4, 6]]
    with pytest.raises(ValueError, match="3 groups, expected one for each of 4 rows"):
        by_group(rows, np.arange(3))


def test_same_seed_same_report():
    probabilities, labels = sentiment_data(200)
    first, second, other = (sentiment_report(probabilities, labels, rng=rng(seed)) for seed in (1, 1, 2))
    assert first == second
    assert first["ci"] != other["ci"]


def test_absent_class_is_null_with_a_reason():
    probabilities, labels = sentiment_data(100)
    labels[labels == 1] = 0
    report = sentiment_report(probabilities, labels, rng=rng())
    assert (report["macro_f1"], report["macro_recall"], report["ci"]["macro_f1"]) == (None, None, None)
    assert report["notes"]["macro_f1"] == report["notes"]["macro_recall"] == "no row is labelled neutral"
    neutral = report["per_label"]["neutral"]
    assert (neutral["recall"], neutral["f1"], neutral["ci"]["f1"], neutral["support"]) == (None, None, None, 0)
    assert neutral["precision"] == 0  # it was predicted, and never rightly
    assert report["accuracy"] > 0
    assert report["ci"]["accuracy"]


def test_one_class_file():
    report = sentiment_report(np.tile([0.1, 0.2, 0.7], (20, 1)), np.full(20, 2), rng=rng())
    assert (report["accuracy"], report["macro_f1"]) == (1.0, None)
    assert report["notes"]["macro_f1"] == "no row is labelled negative, neutral"
    assert report["per_label"]["negative"]["precision"] is None
    assert report["notes"]["per_label.negative"] == (
        "no row of this label, so no recall and F1; never predicted, so no precision"
    )
    assert "every resample" in report["notes"]["ci.accuracy"]
    assert report["ece"] == pytest.approx(0.3) and report["ece_excess"] < 0.3


def test_label_never_predicted():
    probabilities, predicted, truth = emotion_data(200)
    predicted[:, EMOTIONS.index("grief")] = False
    report = emotion_report(probabilities, predicted, truth, rng=rng())
    assert (report["per_label"]["grief"]["precision"], report["per_label"]["grief"]["f1"]) == (None, 0.0)
    assert report["macro_precision"] is None
    assert report["notes"]["macro_precision"] == "never predicted: grief"
    assert report["macro_f1"] == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))


def test_rare_labels_leave_no_nan_in_intervals():
    probabilities, predicted, truth = emotion_data(60)
    truth[:, 0] = False
    truth[0, 0] = True  # a third of the resamples lack it
    report = emotion_report(probabilities, predicted, truth, rng=rng())
    assert all(np.isfinite(report["ci"]["macro_f1"]))
    assert not any(isinstance(value, float) and np.isnan(value) for value in walk(report))


@pytest.mark.parametrize("n", [0, 1])
def test_no_row_and_one_row(n):
    sentiment = sentiment_report(np.tile([0.1, 0.2, 0.7], (n, 1)), np.full(n, 2), rng=rng())
    emotion = emotion_report(np.full((n, 28), 0.5), np.ones((n, 28)), np.ones((n, 28)), rng=rng())
    for report in (sentiment, emotion):
        assert set(report["ci"].values()) == {None}
        assert report["notes"]["ci"].startswith("no intervals")
        assert report["accuracy"] == (1.0 if n else None)
        assert not any(isinstance(value, float) and np.isnan(value) for value in walk(report))
        assert format_report(report)


def test_interval_of_ece_above_the_figure_is_explained():
    calibrated = sentiment_report(*sentiment_data(500), rng=rng())
    assert calibrated["ece"] < calibrated["ci"]["ece"][0]
    assert "noise" in calibrated["notes"]["ci.ece"]
    probabilities, labels = sentiment_data(500)
    off = sentiment_report(probabilities, (labels + 1) % 3, rng=rng())
    assert off["ci"]["ece"][0] < off["ece"] < off["ci"]["ece"][1]
    assert off["notes"] == {}


def test_excess_ece_is_the_ece_less_that_of_chance_and_its_interval_holds_it():
    probabilities, labels = sentiment_data(500)
    report = sentiment_report(probabilities, labels, rng=rng(7))
    chance = chance_ece(probabilities.max(1), rng=rng(7))
    assert report["ece_excess"] == pytest.approx(report["ece"] - chance)
    assert report["ece"] == pytest.approx(ece(probabilities.max(1), probabilities.argmax(1) == labels))
    assert report["ece_excess"] == pytest.approx(excess_ece(probabilities, labels, rng=rng(7)))
    low, high = report["ci"]["ece_excess"]
    assert low < 0 < high and low < report["ece_excess"] < high
    off = sentiment_report(probabilities, (labels + 1) % 3, rng=rng())
    low, high = off["ci"]["ece_excess"]
    assert 0.1 < low < off["ece_excess"] < high < off["ci"]["ece"][1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sentiment_report(np.ones((3, 2)), np.zeros(3), rng=rng()), r"shape \(3, 2\), expected \(N, 3\)"),
        (lambda: sentiment_report(np.full((3, 3), np.nan), np.zeros(3), rng=rng()), r"outside 0..1 or are NaN"),
        (lambda: sentiment_report(np.full((3, 3), 0.3), np.zeros(2), rng=rng()), r"shape \(2,\), expected \(3,\)"),
        (lambda: sentiment_report(np.full((2, 3), 0.3), np.array([0, 3]), rng=rng()), r"values in 0..2"),
        (
            lambda: emotion_report(np.zeros((2, 28)), np.zeros((2, 28)), np.zeros((1, 28)), rng=rng()),
            r"truth has the shape \(1, 28\), expected \(2, 28\)",
        ),
    ],
)
def test_wrong_shapes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_inputs_are_left_untouched():
    probabilities, predicted, truth = emotion_data(50)
    copies = [array.copy() for array in (probabilities, predicted, truth)]
    emotion_report(probabilities, predicted, truth, rng=rng())
    assert all((a == b).all() for a, b in zip(copies, (probabilities, predicted, truth), strict=True))


def test_many_rows_take_seconds():
    data = emotion_data(20_000)
    start = time.process_time()
    emotion_report(*data, rng=rng())
    assert time.process_time() - start < 20  # some 0.5 s (1.1 s for 50,000 rows); the bound is for busy machines
