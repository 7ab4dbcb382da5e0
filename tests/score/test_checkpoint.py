"""A checkpoint built on the spot: its labels, its windows, its neighbours, and what it may not be."""

import json
import re
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cx_nlp.errors import ModelError, UsageError
from cx_nlp.labels import EMOTIONS, SENTIMENTS
from cx_nlp.score.checkpoint import Checkpoint
from cx_nlp.score.replacement import Replacement
from cx_nlp.score.windows import windows
from tests import tiny_checkpoint
from tests.tiny_checkpoint import NEGATIVE, POSITIVE, SILENT

LABELS = (("schlecht", "negative"), ("egal", "neutral"), ("gut", "positive"))
needs_torch = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="torch and transformers are not installed: pip install 'cx-nlp[hub]'",
)


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    return tiny_checkpoint.build(tmp_path_factory.mktemp("checkpoint") / "german")


def sentiment(folder, *, labels=LABELS, **changes):
    return Checkpoint(Replacement("sentiment", str(folder), labels=labels, **changes))


@needs_torch
def test_its_labels_become_ours(german):
    p = sentiment(german).read(["alles gut", "sehr schlecht", "ein tisch"]).probabilities
    assert [SENTIMENTS[i] for i in p.argmax(axis=1)] == ["positive", "negative", "neutral"]
    assert np.abs(p.sum(axis=1) - 1).max() < 3e-5
    turned = (("0", "positive"), ("LABEL_1", "neutral"), ("GUT", "negative"))
    assert np.array_equal(sentiment(german, labels=turned).read(["alles gut"]).probabilities[0], p[0, ::-1])


@needs_torch
def test_neighbours_and_order_do_not_matter(german):
    checkpoint = sentiment(german)
    texts = ["gut", "schlecht und langsam", "gut " * 17, "ein tisch " * 40, "", "schlecht"]
    together = checkpoint.read(texts).probabilities
    alone = np.concatenate([checkpoint.read([text]).probabilities for text in texts])
    assert np.abs(together - alone).max() < 1e-4
    assert np.array_equal(checkpoint.read(texts[::-1] * 2).probabilities[: len(texts)], together[::-1])
    assert checkpoint.read([]).probabilities.shape == (0, 3)


@needs_torch
def test_a_long_text_is_the_weighted_mean_of_its_windows(german):
    checkpoint = sentiment(german)
    words = ["gut", "schlecht", "a", "langsam", "b"] * 9
    read = checkpoint._classifier.read([" ".join(words)])[0]
    size = tiny_checkpoint.POSITIONS - 2
    parts = windows(len(words), size=size, overlap=size // 8)
    assert (read.n_tokens, read.n_windows) == (len(words), len(parts)) and len(parts) == 3
    each = checkpoint._classifier.read([" ".join(words[w.start : w.end]) for w in parts])
    weights = [w.own_end - w.own_start for w in parts]
    assert sum(weights) == len(words)
    assert np.allclose(read.logits, np.average([r.logits for r in each], axis=0, weights=weights), atol=1e-5)
    # The very last word counts: nothing is cut off.
    assert not np.allclose(read.logits, checkpoint._classifier.read([" ".join([*words[:-1], "gut"])])[0].logits)


@needs_torch
def test_a_text_without_a_token_is_read_as_an_empty_one(german):
    read = sentiment(german).read([""])
    assert (read.n_tokens, read.n_windows) == ([0], [1])
    assert np.allclose(read.probabilities, 1 / 3, atol=1e-4)  # nothing was said: no label above another


@needs_torch
def test_a_checkpoint_without_neutral_is_never_neutral(tmp_path):
    two = tiny_checkpoint.build(tmp_path / "two", labels={"neg": NEGATIVE, "pos": POSITIVE})
    p = sentiment(two, labels=(("neg", "negative"), ("pos", "positive"))).read(["gut", "ein tisch"]).probabilities
    assert p[:, 1].tolist() == [0.0, 0.0] and p[0, 2] > 0.9 and p[1].tolist() == [0.5, 0.0, 0.5]


@needs_torch
def test_labels_that_mean_the_same_are_added(tmp_path):
    stars = tiny_checkpoint.build(
        tmp_path / "stars", labels={"1": NEGATIVE, "2": NEGATIVE, "3": SILENT, "4": POSITIVE, "5": POSITIVE}
    )
    names = ("negative", "negative", "neutral", "positive", "positive")
    read = sentiment(stars, labels=tuple(zip("12345", names, strict=True)))
    assert read.targets == [0, 0, 1, 2, 2]  # "1" is a name here, not the number of an output
    p = read.read(["schlecht", "gut"]).probabilities
    assert p[0, 0] > 0.9 and p[1, 2] > 0.9 and np.abs(p.sum(axis=1) - 1).max() < 3e-5


@needs_torch
def test_emotions_that_a_checkpoint_does_not_know_are_unknown(tmp_path):
    moods = {"joy": POSITIVE, "Ärger": NEGATIVE, "sonst": SILENT}
    folder = tiny_checkpoint.build(tmp_path / "moods", labels=moods, problem_type="multi_label_classification")
    labels = (("Ärger", "anger"), ("sonst", None))
    many = Checkpoint(Replacement("emotion", str(folder), labels=labels))
    p = many.read(["gut und schlecht"]).probabilities[0]
    joy, anger = EMOTIONS.index("joy"), EMOTIONS.index("anger")
    assert np.flatnonzero(~np.isnan(p)).tolist() == [anger, joy]
    assert p[joy] > 0.5 and p[anger] > 0.5 and p[joy] == p[anger]  # independent of each other
    one = Checkpoint(Replacement("emotion", str(folder), labels=labels, multi_label=False))
    p = one.read(["gut und schlecht"]).probabilities[0]
    assert p[joy] == p[anger] < 0.5


@needs_torch
def test_without_a_padding_token_texts_are_read_one_by_one(tmp_path, german):
    lone = tiny_checkpoint.build(tmp_path / "lone", pad_token_id=None)
    texts = ["gut", "sehr schlecht und so langsam"]
    expected = sentiment(german).read(texts).probabilities
    assert np.abs(sentiment(lone).read(texts).probabilities - expected).max() < 1e-4


@needs_torch
def test_positions_that_begin_late_shorten_the_window(tmp_path, german):
    """RoBERTa counts positions from its padding id: one token too many is an index error."""
    import transformers

    tokens = len(json.loads((german / "tokenizer.json").read_text())["model"]["vocab"])
    shape = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 4}
    config = transformers.RobertaConfig(
        vocab_size=tokens, max_position_embeddings=20, pad_token_id=0, num_labels=3, type_vocab_size=1, **shape
    )
    config.id2label = dict(enumerate(tiny_checkpoint.GERMAN))
    transformers.RobertaForSequenceClassification(config).save_pretrained(tmp_path / "r")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "r" / name).write_bytes((german / name).read_bytes())
    read = sentiment(tmp_path / "r").read(["gut " * 50])
    assert read.n_windows == [len(windows(50, size=20 - 1 - 2, overlap=2))]


@needs_torch
def test_a_checkpoint_without_its_head_is_refused(tmp_path):
    folder = tiny_checkpoint.build(tmp_path / "base")
    weights = {k: v for k, v in load_file(folder / "model.safetensors").items() if not k.startswith("classifier")}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"no text-classification checkpoint: it lacks the weights classifier\.bias"):
        sentiment(folder).read(["gut"])


@needs_torch
def test_broken_weights_are_one_line(tmp_path):
    folder = tiny_checkpoint.build(tmp_path / "cut")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:400])
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        sentiment(folder).read(["gut"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (LABELS[:2], "sentiment: {}: labels do not say what gut means; the checkpoint's are schlecht, egal, gut, ours negative"),
        ((), "labels do not say what schlecht, egal, gut mean;"),
        ((*LABELS, ("super", "positive")), "labels names no label: 'super'; the checkpoint's are schlecht, egal, gut"),
        ((*LABELS, ("2", "negative")), "labels names a label twice: '2'"),
        ((*LABELS[:2], ("gut", "neutral")), "labels lack positive"),
        ((LABELS[0], ("egal", None), LABELS[2]), "labels drop one with null"),
    ],
)  # fmt: skip
def test_labels_that_do_not_fit_are_one_line(german, labels, says):
    with pytest.raises(UsageError, match=re.escape(says.format(german))) as caught:
        sentiment(german, labels=labels)
    assert "\n" not in str(caught.value)


def test_emotions_must_hold_one_that_moves(german):
    labels = (("schlecht", "disapproval"), ("egal", "neutral"), ("gut", "approval"))
    with pytest.raises(UsageError, match="cover no emotion that moves"):
        Checkpoint(Replacement("emotion", str(german), labels=labels))


def test_a_sentiment_is_one_of_three_and_a_regression_is_none(tmp_path):
    many = tiny_checkpoint.build(tmp_path / "many", problem_type="multi_label_classification")
    with pytest.raises(UsageError, match="multi_label: false reads a softmax"):
        sentiment(many)
    assert not sentiment(many, multi_label=False).multi_label
    score = tiny_checkpoint.build(tmp_path / "score", labels={"gut": POSITIVE}, problem_type="regression")
    with pytest.raises(ModelError, match="gives 1 outputs for regression"):
        sentiment(score, labels=(("gut", "positive"),), multi_label=None)


def test_its_version_names_its_weights(tmp_path):
    import hashlib

    folder = tiny_checkpoint.build(tmp_path / "odd|name")
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert sentiment(folder).version == f"odd_name@{weights[:12]}"


def test_missing_libraries_say_how_to_get_them(monkeypatch):
    from cx_nlp.score.classifier import check_installed

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"and torch cannot be found; run: pip install 'cx-nlp\[hub\]'"):
        check_installed()


@pytest.mark.parametrize("named", [["schlecht", "gut"], {"schlecht": 0, "gut": 1}, {"0": "a", "2": "b"}, {"1": "a"}, 3])
def test_labels_that_are_not_numbered_from_0(german, tmp_path, named):
    settings = json.loads((german / "config.json").read_text())
    folder = tmp_path / "odd"
    folder.mkdir()
    for path in german.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "config.json").write_text(json.dumps(settings | {"id2label": named}))
    with pytest.raises(ModelError, match=r"config.json's id2label must map 0\.\.n-1 to names$"):
        sentiment(folder)
