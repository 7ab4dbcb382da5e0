"""Confusion of `is_emotional`, and the order of intensity: on a model small enough to know, and on the shipped one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("datasets", reason="the training extra is not installed")

from cx_nlp.errors import UsageError
from cx_nlp.schema import EMOTIONS
from cx_nlp.score.predict import Predictor
from models.recipes import emotionality

JOY, CURIOSITY, NEUTRAL = (EMOTIONS.index(name) for name in ("joy", "curiosity", "neutral"))


def test_curiosity_alone_is_not_emotional_and_cells_add_up(tiny):
    texts = [f"{word} box {i}" for i in range(5) for word in ("lovely", "the")]
    frame = pd.DataFrame({"text": texts, "labels": [[JOY], [CURIOSITY, NEUTRAL]] * 5})
    predictor = Predictor.load(str(tiny), threads=1)
    found = emotionality.confusion(predictor, frame)
    assert found["tp"] + found["fn"] == found["fp"] + found["tn"] == 5 and found["n"] == 10
    assert (found["half"], found["model"]) == ("report", predictor.model.scores)
    assert found["model"] in predictor.model.version, "it is by this name that rows know their reader"


def test_spearman_agrees_with_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    x = rng.random(200).round(1) + y
    assert emotionality.spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert np.isnan(emotionality.spearman(x, np.zeros(200)))


def test_intensity_by_stars_has_an_interval_and_plain_json(tiny):
    frame = pd.DataFrame({"text": [f"lovely box {i}" for i in range(30)], "stars": np.tile([1, 3, 4], 10)})
    found = emotionality.by_stars(Predictor.load(str(tiny), threads=1), frame, rng=np.random.default_rng(0))
    assert found["spearman_with_distance"]["n"] == 30 and set(found["mean_at_distance"]) == {"0", "1", "2"}
    assert json.loads(json.dumps(found)) == found


def test_pairs_that_are_none_are_said(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("pairs:\n  - [good, very good]\n  - [good]\n")
    with pytest.raises(UsageError, match="pair 2: expected two texts"):
        emotionality.load_pairs(path)


@pytest.mark.slow
def test_intensity_keeps_the_order_of_paired_texts():
    """The shipped model on pairs that differ in strength alone keeps more of them in order than a coin would."""
    predictor = Predictor.load("minilm-cx")
    found = emotionality.pairs(predictor, emotionality.load_pairs(emotionality.PAIRS))
    assert found["n"] >= 50 and found["ci"][0] > 0.5, found


@pytest.mark.slow
def test_the_shipped_model_knows_its_errors():
    from cx_nlp.score.known_errors import emotional_confusion
    from cx_nlp.score.model import load_model

    model = load_model("minilm-cx")
    found = emotional_confusion(Path(model.folder))
    (name, confusion), = found.items()  # fmt: skip
    assert f"emotion={name}" in model.version, "counted on other weights: run models.recipes.emotionality"
    assert confusion.sum() > 1000
