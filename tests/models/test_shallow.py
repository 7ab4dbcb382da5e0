"""A model with fewer layers: the first ones, in the shapes of the whole."""

import numpy as np
import onnx
import onnxruntime
import pytest

from cx_nlp.score.model import find_model, load_model
from models.recipes import shallow

WIDTH = 384  # of trunk and of branch


def hidden(encoder: onnx.ModelProto) -> np.ndarray:
    session = onnxruntime.InferenceSession(encoder.SerializeToString(), providers=["CPUExecutionProvider"])
    ids = np.arange(2_000, 2_010, dtype=np.int64).reshape(2, 5)
    return session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]


def test_all_layers_are_the_model_and_one_is_another_of_the_same_shape():
    encoder = onnx.load(find_model("minilm-cx") / "encoder.onnx")
    whole, six, one = (hidden(m) for m in (encoder, *(shallow.shallow(encoder, layers=n) for n in (6, 1))))
    assert np.abs(whole - six).max() < 1e-4
    assert one.shape == whole.shape
    for part in (slice(None, WIDTH), slice(WIDTH, None)):
        assert np.abs(one - whole)[..., part].mean() > 0.1, "both trunk and branch end earlier"


def test_a_folder_is_written_that_loads(tmp_path):
    from click.testing import CliRunner

    options = ["--model", str(find_model("minilm-cx")), "--output", str(tmp_path / "shallow")]
    assert CliRunner().invoke(shallow.main, options).exit_code == 0
    model, source = load_model(str(tmp_path / "shallow")), find_model("minilm-cx") / "encoder.onnx"
    assert model.name == "minilm-cx-1"
    assert (tmp_path / "shallow" / "encoder.onnx").stat().st_size < source.stat().st_size


@pytest.mark.parametrize(("layers", "said"), [(0, "expected 1 or more"), (1, "no weights named")])
def test_what_has_no_layers_is_told(layers, said):
    with pytest.raises(ValueError, match=said):
        shallow.shallow(onnx.ModelProto(), layers=layers)
