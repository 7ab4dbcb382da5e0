"""Labelled sets: read through `datasets` from files, from the hub where there is none, and one line where neither is there."""

import pandas as pd
import pytest

pytest.importorskip("datasets", reason="the training extra is not installed")

from datasets import Dataset

from models.recipes import data, sets


def test_a_file_holds_its_split_only(tmp_path):
    (tmp_path / "sentiment").mkdir()
    frame = pd.DataFrame({"text": ["a", "b", "c"], "label": ["negative", "neutral", "positive"]})
    frame.assign(split=["train", "dev", "train"]).to_parquet(tmp_path / "sentiment/semeval2017.parquet")
    assert sets.load("semeval2017", "train", tmp_path)["text"][:] == ["a", "c"]
    assert sets.load("semeval2017", "dev", tmp_path)["text"][:] == ["b"]


def test_quotes_and_na_in_a_tsv_are_text(tmp_path):
    (tmp_path / "emotion/goemotions").mkdir(parents=True)
    (tmp_path / "emotion/goemotions/dev.tsv").write_text('"quoted\t0,27\tx1\nNA\t3\tx2\nnull\t4\tx3\n')
    found = sets.load("goemotions", "dev", tmp_path)
    assert found["text"][:] == ['"quoted', "NA", "null"]
    assert found["labels"][:] == [[0, 27], [3], [4]]


def test_terms_of_a_sentence_keep_their_offsets(tmp_path):
    (tmp_path / "aspect/mams-atsa").mkdir(parents=True)
    (tmp_path / "aspect/mams-atsa/val.xml").write_text(
        "<sentences><sentence><text>The soup &amp; bread were fine</text><aspectTerms>"
        '<aspectTerm from="4" to="8" polarity="positive" term="soup"/>'
        '<aspectTerm from="11" to="16" polarity="neutral" term="wrong"/>'
        "</aspectTerms></sentence></sentences>"
    )
    found = data.aspect(tmp_path, "dev")
    assert found.to_dict("records") == [{"text": "The soup & bread were fine", "start": 4, "end": 8, "label": 2}]
    assert found.attrs["dropped"] == 1, "a term that is not where its offsets say"


def test_the_hub_takes_the_place_of_a_missing_file(tmp_path, monkeypatch):
    asked = []

    def hub(name, configuration, split):
        asked.append((name, configuration, split))
        return Dataset.from_list([{"text": "fine", "label": 2, "more": 1}])

    monkeypatch.setattr(sets, "load_dataset", hub)
    found = sets.load("semeval2017", "dev", tmp_path)
    assert asked == [("cardiffnlp/tweet_eval", "sentiment", "validation")]
    assert found.to_list() == [{"text": "fine", "label": "positive"}]


def test_a_set_that_is_nowhere_is_one_line(tmp_path, monkeypatch):
    def offline(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(sets, "load_dataset", offline)
    for name, split in (("goemotions", "test"), ("mams-atsa", "dev")):
        with pytest.raises(SystemExit, match=f"no data set {name}: no file .*(ConnectionError|no copy)") as caught:
            sets.load(name, split, tmp_path)
        assert "\n" not in str(caught.value)
