"""The whole way with the real pipeline: offsets, order, length, independence."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cx_nlp.spans import Mention, Sentence, Spans, find_spans

MIXED = "The staff were lovely but the wait was far too long. My parcel never arrived! There was no parking."


def one(text: str) -> Spans:
    return next(find_spans([text]))


def test_mentions_opinions_and_negation_of_a_real_text():
    spans = one(MIXED)
    assert spans.sentences == (Sentence(0, 52), Sentence(53, 77), Sentence(78, 99))
    assert spans.mentions == (
        Mention(4, 9, "staff", 0, "lovely", False),
        Mention(30, 34, "wait", 0, "far too long", False),
        Mention(56, 62, "parcel", 1, "never arrived", True),
        Mention(91, 98, "parking", 2, None, True),
    )


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u00a0"])
def test_nothing_to_read_gives_nothing(text):
    assert one(text) == Spans((), ())


@pytest.mark.parametrize("text", ["!!!", "👍👍👍", "... ?", "[NAME] [PHONE]", "😀" * 300, "👍🏽" * 40])
def test_a_text_without_a_word_is_one_sentence_without_mentions(text):
    spans = one(text)
    assert spans.mentions == ()
    assert [text[s.start : s.end] for s in spans.sentences] == [text]


def test_placeholders_are_no_mentions():
    spans = one("Please tell nurse [NAME] on [PHONE] that the refund went to [IBAN], thanks [NAME]")
    assert [m.text for m in spans.mentions] == ["nurse", "refund"]


def test_offsets_index_the_given_text():
    text = "  “Staff” weren’t helpful!!!!!!!!!!!! 😀😀 THE ROOM: cold 😡.  The café’s coffee was superb… "
    for mention in one(text).mentions:
        assert text[mention.start : mention.end] == mention.text
        assert mention.opinion is None or mention.opinion in text
    ends = [(s.start, s.end) for s in one(text).sentences]
    assert ends == sorted(ends) and ends[0][0] == 2 and ends[-1][1] == len(text.rstrip())


def test_a_very_long_text_is_read_to_its_end_in_the_same_way():
    text = "The staff were lovely but the wait was far too long. " * 2500 + "My parcel never arrived."
    spans = one(text)
    assert len(text) > 130_000 and len(spans.sentences) == 2501 and len(spans.mentions) == 5001
    assert spans.mentions[-1] == Mention(len(text) - 21, len(text) - 15, "parcel", 2500, "never arrived", True)
    assert all(text[m.start : m.end] == m.text for m in spans.mentions)
    assert {m.opinion for m in spans.mentions[:-1]} == {"lovely", "far too long"}


@pytest.mark.parametrize("unit", ["!", "😀", "a/", "a-", "(", "'", "http://a.", "1,", "_", "a\u0301", "很好"])
def test_endless_runs_take_no_time_and_keep_their_length(unit):
    text = unit * (20_000 // len(unit))
    assert one(text).sentences[-1].end == len(text)


def test_one_result_a_text_in_order_whatever_stands_beside_it():
    words = [
        "staff",
        "wait",
        "food",
        "room",
        "price",
        "was",
        "were",
        "very",
        "not",
        "rude",
        "slow",
        "good",
        "bad",
        "the",
        "a",
        "my",
        "and",
        "but",
        "never",
        ".",
        "!",
    ]
    rng = random.Random(3)
    texts = [" ".join(rng.choices(words, k=rng.randrange(0, 40))) for _ in range(150)] + ["", MIXED, MIXED * 300]
    alone = [one(text) for text in texts]
    shuffled = rng.sample(range(len(texts)), len(texts))
    assert list(find_spans(texts)) == alone
    assert list(find_spans((texts[i] for i in shuffled), batch_size=7)) == [alone[i] for i in shuffled]


def test_a_batch_does_not_hold_all_texts():
    taken = 0

    def texts():
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield "Good staff."

    next(find_spans(texts(), batch_size=10))
    assert taken == 10


def test_equal_rows_have_equal_products_wherever_they_stand():
    """By whichever library this processor is served: rows of numpy's differ where it has AVX2 and no more."""
    from cx_nlp.spans.gemm import FixedRowsOps

    rng = np.random.default_rng(1)
    ops, row, y = FixedRowsOps(), *(rng.normal(size=(n, 288)).astype(np.float32) for n in (1, 64))
    alone = ops.gemm(row, y, trans2=True)
    for before, after in ((1, 0), (7, 30), (255, 1), (600, 3)):
        x = np.concatenate([rng.normal(size=(before, 288)), row, rng.normal(size=(after, 288))]).astype(np.float32)
        assert np.array_equal(ops.gemm(x, y, trans2=True)[before], alone[0])
    assert alone[0] == pytest.approx(y @ row[0], abs=1e-4)


def test_vectors_do_not_depend_on_neighbours_to_the_bit():
    from cx_nlp.spans.pipeline import load_nlp

    nlp = load_nlp()
    texts = [MIXED, "Good.", "The app keeps crashing and nobody answers the phone " * 20]
    together = [doc.tensor for doc in nlp.pipe(texts * 30, batch_size=64)]
    for text, tensor in zip(texts * 30, together, strict=True):
        assert np.array_equal(nlp(text).tensor, tensor)


def test_importing_spans_and_themes_loads_no_spacy():
    code = "import sys, cx_nlp.spans, cx_nlp.themes; print('spacy' in sys.modules, 'torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_a_taxonomy_with_token_patterns_leaves_torch_alone():
    """It is the first to ask spaCy for something: names of word classes, before any pipeline is loaded."""
    sample = Path(__file__).parents[2] / "configs" / "sample" / "taxonomy.yaml"
    code = f"import sys; from cx_nlp.themes import load_taxonomies as t; t([{str(sample)!r}]); print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_the_pipeline_leaves_torch_alone():
    code = "import sys; from cx_nlp.spans.pipeline import load_nlp; load_nlp(); print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
