"""The pieces of the training recipes whose mistakes would not show until a model is trained."""

import itertools

import numpy as np
import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

import onnx
import onnxruntime
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

from cx_nlp import calibration
from cx_nlp.schema import EMOTIONS
from cx_nlp.score import heads
from models.recipes import calibrate, data, examples, noise, theme_head
from models.recipes.bases import feeling_emoji
from models.recipes.export import quantise_columns, store_in_8_bits


def test_eight_bits_keep_a_matrix_within_half_a_step_of_its_column():
    weight = np.random.default_rng(0).normal(size=(64, 16)) * np.linspace(0.01, 3, 16)
    quantised, scale = quantise_columns(weight)
    assert quantised.dtype == np.int8
    assert (np.abs(quantised * scale - weight) <= scale / 2 + 1e-7).all()
    assert quantise_columns(np.zeros((3, 2)))[1].tolist() == [1, 1]


def test_a_graph_in_8_bits_computes_nearly_the_same_in_float():
    weight = np.random.default_rng(1).normal(size=(200, 100)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 200])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 100])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = store_in_8_bits(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9))
    assert {t.data_type for t in model.graph.initializer if len(t.dims) == 2} == {TensorProto.INT8}
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    x = np.random.default_rng(2).normal(size=(5, 200)).astype(np.float32)
    (y,) = session.run(None, {"x": x})
    assert np.abs(y - x @ weight).max() < 0.02 * np.abs(x @ weight).max()
    onnx.checker.check_model(model)


def test_a_span_takes_the_tokens_it_overlaps():
    offsets = [(0, 0), (0, 3), (4, 8), (8, 11), (0, 0)]
    assert examples.token_span(offsets, 4, 11) == (2, 4)
    assert examples.token_span(offsets, 1, 2) == (1, 2)
    assert examples.token_span(offsets, 3, 4) == (0, 0)


def test_batches_hold_one_task_each_every_example_once_and_few_enough_tokens():
    made_of = [("sentiment", 5, 70), ("emotion", 7, 3)] * 50
    given = [examples.Example(task, [i] * (n + i % 9)) for i, (task, n, _) in enumerate(made_of)]
    made = examples.batches(given, max_tokens=60, max_texts=6, pool=30, rng=np.random.default_rng(0))
    assert all(len({e.task for e in batch}) == 1 for batch in made)
    assert sorted(e.ids[0] for batch in made for e in batch) == list(range(100))
    assert all(len(b) * max(len(e.ids) for e in b) <= 60 and len(b) <= 6 for b in made)
    alone = examples.batches(given[:1], max_tokens=2, max_texts=6, pool=30, rng=np.random.default_rng(0))
    assert alone == [given[:1]], "a text longer than the budget gets a batch of its own"


def test_rare_emotions_are_drawn_more_often():
    labels = pd.Series([[0]] * 980 + [[0, 16]] * 10 + [[21]] * 10)
    factor = examples.repeat_factors(labels, threshold=0.04, most=1.8)
    assert factor[:980].tolist() == [1.0] * 980
    assert factor[980:].tolist() == [1.8] * 20, "sqrt(0.04 / 0.01) = 2, held at the most"


def test_the_prior_of_a_field_is_its_class_shares():
    prior = examples.log_prior(pd.Series([0, 1, 2, 2]), 0.5)
    np.testing.assert_allclose(prior, 0.5 * np.log([0.25, 0.25, 0.5]))
    assert examples.log_prior(pd.Series([0, 2, 2, 2]), 1.0)[1] == np.log(examples.LEFT_OUT)


def test_draws_are_whole_passes_and_a_sample_for_the_rest():
    frame = pd.DataFrame({"x": range(5)})
    counts = examples.drawn(frame, 12, np.random.default_rng(0))["x"].value_counts()
    assert sorted(counts) == [2, 2, 2, 3, 3]


def test_noise_leaves_the_words_countable():
    rng = np.random.default_rng(0)
    for _ in range(200):
        noisy = noise.disturb("The parcel wasn't delivered", rng, share=1.0)
        assert len(noisy.replace("[NAME] ", "").replace(" [NAME]", "").replace(" [URL]", "").split()) == 4
    assert noise.disturb("as it is", rng, share=0.0) == "as it is"
    assert noise.typo("a b c", rng) == "a b c"


def test_valence_needs_agreement():
    index = EMOTIONS.index
    assert data.valence([index("joy"), index("love")]) == 2
    assert data.valence([index("joy"), index("anger")]) == -1
    assert data.valence([index("surprise")]) == -1
    assert data.valence([index("neutral")]) == 1


def test_vector_scaling_mends_overconfidence_and_a_leaning():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(6000, 3))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(3, p=row) for row in p])
    t, bias = calibrate.vector_scaling((logits - np.array([0, 0.6, 0])) * 2.0, labels, np.ones(6000))
    assert t == pytest.approx(2.0, rel=0.1)
    np.testing.assert_allclose(bias, [-0.2, 0.4, -0.2], atol=0.1)


def test_length_scaling_finds_that_short_texts_are_too_sure_of_themselves():
    rng = np.random.default_rng(3)
    logits, n_tokens = 2 * rng.normal(size=(20_000, 3)), rng.choice([8, 16, 32, 64, 90], size=20_000)
    labels = (heads.softmax(logits).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    told = logits * heads.temperatures(n_tokens, reference=1.5, power=-0.3)
    t, power = calibrate.length_scaling(told, labels, n_tokens, fields=n_tokens)
    assert t == pytest.approx(1.5, abs=0.051) and power == pytest.approx(-0.3, abs=0.051)


def test_rows_of_a_small_field_can_weigh_as_much_as_those_of_a_large_one():
    logits, labels = np.zeros((1010, 3)), np.array([0] * 1000 + [2] * 10)
    weights = np.array([1 / 1000] * 1000 + [1 / 10] * 10)
    _, bias = calibrate.vector_scaling(logits, labels, weights)
    assert bias[0] == pytest.approx(bias[2], abs=0.02)


def test_emotion_scaling_moves_common_labels_and_leaves_rare_ones():
    rng = np.random.default_rng(5)
    logits = rng.normal(-2, 1.5, size=(4000, len(EMOTIONS)))
    truth = rng.random(logits.shape) < 1 / (1 + np.exp(-(logits - 1.0)))
    truth[:, 5] = False
    logits[:, 5] = -9.0
    t, bias = calibrate.emotion_scaling(logits, truth)
    assert t == pytest.approx(1.0, rel=0.1)
    assert bias[0] == pytest.approx(-1.0, abs=0.15) and abs(bias[5]) < 0.2


def test_a_threshold_maximises_f1_on_enough_examples():
    rng = np.random.default_rng(6)
    p = rng.random(20_000) ** 3
    truth = rng.random(20_000) < p
    found = calibrate.best_threshold(p, truth)
    best_f1 = max(2 * truth[p >= t].sum() / (truth.sum() + (p >= t).sum()) for t in calibration._GRID)
    assert found == pytest.approx(best_f1 / 2, abs=0.04), "the best threshold is half the best F1 (Lipton et al. 2014)"
    many = np.tile(p[:500, None], (1, len(EMOTIONS)))
    assert set(calibrate.emotion_thresholds(many, many >= 0.5)) == set(EMOTIONS)


def test_the_threshold_of_a_rare_label_does_not_follow_its_few_examples(monkeypatch):
    rng = np.random.default_rng(7)
    p = 0.8 * rng.random(2700) ** 300  # some seven examples are expected

    def spread(examples: float) -> float:
        monkeypatch.setattr(calibration, "PRIOR_EXAMPLES", examples)
        return float(np.std([calibrate.best_threshold(p, rng.random(len(p)) < p) for _ in range(40)]))

    assert spread(20.0) < 0.7 * spread(0.0)


def test_ridge_finds_a_linear_map():
    rng = np.random.default_rng(4)
    x, truth = rng.normal(size=(500, 6)), rng.normal(size=(6, 6))
    weight, bias = theme_head.ridge(x, x @ truth + 2.0, strength=1e-9)
    np.testing.assert_allclose(weight, truth, atol=1e-6)
    np.testing.assert_allclose(bias, 2.0, atol=1e-6)


def test_the_halves_of_dev_are_fixed_and_nearly_even():
    names = [data.half(f"text {i}") for i in range(2000)]
    assert names == [data.half(f"TEXT {i}") for i in range(2000)], "case does not move a text across"
    assert 0.45 < names.count("fit") / 2000 < 0.55


def test_joined_texts_point_at_each_half_and_at_a_word_of_it(data_root):
    rows = data.sentiment(data_root, "dev")
    made = data.joined(rows, rows=50, rng=np.random.default_rng(0))
    assert made["label"].nunique() == 3 and (made["head"] == "sentiment").sum() == 100
    for _, its in made.groupby("text"):
        halves = its[its["head"] == "sentiment"].sort_values("start")
        assert halves["start"].iloc[0] == 0 and halves["end"].iloc[-1] == len(its["text"].iloc[0])
        for word in its[its["head"] == "aspect"].itertuples():
            assert word.text[word.start : word.end].isalpha() and word.end - word.start >= 4
            inside = halves[(halves["start"] <= word.start) & (halves["end"] >= word.end)]
            assert inside["label"].tolist() == [word.label]


def test_no_text_is_in_two_splits_whatever_its_case(data_root):
    for read, splits in ((data.sentiment, 2), (data.emotion, 3), (data.aspect, 2)):
        texts = [set(read(data_root, split)["text"].str.casefold()) for split in ("train", "dev", "test")[:splits]]
        for one, other in itertools.combinations(texts, 2):
            assert one and other and not one & other, read.__name__


def test_the_halves_of_a_frame_are_apart_and_whole():
    frame = pd.DataFrame({"text": [f"text {i}" for i in range(50)]})
    halves = [data.half_of(frame, name)["text"].tolist() for name in ("fit", "report")]
    assert sorted([*halves[0], *halves[1]]) == sorted(frame["text"]) and all(len(half) > 10 for half in halves)


def test_a_typo_leaves_placeholders_alone():
    rng = np.random.default_rng(0)
    for _ in range(100):
        assert "[NAME]" in noise.typo("[NAME] never answered", rng)
    assert noise.typo("[NAME] ok so", rng) == "[NAME] ok so"


def test_emoji_have_words():
    words = feeling_emoji()
    assert words["👍"] == "thumbs up" and len(words) > 100
