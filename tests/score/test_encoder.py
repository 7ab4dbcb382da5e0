from dataclasses import replace

import numpy as np
import pytest

from cx_nlp.errors import ModelError, UnknownName
from cx_nlp.score import heads
from cx_nlp.score.encoder import Encoder
from cx_nlp.score.model import load_model
from tests import tiny_model


@pytest.fixture
def encoder(tiny):
    return Encoder(load_model(str(tiny)), threads=1, engine="onnxruntime-fp32")


def test_the_document_is_the_mean_over_all_its_tokens(encoder):
    (read,) = encoder.span_means(["lovely terrible lovely lovely"], [[]])
    assert read.n_tokens == 4 and read.n_windows == 1
    np.testing.assert_allclose(read.means[0], [6, 2, 2, 6, 0.1, 0.1], rtol=1e-6)


def test_a_span_is_the_mean_over_the_tokens_it_overlaps(encoder):
    text = "lovely staff terrible wait"
    (read,) = encoder.span_means([text], [[(0, 6), (13, 21), (15, 17), (6, 7)]])
    assert read.means[1][0] == pytest.approx(8) and read.means[1][1] == 0
    assert read.means[2][1] == pytest.approx(8)
    assert read.means[3][1] == pytest.approx(8), "a span inside a token takes that token"
    np.testing.assert_array_equal(read.means[4], read.means[0], "a span without a token takes the document's")


def test_a_text_of_ten_thousand_words_is_read_whole(encoder):
    text = "x " * 10_000 + "terrible"
    (read,) = encoder.span_means([text], [[(len(text) - 8, len(text))]])
    assert read.n_tokens == 10_001 and read.n_windows > 300
    assert read.means[0][1] == pytest.approx(8 / 10_001, rel=1e-5)
    assert read.means[1][1] == pytest.approx(8)


def test_windows_change_nothing_where_the_encoder_sees_no_context(encoder):
    text = " ".join(["lovely", "x", "terrible", "y", "z"] * 50)
    long, short = encoder.span_means([text, text[:22]], [[(0, 6)], [(0, 6)]])
    np.testing.assert_allclose(long.means, short.means, rtol=1e-6)


def test_neighbours_and_batch_size_move_nothing(tiny):
    model = load_model(str(tiny))
    texts = [" ".join(["good", "bad", "x"][: 1 + i % 3] * (1 + i % 7)) for i in range(60)]
    one, many = (Encoder(model, threads=1, engine="onnxruntime-fp32", max_batch_tokens=size) for size in (1, None))
    alone = [one.span_means([t], [[]])[0].means[0] for t in texts]
    together = [r.means[0] for r in many.span_means(texts, [[]] * len(texts))]
    a, b = (heads.sentiment(model, np.stack(means), [len(t) for t in texts]) for means in (alone, together))
    np.testing.assert_array_equal(a, b)


def test_an_empty_text_has_no_tokens(encoder):
    (read,) = encoder.span_means([""], [[]])
    assert read.n_tokens == 0 and read.n_windows == 0
    assert encoder.span_means([], []) == []


@pytest.mark.parametrize("name", ["encoder.onnx", "heads.safetensors", "tokenizer.json"])
def test_a_cut_file_is_one_line(tmp_path, name):
    folder = tiny_model.build(tmp_path / "m")
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cut short or swapped"):
        load_model(str(folder))
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing"):
        load_model(str(folder))


def test_a_file_cut_before_its_checksum_was_taken_is_one_line_too(tmp_path):
    folder = tiny_model.build(tmp_path / "m")
    (folder / "encoder.onnx").write_bytes(b"not onnx")
    tiny_model.write_settings(folder)
    with pytest.raises(ModelError, match="cannot be loaded"):
        Encoder(load_model(str(folder)))


def test_another_format_or_an_unknown_name_is_said(tmp_path):
    folder = tiny_model.build(tmp_path / "m")
    tiny_model.write_settings(folder, format=1)
    with pytest.raises(ModelError, match="model format 1, this version reads 2"):
        load_model(str(folder))
    with pytest.raises(UnknownName, match="unknown model 'minilm-xc'"):
        load_model("minilm-xc")


def test_an_engine_that_keeps_kernels_sees_few_shapes(tiny):
    """Two numbers of rows a width, whatever texts come; and the rows that only fill a batch move nothing."""
    model = load_model(str(tiny))
    plain, filled = (Encoder(model, threads=1, engine="onnxruntime-fp32", max_batch_tokens=256) for _ in range(2))
    seen, run = set(), filled._engine.run

    def watched(batches):
        for ids, attention in batches:
            seen.add(ids.shape)
            yield from run([(ids, attention)])

    filled._engine = replace(filled._engine, run=watched, width_step=8, fills_rows=True)
    texts = [" ".join(["good", "bad", "x"][: 1 + i % 3] * (1 + i % 9)) for i in range(300)]
    for size in (1, 2, 3, 7, 40, 300):
        a, b = (encoder.span_means(texts[:size], [[]] * size) for encoder in (plain, filled))
        np.testing.assert_allclose([r.means[0] for r in a], [r.means[0] for r in b], rtol=1e-6)
    heights = {width: {rows for rows, its in seen if its == width} for width in {width for _, width in seen}}
    assert len(heights) > 2 and all(width % 8 == 0 for width in heights)
    assert all(rows <= {256 // width, 256 // width // 4} for width, rows in heights.items())
