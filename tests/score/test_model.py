"""model.json with a value of another kind than is meant: one line each, that names it."""

import hashlib
import json
from dataclasses import asdict, replace

import pytest

from cx_nlp.errors import ModelError
from cx_nlp.schema import SENTIMENTS
from cx_nlp.score.model import load_model
from tests import tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model.build(tmp_path_factory.mktemp("model") / "tiny")


def calibration(folder, **changes):
    tiny_model.write_settings(folder)
    return {"calibration": json.loads((folder / "model.json").read_text())["calibration"] | changes}


def test_settings_that_are_no_object(folder):
    (folder / "model.json").write_text("[]")
    with pytest.raises(ModelError, match=r"model.json: expected a JSON object$"):
        load_model(str(folder))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda _: {"sha256": None}, "sha256 must map encoder.onnx, heads.safetensors, tokenizer.json to"),
        (lambda _: {"frame": ["<s>", "a", "</s>"]}, "frame must be two tokens, got "),
        (lambda _: {"frame": "ab"}, "frame must be two tokens, got "),
        (lambda _: {"calibration": "x"}, "lacks or misnames"),
        (lambda f: calibration(f, mixed_above="high"), 'mixed_above must be finite numbers, got "high"'),
        (lambda f: calibration(f, uncertain_below=float("nan")), "uncertain_below must be finite numbers, got NaN"),
        (
            lambda f: calibration(f, aspect_bias=dict.fromkeys(SENTIMENTS, "0.1")),
            'aspect_bias must be finite numbers, got "0.1"',
        ),
    ],
)
def test_values_of_another_kind(folder, changes, message):
    tiny_model.write_settings(folder, **changes(folder))
    with pytest.raises(ModelError, match=rf"^[^\n]*model.json: {message}[^\n]*$"):
        load_model(str(folder))
    tiny_model.write_settings(folder)
    assert load_model(str(folder)).frame == ("[CLS]", "[SEP]")


def test_another_calibration_is_another_version_of_scores_but_not_of_vectors(tiny, tmp_path):
    import shutil

    model = load_model(str(tiny))
    folder = tmp_path / "other"
    shutil.copytree(tiny, folder)
    settings = json.loads((folder / "model.json").read_text())
    settings["calibration"]["sentiment_temperature"] = 1.5
    (folder / "model.json").write_text(json.dumps(settings))
    other = load_model(str(folder))
    assert other.vectors == model.vectors
    assert other.scores != model.scores and other.version != model.version
    assert load_model(str(tiny)).version == model.version


def test_a_weight_of_0_renames_no_model_that_was_made_before_it_could_be_set(tiny):
    model = load_model(str(tiny))
    fitted = {key: value for key, value in asdict(model.calibration).items() if key != "mixed_weight"}
    expected = hashlib.sha256((model.digest + json.dumps(fitted, sort_keys=True)).encode()).hexdigest()[:12]
    assert model.scores == f"{model.name}@{expected}"
    assert replace(model, calibration=replace(model.calibration, mixed_weight=0.5)).scores != model.scores
