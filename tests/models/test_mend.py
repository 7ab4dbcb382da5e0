"""Lessons learned on top of a trained network, while all else that it says is held."""

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

import torch
from safetensors.torch import load_file

from cx_nlp.score.heads import softmax
from models.recipes import mend as module
from models.recipes.examples import batches
from models.recipes.mend import apart, examples_of, kept, learned, mend, sides
from models.recipes.probe import head_logits
from models.recipes.recipe import Mending, load_mending
from models.recipes.teach import load_network
from tests.tiny_training import of_base

SETTINGS = Mending(
    kinds=["rivals"],
    taught=8,
    other_lessons=8,
    held=8,
    joined=8,
    batch_texts=8,
    lr=3e-3,
    hold_states=0.0,
    hold_sentiment=0.0,
    hold_sides=0.0,
)
NEW = ["the parcel came late", "the staff came late", "the shop was late", "a late parcel"]
OLD = ["the staff was good", "i love this shop", "the parcel was bad", "fine on time", "rude staff", "very slow shop"]


@pytest.fixture(scope="module")
def work(base, trained, tmp_path_factory):
    return of_base(trained[0], base, tmp_path_factory.mktemp("mend") / "w")


def pairs():
    rows = [(a, b, f"{a} but {b}") for a in OLD[:3] for b in OLD[3:]]
    spans = [(text, at, at + len(side)) for a, b, text in rows for side, at in ((a, 0), (b, len(a) + 5))]
    return pd.DataFrame(spans, columns=["text", "start", "end"])


def plans(network, tokenizer, steps):
    aim = np.tile([0.98, 0.01, 0.01], (len(NEW), 1))
    size = {"max_tokens": 400, "max_texts": 16, "pool": 16, "rng": np.random.default_rng(0)}
    new = batches(examples_of(tokenizer, NEW, "taught", aim), **size)
    old = batches(examples_of(tokenizer, OLD, "held", None), **size)
    return new * steps, old, batches(sides(network, tokenizer, pairs()), **size)


def mended(work, steps=60, **settings):
    network, tokenizer = load_network(work)
    before, _ = load_network(work)
    new, old, joined = plans(network, tokenizer, steps)
    mend(network, SETTINGS.model_copy(update=settings), new, old, joined, seed=1)
    weights = SETTINGS.model_copy(update={"hold_states": 1.0, "hold_sentiment": 1.0})
    with torch.no_grad():
        return network, before, learned(network, new[0]).item(), kept(network, before, old[0], weights).item()


def test_lessons_are_learned_and_what_is_held_moves_less(work):
    network, before, loss, free = mended(work)
    *_, held_loss, held = mended(work, hold_states=5.0, hold_sentiment=5.0)
    with torch.no_grad():
        start = learned(before, plans(*load_network(work), 1)[0][0]).item()
    assert loss < start - 0.2 and held_loss < start - 0.2
    assert held < free / 2
    own = {name for name, value in network.state_dict().items() if not torch.equal(value, before.state_dict()[name])}
    assert own and all(name.startswith(("encoder.encoder.", "heads.sentiment.")) for name in own)


def test_nothing_moves_where_nothing_is_to_be_learned(work):
    *_, moved = mended(work, steps=1, lr=1e-12, hold_states=1.0, hold_sentiment=1.0)
    assert moved == pytest.approx(0.0, abs=1e-6)


def test_sides_of_joined_texts_come_nearer_to_what_is_said_of_each_alone(work):
    network, tokenizer = load_network(work)
    before, (batch,) = load_network(work)[0], plans(network, tokenizer, 1)[2]
    assert [len(one.spans) for one in batch] == [2] * 9 and all(one.sentiment.shape == (2, 3) for one in batch)
    alone = dict(zip(OLD, softmax(head_logits(network, tokenizer, OLD, "sentiment")), strict=True))
    first = min(f"{a} but {b}" for a in OLD[:3] for b in OLD[3:])
    its = next(one for one in batch if one.ids == tokenizer.encode(first).ids)
    assert its.sentiment == pytest.approx(np.stack([alone[side] for side in first.split(" but ")]), abs=1e-5)
    network = mended(work, hold_sides=5.0)[0]
    with torch.no_grad():
        assert apart(network, batch).item() < apart(before, batch).item()


def test_without_joined_texts_nothing_is_asked_of_their_sides(work):
    network, tokenizer = load_network(work)
    new, old, _ = plans(network, tokenizer, 2)
    mend(network, SETTINGS, new, old, [], seed=1)


def test_the_command_writes_a_folder_that_says_what_was_done(work, root, tmp_path, monkeypatch):
    recipe = tmp_path / "m.yaml"
    recipe.write_text(json.dumps(SETTINGS.model_dump()))
    out = tmp_path / "out"
    command = ["mend", "--config", recipe, "--work", work, "--data-root", root, "--out", out]
    monkeypatch.setattr("sys.argv", [str(one) for one in command])
    module.main()
    assert (out / "tokenizer.json").exists() and set(load_file(out / "network.safetensors")) == set(
        load_file(work / "network.safetensors")
    )
    (after,) = json.loads((out / "train.json").read_text())["after"]
    assert after["mended"]["kinds"] == ["rivals"] and after["seed"] == 1 and after["steps"] >= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kinds: [rivals]\nspeed: 3", "taught: Field required"),
        ("kinds: [", "not readable as YAML"),
        (None, "No such file"),
    ],
)
def test_a_recipe_that_cannot_be_read_is_one_line(text, said, tmp_path):
    path = tmp_path / "m.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit, match=said):
        load_mending(path)
