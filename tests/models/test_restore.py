"""An exported model, read back to be trained on."""

import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

import onnx
import torch
from onnx import numpy_helper
from safetensors.numpy import load_file

from models.recipes import export, restore
from models.recipes.network import load_trained
from tests.tiny_training import CONFIG, of_base, run


@pytest.fixture(scope="module", params=["plain", "branched"])
def work(request, base, root, trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("restore") / "w"
    if request.param == "plain":
        return of_base(trained[0], base, out)
    draw = CONFIG["draw"] | {"sentiment": {}, "lessons": 0}
    own = {"branch": {"rank": 4, "lr_words": 1e-2}, "valence_weight": 0.0, "theme_weight": 0.0, "draw": draw}
    run(base, root, out, init=trained[0] / "network.safetensors", config=own | {"base": str(base)})
    return out


@pytest.fixture
def exported(work, tmp_path):
    export.export(work, tmp_path / "m", "tiny")
    return tmp_path / "m"


def test_the_encoder_is_the_one_that_was_exported_and_heads_are_it_in_8_bits(work, exported, tmp_path):
    restore.restore(exported, tmp_path / "w")
    before, after = (load_trained(one).state_dict() for one in (work, tmp_path / "w"))
    assert set(before) == set(after)
    for name, value in before.items():
        if name.startswith("heads."):
            torch.testing.assert_close(after[name], value, atol=0.01, rtol=0.02, msg=name)
        elif not name.startswith("theme."):
            assert torch.equal(after[name], value), name


def test_exported_again_it_is_the_same(exported, tmp_path):
    restore.restore(exported, tmp_path / "w")
    export.export(tmp_path / "w", tmp_path / "again", "tiny")
    one, two = (load_file(folder / "heads.safetensors") for folder in (exported, tmp_path / "again"))
    assert {name for name in one if (one[name] != two[name]).any()} <= {"theme.q", "theme.s", "theme.b"}
    graphs = (onnx.load(folder / "encoder.onnx").graph for folder in (exported, tmp_path / "again"))
    first, second = ({t.name: numpy_helper.to_array(t).tolist() for t in graph.initializer} for graph in graphs)
    assert first == second


def test_matrices_stored_in_8_bits_come_back_as_the_engine_reads_them():
    weight = torch.randn(200, 120, generator=torch.Generator().manual_seed(0)).numpy()
    made = onnx.helper.make_model(
        onnx.helper.make_graph(
            [
                onnx.helper.make_node("MatMul", ["x", "val_1"], ["y"]),
                onnx.helper.make_node("Add", ["y", "network.encoder.dense.bias"], ["z"]),
            ],
            "g",
            [onnx.helper.make_tensor_value_info("x", 1, [1, 200])],
            [onnx.helper.make_tensor_value_info("z", 1, [1, 120])],
            [
                numpy_helper.from_array(weight, "val_1"),
                numpy_helper.from_array(weight[0].copy(), "network.encoder.dense.bias"),
            ],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
    )
    found = dict(restore.weights_of(export.store_in_8_bits(made)))
    assert set(found) == {"encoder.dense.weight", "encoder.dense.bias"}
    off = abs(found["encoder.dense.weight"] - weight.T)
    assert 0 < off.max() <= abs(weight).max() / 127 / 2 + 1e-6
