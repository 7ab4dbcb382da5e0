"""The shipped taxonomy: it loads, its examples hold, and it finds what customers commonly say."""

from collections import Counter

import pytest

from cx_nlp.themes import analyse, load_taxonomies


@pytest.fixture(scope="module")
def general():
    return load_taxonomies(["general"])  # runs the examples of the file


def themes_of(text: str, taxonomy) -> set[str]:
    return {h.theme_id.partition("/")[2] for m in next(analyse([text], taxonomy)).mentions for h in m.themes}


def test_every_theme_has_an_owner_patterns_seeds_and_an_example(general):
    assert general.version.startswith("general-2+")
    for theme in general.themes:
        assert theme.owner and theme.patterns and theme.seeds and theme.examples, theme.theme_id
    assert len(general.themes) >= 35
    parents = Counter(theme.parent_theme_id for theme in general.themes if theme.parent_theme_id)
    assert len(parents) >= 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The staff were lovely but the wait was far too long.", {"staff", "waiting"}),
        ("I was charged twice and nobody will refund me.", {"overcharging", "refunds"}),
        ("The app keeps crashing since the last update.", {"app", "bugs"}),
        ("I can't log in and the chatbot is useless.", {"account_login", "bot"}),
        ("No parking, and the toilets were filthy.", {"parking_access", "cleanliness"}),
        ("My appointment was cancelled at short notice.", {"rescheduling", "updates"}),
        ("The nurse was kind and gave me pain relief before my discharge.",
         {"staff_empathy", "medication_pain", "discharge_aftercare"}),
        ("Great value for money and excellent quality.", {"value", "product_quality"}),
        ("I like turtles.", set()),
    ],
)  # fmt: skip
def test_common_complaints_and_praise(general, text, expected):
    assert themes_of(text, general) >= expected
    assert expected or not themes_of(text, general)


def test_most_real_comments_speak_of_a_theme(general, data_root):
    import pandas as pd

    from cx_nlp.clean import clean_text

    rows = pd.read_csv(data_root / "feedback" / "nhs_patient_feedback.csv", dtype=str)["FFT answer"].dropna()
    texts = [clean_text(text) for text in rows[rows != "Did not answer"].drop_duplicates().iloc[::20]]
    found = list(analyse(texts, general))
    assert len(texts) > 100
    with_theme = sum(any(m.themes for m in spans.mentions) for spans in found)
    assert with_theme / len(texts) > 0.7
