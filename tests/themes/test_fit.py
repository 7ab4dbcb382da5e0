"""Themes learned from labelled comments: the file, the folder, and the figures."""

import csv
import json
import shutil

import numpy as np
import pytest

from cx_nlp.errors import ModelError, SourceError, UnknownName, UsageError
from cx_nlp.score.model import load_model
from cx_nlp.score.predict import Predictor
from cx_nlp.themes import fit, fitted
from tests import tiny_model

PLACES = ("at the counter", "in the shop", "on the phone", "near the door", "at home", "by the till")


SAID = [
    "It was visit 91 and the bus stop was far at the gate",
    "It was visit 92 and somebody was rude at the gate",
    "It was visit 93 and the car park was far and somebody was rude at the gate",
    "It was visit 94 at the gate",
]
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def rows(n=60):
    """ "car" or "bus" makes transport, "rude" makes staff, "seldom" is too rare to learn."""
    out = []
    for i in range(n):
        place, words, labels = PLACES[i // 3 % len(PLACES)], [f"It was visit {i}"], []
        if i % 3 == 0:
            words.append(f"the {'car park' if i % 2 else 'bus stop'} was far")
            labels.append("Transport & parking")
        if i % 4 == 0:
            words.append("somebody was rude")
            labels.append("staff")
        if i == 1:
            labels.append("seldom")
        out.append((f"{' and '.join(words)} {place}", "|".join(labels)))
    return out


def write(path, its, header=("text", "labels")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *its])
    return path


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    where = tmp_path_factory.mktemp("fit")
    fit.fit_file(write(where / "labels.csv", rows()), name="shop", output=where / "shop", model=str(tiny), threads=1)
    return where / "shop"


def settings(folder):
    return json.loads((folder / "fitted.json").read_text())


def test_what_was_learned_is_found_in_other_comments(folder, tiny):
    predictor = Predictor.load(str(tiny), threads=1)
    one = fitted.load_fitted(folder, model=predictor.model)
    texts = SAID
    assert one.predict(texts, predictor.document_means(texts)) == [
        ["fit/shop/Transport-parking"],
        ["fit/shop/staff"],
        ["fit/shop/Transport-parking", "fit/shop/staff"],
        [],
    ]
    assert one.predict([], np.zeros((0, tiny_model.HIDDEN), dtype=np.float32)) == []


def test_a_text_without_letters_or_known_words_gets_a_probability_too(folder, tiny):
    one = fitted.load_fitted(folder)
    p = one.probabilities(["", "12345", "zyx"], np.zeros((3, tiny_model.HIDDEN), dtype=np.float32))
    assert p.shape == (3, 2) and ((p >= 0) & (p <= 1)).all()


def test_figures_are_of_unseen_rows_with_their_intervals(folder):
    held = settings(folder)
    report = held["cross_validated"]
    assert report["n"] == held["rows"] == 60
    assert report["labels"] == held["labels"] == ["Transport & parking", "staff"]
    assert report["micro_f1"] > 0.9 and report["ci"]["micro_f1"][0] <= report["micro_f1"]
    assert held["left_out"] == {"seldom": 1} and "seldom (1)" in report["notes"]["left out"]


def test_labels_without_a_reason_are_not_met(tiny, tmp_path):
    """A figure on training rows would be near 1 here: 60 texts, each with words of its own."""
    rng = np.random.default_rng(3)
    noise = [
        (" ".join(rng.permutation(WORDS)[:5]), "a" if rng.random() < 0.3 else "")
        for _ in range(80)
    ]  # fmt: skip
    report = fit.fit_file(write(tmp_path / "l.csv", noise), name="n", output=tmp_path / "n", model=str(tiny), threads=1)
    assert report["micro_f1"] is None or report["micro_f1"] < 0.65


def test_the_same_file_gives_the_same_bytes(folder, tiny, tmp_path):
    fit.fit_file(write(tmp_path / "labels.csv", rows()), name="shop", output=tmp_path / "x", model=str(tiny), threads=1)
    for name in ("fitted.json", "fitted.safetensors"):
        assert (tmp_path / "x" / name).read_bytes() == (folder / name).read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["fitted.json", "fitted.safetensors"]


def test_the_folder_holds_no_word_of_one_or_two_customers(folder):
    grams = settings(folder)["grams"]["words"]
    assert "rude" in grams and "bus stop" in grams
    everything = [set(fitted.word_grams(text)) for text, _ in rows()]
    assert all(sum(gram in its for its in everything) >= 3 for gram in grams)


def test_a_fit_on_another_model_is_refused_in_one_line(folder, tiny, tmp_path):
    other = shutil.copytree(tiny, tmp_path / "other")
    tiny_model.write_settings(other, name="another")
    with pytest.raises(ModelError, match=r"was fitted on tiny@\w{12}, the model is another@\w{12}: fit again"):
        fitted.load_fitted(folder, model=load_model(str(other)))


@pytest.mark.parametrize(
    ("break_", "said"),
    [
        (lambda f: (f / "fitted.safetensors").write_bytes(b"x"), "cut short or swapped"),
        (lambda f: (f / "fitted.safetensors").unlink(), "fitted.safetensors is missing"),
        (lambda f: (f / "fitted.json").write_text("{"), "not readable"),
        (lambda f: (f / "fitted.json").write_text("[]"), "expected a JSON object"),
        (lambda f: (f / "fitted.json").write_text("{}"), "lacks or misnames 'format'"),
        (lambda f: (f / "fitted.json").unlink(), "no fitted.json"),
        (lambda f: (f / "fitted.json").write_text(json.dumps(settings(f) | {"format": 0})), "fit again"),
        (
            lambda f: (f / "fitted.json").write_text(
                json.dumps(settings(f) | {"grams": {"words": ["a"], "characters": []}})
            ),
            "shape",
        ),
    ],
)
def test_a_broken_folder_is_named(folder, tmp_path, break_, said):
    copy = shutil.copytree(folder, tmp_path / "copy")
    break_(copy)
    with pytest.raises(ModelError, match=said) as error:
        fitted.load_fitted(copy)
    assert "\n" not in str(error.value)


FEW = [(f"visit number {i} was fine", "a") for i in range(12)]


@pytest.mark.parametrize(
    ("its", "said"),
    [
        ([], "no rows"),
        (rows()[:1], "1 different texts, expected at least 20"),
        (FEW * 3, "12 different texts, expected at least 20"),
        ([(text, "") for text, _ in rows()], "no row has a label"),
        ([(text, "all") for text, _ in rows()], "none of 1 labels has 5 different texts with it and as many without"),
        ([(text, "few" if i < 4 else "") for i, (text, _) in enumerate(rows())], "the most frequent one has 4 of 60"),
        (
            [(f"Der Service war sehr schlecht und niemand hat mir geholfen {i}", "a") for i in range(30)],
            "30 rows are not en",
        ),
        ([(text, "a b" if i % 2 else "a-b") for i, (text, _) in enumerate(rows())], "would give the same theme id"),
    ],
)
def test_what_cannot_be_learned_from_is_said_in_one_line_and_writes_nothing(tiny, tmp_path, its, said):
    with pytest.raises(SourceError, match=said) as error:
        fit.fit_file(write(tmp_path / "l.csv", its), name="n", output=tmp_path / "n", model=str(tiny), threads=1)
    assert "\n" not in str(error.value) and not (tmp_path / "n").exists()


def test_wrong_usage(tiny, tmp_path):
    path = write(tmp_path / "l.csv", rows(), header=("text", "theme"))
    with pytest.raises(SourceError, match="no column 'labels'"):
        fit.fit_file(path, name="n", output=tmp_path / "n", model=str(tiny))
    with pytest.raises(UsageError, match="--name 'a/b'"):
        fit.fit_file(path, name="a/b", output=tmp_path / "n", model=str(tiny))
    with pytest.raises(UsageError, match="was not written by"):
        fit.fit_file(path, name="n", output=tmp_path, model=str(tiny))
    with pytest.raises(UnknownName, match="did you mean 'staff'"):
        fit.fit_file(
            write(tmp_path / "ok.csv", rows()), name="n", output=tmp_path / "n", model=str(tiny), owners={"staf": "HR"}
        )


def test_labels_are_one_but_for_case_and_spaces():
    texts = [f"text number {i} of many" for i in range(40)]
    found = fit.usable(
        texts, ["Wait" if i % 2 else " wait |  WAIT" if i % 4 else "" for i in range(40)], languages=["en"]
    )
    assert found.labels == ("Wait",) or found.labels == ("wait",)
    assert found.truth.sum() == 30


def test_owners_reach_the_dimension(tiny, tmp_path):
    fit.fit_file(
        write(tmp_path / "l.csv", rows()), name="n", output=tmp_path / "n", model=str(tiny), threads=1,
        known={"staff": "Front of house"}, owners={"Transport & parking": "Facilities"},
    )  # fmt: skip
    assert fitted.load_fitted(tmp_path / "n").rows() == [
        {"theme_id": "fit/n/Transport-parking", "theme": "Transport & parking", "parent_theme_id": None, "kind": "fitted", "owner": "Facilities"},
        {"theme_id": "fit/n/staff", "theme": "staff", "parent_theme_id": None, "kind": "fitted", "owner": "Front of house"},
    ]  # fmt: skip
