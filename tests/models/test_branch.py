"""The second stack of layers, for emotion and aspect sentiment alone."""

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

import onnxruntime
import torch
from safetensors.torch import load_file

from cx_nlp.score import heads
from cx_nlp.score.model import load_model
from cx_nlp.score.predict import Predictor
from models.recipes import export
from models.recipes.network import Network, load_trained, masked_mean
from models.recipes.recipe import load_recipe
from tests.tiny_training import CONFIG, run

RECIPE = {
    "branch": {"rank": 4, "lr_words": 1e-2}, "valence_weight": 0.0, "theme_weight": 0.0,
    "draw": CONFIG["draw"] | {"sentiment": {}, "lessons": 0},
}  # fmt: skip
IDS = torch.tensor([[2, 4, 5, 6, 7, 3], [2, 8, 9, 3, 0, 0]])
MASK = (IDS != 0).long()


def read(net: Network) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        means = masked_mean(net.eval()(IDS, MASK), MASK)
        found = {name: net.read(name, means) for name in ("sentiment", "emotion")}
        width = net.encoder.config.hidden_size
        pair = torch.cat([means / 2, means], dim=1)  # of a span that is not the document
        return found | {"aspect": net.read("aspect", pair), "theme": net.theme_vectors(means[:, :width])}


@pytest.fixture(scope="module")
def branched(base, root, trained, tmp_path_factory):
    work, _ = trained
    out = tmp_path_factory.mktemp("branch") / "w"
    config = RECIPE | {"base": str(base)}
    return out, run(base, root, out, init=work / "network.safetensors", config=config)


def test_at_first_every_head_says_what_it_said(base):
    torch.manual_seed(1)
    net = Network.from_pretrained(str(base))
    before = read(net)
    net.add_branch(4)
    after = read(net)
    assert net.width == 2 * net.encoder.config.hidden_size
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, atol=1e-6, rtol=1e-5, msg=name)


def test_only_the_branch_and_its_heads_learn(trained, branched):
    _, before = trained
    _, after = branched
    for name in before:
        if not name.startswith(("heads.emotion", "heads.aspect")):
            assert torch.equal(before[name], after[name]), name
    for name in ("heads.emotion.4.weight", "heads.aspect.4.weight"):
        assert not torch.allclose(before[name], after[name]), name
    layer = "encoder.layer.0.attention.self.query.weight"
    assert not torch.allclose(before[f"encoder.{layer}"], after[f"branch.encoder.{layer}"])
    assert after["branch.widen.weight"].abs().max() > 0, "the words' step has moved"


def test_a_second_training_of_a_branch_goes_on_from_the_first(base, root, branched, tmp_path):
    work, before = branched
    config = RECIPE | {"base": str(base), "epochs": 1, "lr_encoder": 1e-9, "lr_heads": 1e-9}
    config["branch"] = RECIPE["branch"] | {"lr_words": 1e-9}
    after = run(base, root, tmp_path / "w", init=work / "network.safetensors", config=config)
    assert set(after) == set(before)
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, atol=1e-6, rtol=1e-4, msg=name)


def test_the_result_is_the_mean_of_the_steps_that_are_asked_for(base, root, trained, tmp_path):
    work, _ = trained
    config = RECIPE | {"base": str(base), "average_steps": [3]}
    found = run(base, root, tmp_path / "w", init=work / "network.safetensors", config=config)
    kept = load_file(tmp_path / "w" / "kept-3.safetensors")
    last = run(base, root, tmp_path / "last", init=work / "network.safetensors", config=RECIPE | {"base": str(base)})
    name = "heads.emotion.4.weight"
    assert not torch.allclose(kept[name], last[name])
    torch.testing.assert_close(found[name], (kept[name] + last[name]) / 2)
    with pytest.raises(SystemExit, match=r"average_steps: \[9999\], expected steps before the last"):
        run(base, root, tmp_path / "x", config={"average_steps": [9999]})


def test_the_exported_folder_says_what_the_network_says(branched, tmp_path):
    work, _ = branched
    export.export(work, tmp_path / "m", "tiny")
    settings = json.loads((tmp_path / "m" / "model.json").read_text())
    net = load_trained(work).eval()
    assert settings["hidden"] == net.width == 32
    session = onnxruntime.InferenceSession(tmp_path / "m" / "encoder.onnx")
    (hidden,) = session.run(None, {"input_ids": IDS.numpy(), "attention_mask": MASK.numpy()})
    model, read_by = load_model(str(tmp_path / "m")), MASK.numpy().astype(bool)
    with torch.no_grad():
        expected = net(IDS, MASK)
        np.testing.assert_allclose(hidden[read_by], expected.numpy()[read_by], atol=1e-4)
        means = masked_mean(expected, MASK)
        for name in ("sentiment", "emotion"):
            stored = heads.logits(model, name, means.numpy())
            np.testing.assert_allclose(stored, net.read(name, means).numpy(), atol=0.05)  # heads are stored in 8 bits
    predictor = Predictor.load(str(tmp_path / "m"), engine="onnxruntime-fp32")
    vectors = heads.theme_vectors(predictor.model, predictor.document_means(["the staff was good"]))
    assert vectors.shape == (1, model.theme_width) and model.theme_width == 384


def test_a_branch_that_is_to_learn_what_is_frozen_is_refused(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(json.dumps(CONFIG | {"branch": {}}))
    with pytest.raises(SystemExit, match="a branch learns emotion and aspect alone: expected no draw of sentiment"):
        load_recipe(path)
