"""The whole of metrics.json on a model small enough to know, and the card made from it."""

import json
import re

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

from cx_nlp.schema import EMOTIONS
from cx_nlp.score.predict import Predictor
from models.recipes import card as cards
from models.recipes.headline import HEADLINES, compare_engines, headline
from models.recipes.measure import Sets, balanced_accuracy, main_figures, more_figures

JOY, ANGER, NEUTRAL = (EMOTIONS.index(name) for name in ("joy", "anger", "neutral"))


@pytest.fixture(scope="module")
def sets() -> Sets:
    kinds = [("lovely {}", 2), ("terrible {}", 0), ("the {} is not here", 1)]
    rows = [(text.format(f"{thing} no {i}"), label) for i in range(12) for thing in ("box", "bag") for text, label in kinds]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["text", "label"])
    clothing = frame[frame["label"] != 1]
    sentiment = pd.concat(
        [frame.assign(field="semeval"), frame.assign(field="extraction"), clothing.assign(field="clothing")]
    )
    emotion = frame.assign(labels=frame["label"].map({2: [JOY], 0: [ANGER], 1: [NEUTRAL]}))
    terms = [
        (f"lovely box {i} but terrible bag", start, end, label)
        for i in range(25)
        for start, end, label in ((0, 6, 2), (12 + len(str(i)) + 4, 12 + len(str(i)) + 12, 0))
    ]
    aspect = pd.DataFrame(terms, columns=["text", "start", "end", "label"])
    nhs = frame.assign(respondent=[f"R{i // 3}" for i in range(len(frame))])
    return Sets(sentiment.reset_index(drop=True), emotion, emotion, aspect, nhs)


@pytest.fixture(scope="module")
def metrics(sets, tiny):
    predictor = Predictor.load(str(tiny), threads=1)
    found = main_figures(predictor, sets)
    return {
        "model": "tiny@0123",
        "engine": predictor.encoder.engine,
        **found,
        **more_figures(predictor, sets),
        "engines": compare_engines({"default": found}, {"default": np.zeros((0, 3))}),
    }


def test_metrics_are_plain_json_without_nan(metrics):
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_a_model_that_knows_its_words_is_right(metrics):
    found = headline(metrics)
    assert [found[name]["value"] for name in ("tweets", "aspects", "nhs_folds", "nhs", "clothing")] == [1.0] * 5
    assert found["nhs_folds"]["n"] == 72 and found["nhs"]["n"] == found["clothing"]["n"] == 48
    assert found["goemotions_test"]["value"] is None and found["goemotions_test"]["reason"].startswith(
        "no row is labelled"
    )
    assert found["ece_semeval"]["ci"][0] <= found["ece_semeval"]["value"] <= found["ece_semeval"]["ci"][1]


def test_slices_and_abstaining_are_there_for_each_set(metrics):
    assert set(metrics["slices"]) == set(metrics["abstaining"]) | {"emotion, GoEmotions, dev"}
    tweets = metrics["slices"]["sentiment, tweets (SemEval 2017), dev"]
    assert tweets["negation"]["n"] == 72 and tweets["question"]["reason"] == "0 rows, fewer than 20"
    assert tweets["typos"]["value"] < tweets["all"]["value"] == 1.0, "a typo in the one telling word hides it"
    assert "offsets" in metrics["slices"]["aspect, MAMS, val"]["typos"]["reason"]
    assert set(metrics["calibration"]) == set(metrics["slices"])


def test_the_card_says_what_the_metrics_hold(metrics, tiny, tmp_path):
    settings = json.loads((tiny / "model.json").read_text())
    config = {"base": "minilm", "epochs": 3, "draw": {"sentiment": {"semeval": 1200}, "lessons": 60}}
    for name in settings["sha256"]:
        (tmp_path / name).write_bytes(b"0" * 500_000)
    settings["training"] = {"config": config, "seed": 7, "texts": 3780, "steps": 99}
    (tmp_path / "model.json").write_text(json.dumps(settings))
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    text = cards.card(tmp_path)
    assert "1.5 MB" in text and "Round 1: 3 epochs, seed 7, 3,780 texts, 99 steps." in text
    assert "| tweets of SemEval 2017 | sentiment | 1,200 | CC BY 3.0, as far as known |" in text
    assert "GoEmotions, Reddit comments |" not in text, "only what it was trained on is listed"
    for title in ("Figures", "Calibration", "Abstaining", "Slices", "Engines", "Known limits", "Use"):
        assert f"\n## {title}\n" in text
    assert "## Behaviour" not in text and not re.search(r"\bnan\b", text.lower())
    for one in headline(metrics).values():
        assert one["value"] is None or f"{one['value']:.3f}" in text
    assert "Weaker than on all texts" in text and "only one engine was measured" in text
    block = cards.readme_block(tmp_path)
    assert (
        HEADLINES["nhs_folds"].title in block and HEADLINES["goemotions_test"].title not in block.split("published")[0]
    )


def test_balanced_accuracy_counts_each_class_alike():
    p = np.array([[0.6, 0.3, 0.1], [0.3, 0.5, 0.2], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7], [0.5, 0.2, 0.3]])
    found = balanced_accuracy(p, np.array([0, 0, 0, 2, 1]), rng=np.random.default_rng(0))
    assert found["value"] == 1.0 and found["n"] == 4, "ties go to negative, neutral rows are left out"
    half = balanced_accuracy(p[:4], np.array([2, 0, 0, 2]), rng=np.random.default_rng(0))
    assert half["value"] == 0.75 and half["ci"][0] < 0.75 < half["ci"][1]
    assert balanced_accuracy(p[:2], np.array([0, 0]), rng=np.random.default_rng(0))["value"] is None


def test_the_loss_of_an_engine_is_more_when_it_is_worse(metrics):
    worse = json.loads(json.dumps(metrics))
    report = worse["reports"]["sentiment, tweets (SemEval 2017), dev"]
    report["macro_recall"] -= 0.1
    report["ece_excess"] += 0.05
    p = np.tile([0.2, 0.2, 0.6], (50, 1))
    q = p.copy()
    q[0] = [0.5, 0.2, 0.3]
    found = compare_engines({"default": worse, "fp32": metrics}, {"default": q, "fp32": p})
    assert found["loss"]["tweets"] == pytest.approx(0.1) and found["loss"]["ece_semeval"] == pytest.approx(0.05)
    assert found["loss"]["aspects"] == 0 and found["loss"]["goemotions_test"] is None
    assert found["labels_that_differ"]["value"] == 0.02 and found["largest_change_of_a_probability"] == 0.3
    lines = "\n".join(cards.tables.engines(metrics | {"engines": found}))
    assert "| +0.1000 |" in lines and "0.0200" in lines
