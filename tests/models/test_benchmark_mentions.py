"""The figures of the benchmark on what can be counted by hand."""

import numpy as np
import pandas as pd
import pytest

from models.recipes import benchmark_mentions, data


def test_figures_of_spans():
    found, terms = [{(0, 3), (4, 8)}, set()] * 30, [{(0, 3)}, {(1, 2)}] * 30
    figures = benchmark_mentions.term_figures(found, terms, rng=np.random.default_rng(0))
    assert {name: one["value"] for name, one in figures.items()} == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert figures["f1"]["n"] == 60 and figures["f1"]["ci"][0] < 0.5 < figures["f1"]["ci"][1]


def test_new_words_leave_nothing_behind():
    grown = benchmark_mentions.memory(300)
    assert grown["mentions"] >= 300
    assert grown["strings"] == 0 and grown["lexemes"] == 0


def test_pairs_are_of_clear_texts_and_each_side_is_its_own_text():
    texts = {f"{word} text number {i}": label for i in range(20) for label, word in enumerate(("bad", "plain", "good"))}
    dev = pd.DataFrame({"text": list(texts), "label": list(texts.values())})
    pairs = data.joined_pairs(dev, rows=50, rng=np.random.default_rng(1))
    assert set(pairs["label"]) == {0, 2} and (pairs.groupby("text").size() == 2).all()
    assert all(texts[row.text[row.start : row.end]] == row.label for row in pairs.itertuples())


def test_processor_time_of_work():
    from models.recipes.spacy_share import seconds

    assert seconds(lambda: sum(range(3_000_000))) > seconds(lambda: None) >= 0
    with pytest.raises(ZeroDivisionError):
        seconds(lambda: 1 / 0)
