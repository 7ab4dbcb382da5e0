"""Part of the way from a network to what was made of it."""

import json

import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

import torch
from safetensors.torch import load_file, save_file

from cx_nlp.errors import UsageError
from models.recipes import blend as module
from models.recipes.blend import blend


def weights(value, ids=(0, 1)):
    return {"w": torch.full((2, 2), float(value)), "ids": torch.tensor(ids)}


def test_each_step_is_taken_in_part_and_whole_numbers_stay():
    found = blend(weights(1), [weights(2), weights(5)], shares=[0.4, 0.3])
    assert found["w"] == pytest.approx(torch.full((2, 2), 1 + 0.4 * 1 + 0.3 * 4)) and found["ids"].tolist() == [0, 1]
    assert blend(weights(1), [weights(3)], shares=[1.0])["w"].tolist() == [[3, 3], [3, 3]]


def test_networks_of_another_shape_are_refused():
    with pytest.raises(UsageError, match="different shapes"):
        blend(weights(1), [{"w": torch.zeros(3)}], shares=[0.5])


def folder(at, value, after):
    at.mkdir()
    save_file(weights(value), at / "network.safetensors")
    (at / "tokenizer.json").write_text("{}")
    (at / "train.json").write_text(json.dumps({"seed": 1} | ({"after": after} if after else {})))
    return at


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["blend", *map(str, words)])
    module.main()


def test_the_command_tells_what_was_blended(tmp_path, monkeypatch):
    start = folder(tmp_path / "w", 0, [{"steps": 1}])
    ends = [folder(tmp_path / name, value, [{"steps": 1}, {"steps": value}]) for name, value in (("a", 10), ("b", 20))]
    out = tmp_path / "out"
    towards = ["--towards", ends[0], "--share", 0.5, "--towards", ends[1], "--share", 0.25]
    run(monkeypatch, "--work", start, *towards, "--out", out)
    assert load_file(out / "network.safetensors")["w"].tolist() == [[10, 10], [10, 10]]
    told = json.loads((out / "train.json").read_text())
    assert told["after"] == [{"steps": 1}, {"steps": 10, "share": 0.5}, {"steps": 20, "share": 0.25}]
    assert (out / "tokenizer.json").exists()


def test_a_share_of_nothing_is_refused_in_one_line(tmp_path, monkeypatch):
    start = folder(tmp_path / "w", 0, None)
    with pytest.raises(SystemExit, match="--share must be above 0 and at most 1, got 0"):
        run(monkeypatch, "--work", start, "--towards", start, "--share", 0, "--out", tmp_path / "out")


def test_each_training_needs_a_share(tmp_path, monkeypatch):
    start = folder(tmp_path / "w", 0, None)
    with pytest.raises(SystemExit, match="each --towards needs a --share: got 2 and 1"):
        run(monkeypatch, "--work", start, *["--towards", start] * 2, "--share", 0.5, "--out", tmp_path / "out")
