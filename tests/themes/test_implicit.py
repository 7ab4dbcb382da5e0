"""Mentions that no noun names get their theme from the taxonomy's patterns, and are the words themselves."""

import pytest

from cx_nlp.themes import Taxonomy, Theme, analyse

THEMES = Taxonomy(
    "implicit-test",
    (
        Theme("t/price", "Price", patterns=("overpriced", "rip off")),
        Theme("t/wait", "Waiting", patterns=("wait", "take forever", "take ages")),
        Theme("t/staff", "Staff", patterns=("rude", "ignore")),
        Theme("t/ease", "Ease", patterns=("not find", "log in")),
    ),
)


@pytest.mark.parametrize(
    ("text", "mention", "theme", "is_negated"),
    [
        ("Completely overpriced!", "overpriced", "t/price", False),
        ("It took forever.", "took forever", "t/wait", False),
        ("We waited ages.", "waited ages", "t/wait", False),
        ("They were so rude to me.", "rude", "t/staff", False),
        ("I was ignored.", "ignored", "t/staff", False),
        ("I couldn't find it.", "couldn't find", "t/ease", True),
        ("I could not log in.", "log in", "t/ease", True),
    ],
)
def test_an_implicit_mention(text, mention, theme, is_negated):
    (found,) = [m for m in next(analyse([text], THEMES)).mentions if m.themes]
    assert (found.text, found.themes[0].theme_id, found.is_negated) == (mention, theme, is_negated)
    assert text[found.start : found.end] == mention


@pytest.mark.parametrize("text", ["It happened on 3 March.", "We came last Tuesday at 10 am.", "Sarah and Tom Baker."])
def test_names_of_persons_and_dates_are_none(text):
    assert next(analyse([text], THEMES)).mentions == ()


def test_a_person_is_cut_off_what_stands_before():
    found = next(analyse(["The receptionist Sarah was rude."], THEMES)).mentions
    assert "Sarah" not in " ".join(m.text for m in found)
