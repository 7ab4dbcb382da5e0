"""The figures of the benchmark on what can be counted by hand."""

import numpy as np
import pytest

from models.recipes import benchmark_mentions


def test_figures_of_spans():
    found, terms = [{(0, 3), (4, 8)}, set()] * 30, [{(0, 3)}, {(1, 2)}] * 30
    figures = benchmark_mentions.term_figures(found, terms, rng=np.random.default_rng(0))
    assert {name: one["value"] for name, one in figures.items()} == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert figures["f1"]["n"] == 60 and figures["f1"]["ci"][0] < 0.5 < figures["f1"]["ci"][1]


def test_new_words_leave_nothing_behind():
    grown = benchmark_mentions.memory(600)
    assert grown["mentions"] >= 600
    assert grown["strings"] == 0 and grown["lexemes"] == 0


def test_sides_need_both_labels(data_root):
    pairs = benchmark_mentions.joined_pairs(data_root, rows=50, rng=np.random.default_rng(1))
    assert set(pairs["label"]) == {0, 2} and (pairs.groupby("text").size() == 2).all()
    assert all(row.text[row.start : row.end] for row in pairs.itertuples())


def test_processor_time_of_work():
    from models.recipes.spacy_share import seconds

    assert seconds(lambda: sum(range(3_000_000))) > seconds(lambda: None) >= 0
    with pytest.raises(ZeroDivisionError):
        seconds(lambda: 1 / 0)
