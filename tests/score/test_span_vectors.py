"""Which vector belongs to which span, with a tiny model."""

import numpy as np
import pytest

from cx_nlp.score import heads
from cx_nlp.score.encoder import Encoder
from cx_nlp.score.model import load_model
from cx_nlp.score.span_vectors import aspects, judged_spans, span_vectors
from cx_nlp.spans import Mention, Sentence, Spans

TEXTS = ["The staff were lovely but the wait was awful.", "", "Good."]
FOUND = [
    Spans(
        (Sentence(0, 45),),
        (Mention(4, 9, "staff", 0, "lovely", False), Mention(30, 34, "wait", 0, "awful", False)),
        (Sentence(0, 21), Sentence(22, 45)),
    ),
    Spans((), ()),
    Spans((Sentence(0, 5),), ()),
]


@pytest.fixture(scope="module")
def encoder(tiny):
    return Encoder(load_model(str(tiny)), threads=1)


def test_each_span_has_the_mean_of_its_own_tokens(encoder):
    read = span_vectors(encoder, TEXTS, FOUND)
    assert [v.of_text.tolist() for v in (read.documents, read.sentences, read.clauses, read.mentions)] == [
        [1, 1, 1], [1, 0, 1], [2, 0, 0], [2, 0, 0]
    ]  # fmt: skip
    alone = encoder.span_means(TEXTS[:1], [[(22, 45), (30, 34)]])[0]
    assert np.array_equal(read.clauses.means[1], alone.means[1]) and read.clauses.n_tokens[1] == alone.counts[1]
    assert np.array_equal(read.mentions.means[1], alone.means[2])
    assert [rows.tolist() for rows in read.clauses.split(np.arange(2))] == [[0, 1], [], []]
    assert len(read.n_windows) == 3


def test_no_text_has_no_vector(encoder):
    read = span_vectors(encoder, [], [])
    assert read.mentions.means.shape == (0, encoder.model.hidden)
    assert list(judged_spans(encoder.model, read, np.zeros((0, 3)), np.zeros((0, 3)))) == []


def test_sides_of_a_text_are_its_sentences_and_its_other_spans(encoder):
    read = span_vectors(encoder, TEXTS, FOUND)
    of_sentences, of_mentions = np.full((2, 3), 0.1), aspects(encoder.model, read)
    sides = list(judged_spans(encoder.model, read, of_sentences, of_mentions))
    assert [(len(a), len(b)) for a, b in sides] == [(1, 4), (0, 0), (1, 0)]
    clauses = heads.aspect(encoder.model, read.clauses.means, read.documents.means[[0, 0]])
    assert np.array_equal(sides[0][1], np.concatenate([clauses, of_mentions]))
