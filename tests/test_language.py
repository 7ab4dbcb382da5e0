import csv

import pandas as pd
import pytest

from cx_nlp.clean import PLACEHOLDERS, clean_text
from cx_nlp.language import LANGUAGES, detect
from tests.conftest import ROOT

FOREIGN = pd.read_csv(ROOT / "tests" / "data" / "other_languages.tsv", sep="\t", quoting=csv.QUOTE_NONE)
ENGLISH = (ROOT / "tests" / "data" / "english.txt").read_text(encoding="utf-8").splitlines()


def test_english_is_not_taken_for_anything_else():
    # Written for this test: short answers, slang, shouting, foreign names and dishes.
    assert len(ENGLISH) >= 80
    assert {text: detect(clean_text(text)) for text in ENGLISH if detect(clean_text(text)) != "en"} == {}


def test_sentences_in_twelve_languages_are_told_apart():
    found = pd.Series([detect(clean_text(text)) for text in FOREIGN["text"]])
    assert set(FOREIGN["lang"]) == {"es", "fr", "de", "it", "pl", "pt", "nl", "tr", "ar", "zh", "ru", "hi"}
    assert len(FOREIGN) >= 40
    assert (found == FOREIGN["lang"]).mean() >= 0.9
    assert (found != "en").mean() >= 0.97


@pytest.mark.parametrize(
    "text", ["", "ok", "None.", "No", "n/a", "Muy malo", "很好", "???", "😡", "123", "12.50 10/10"]
)
@pytest.mark.parametrize("default", ["en", "fr"])
def test_too_little_to_tell_is_the_default(text, default):
    assert detect(text, default) == default


def test_the_default_has_to_be_overcome_whatever_it_is():
    french = "Le colis est arrivé abîmé et le service client ne répond pas."
    assert detect(french, "en") == detect(french, "fr") == "fr"
    assert detect("The parcel came late and nobody told me why.", "fr") == "en"
    # A default that the model does not know is overcome by any other language, but not without letters.
    assert detect("The parcel came late and nobody told me why.", "tlh") == "en"
    assert detect("12", "tlh") == "tlh"


@pytest.mark.parametrize("text", [*FOREIGN["text"][::7], "The staff were lovely but slow", "Nada", ""])
def test_placeholders_say_nothing(text):
    assert detect(" ".join([text, *PLACEHOLDERS, *PLACEHOLDERS])) == detect(text)


def test_long_texts_and_odd_characters():
    assert detect("word salad of the day " * 10_000) == "en"
    assert detect("\ufffd\ufffd \u200d" * 50) == "en"
    assert detect("ПРИЛОЖЕНИЕ ПОСТОЯННО ЗАКРЫВАЕТСЯ ПРИ ОПЛАТЕ") == "ru"


def test_languages_are_two_letters_once():
    assert len(set(LANGUAGES)) == len(LANGUAGES)
    assert all(len(code) == 2 for code in LANGUAGES)


@pytest.mark.parametrize("name", ["nhs", "goemotions"])
def test_real_english_is_rarely_foreign(data_root, name):
    if name == "nhs":
        frame = pd.read_csv(data_root / "feedback" / "nhs_patient_feedback.csv", dtype=str, keep_default_na=False)
        texts = frame["FFT answer"][lambda s: ~s.str.strip().str.casefold().isin(["", "did not answer"])]
    else:
        path = data_root / "emotion" / "goemotions" / "dev.tsv"
        texts = pd.read_csv(path, sep="\t", header=None, quoting=csv.QUOTE_NONE, keep_default_na=False)[0]
    foreign = [text for text in map(clean_text, texts.iloc[::2]) if detect(text) != "en"]
    assert len(foreign) < 0.003 * len(texts) / 2, foreign
