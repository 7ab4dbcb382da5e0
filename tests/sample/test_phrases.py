"""The phrase banks: whole, and not the taxonomies' own words."""

import json
import random
import string
from pathlib import Path

import pytest

from cx_nlp.sample import generate, load_facts, world
from cx_nlp.sample.phrases import bank, emotions, moods, phrases, theme_names
from cx_nlp.sample.text import _fill, comment, story
from cx_nlp.themes import analyse, load_taxonomies

CONFIGS = Path(__file__).parents[2] / "configs"
FACTS = load_facts(CONFIGS / "sample" / "facts.yaml")
PLANTED = sorted({fact.scope.theme for fact in FACTS if fact.scope.theme})


@pytest.fixture(scope="module")
def unmatched():
    """texts -> flags: no pattern of the general taxonomy fits; the shop's own knows its themes, as it should.

    A taxonomy of restaurants knows kitchens and families: that it meets such words here says nothing of the planted themes.
    """
    taxonomy = load_taxonomies(["general"])

    def check(texts: list[str]) -> list[bool]:
        return [not any(mention.themes for mention in spans.mentions) for spans in analyse(texts, taxonomy)]

    return check


def test_at_least_half_of_the_planted_phrasings_match_no_pattern(unmatched):
    dice = random.Random(1)
    share = {}
    for theme in PLANTED:
        entry = bank("themes")[theme]
        told = [phrase for how, items in entry.items() if how != "always" for phrase in items]
        told += bank("staff")["employee"][theme]
        flags = unmatched([_sentence(_fill(dice, phrase)) for phrase in told])
        share[theme] = sum(flags) / len(flags)
        assert 0.5 <= share[theme] < 1.0, (theme, share[theme], "some phrases a taxonomy must find, half it must not")
    assert len(share) == 8


def test_at_least_half_of_the_planted_phrases_drawn_match_no_pattern(unmatched):
    truth = generate(seed=3, rows=1200, facts=FACTS).truth
    english = truth[truth["language"] == "en"]
    told = [phrase for said in english["phrases"] for theme, phrase in json.loads(said) if theme in PLANTED]
    flags = unmatched([_sentence(phrase) for phrase in told])
    assert len(flags) > 500
    assert sum(flags) / len(flags) >= 0.5


def _sentence(phrase: str) -> str:
    return phrase[0].upper() + phrase[1:] + "."


def test_banks_are_whole():
    names = theme_names()
    assert list(bank("staff")["employee"]) == list(names)
    assert set(bank("moods")["emotions"]) == {*world.NEGATIVE_EMOTIONS, *world.POSITIVE_EMOTIONS}
    for role in ("customer", "employee", "leader"):
        assert all(moods(tone, role=role) for tone in world.TONES)
    for language, entry in bank("abroad").items():
        assert set(entry["themes"]) == set(names), language
        assert set(entry["emotions"]) == set(bank("moods")["emotions"]), language
        assert set(entry["moods"]) == set(world.TONES), language
    assert {"en", *bank("abroad")} == set(world.LANGUAGES)
    for theme, entry in bank("themes").items():
        if "always" in entry:
            assert len(entry[entry["always"]]) >= 15, theme


def test_phrases_fill_and_are_single_sentences():
    slots = {"product", "weekday", "store", "times", "days", "minutes", "touchpoint"}
    for name in ("themes", "staff", "moods", "abroad"):
        for phrase in _leaves(bank(name)):
            assert phrase == phrase.strip()
            assert not phrase.endswith("."), phrase
            assert {field for _, field, _, _ in string.Formatter().parse(phrase) if field} <= slots, phrase
    assert "{" not in _fill(random.Random(1), "{product} {weekday} {store} {times} {days} {minutes} {touchpoint}")


def _leaves(node):
    if isinstance(node, str):
        yield node
    else:
        for item in node.values() if isinstance(node, dict) else node:
            yield from _leaves(item)


@pytest.mark.parametrize("language", world.LANGUAGES)
@pytest.mark.parametrize("tone", world.TONES)
def test_a_comment_names_each_theme_once_in_every_language_and_tone(language, tone):
    dice = random.Random(7)
    for emotion in (None, "anger", "gratitude"):
        text, said = comment(
            dice, theme_names(), tone=tone, emotion=emotion, role="customer", language=language, touchpoint="use",
            product="rug",
        )  # fmt: skip
        assert [theme for theme, _ in said] == list(theme_names())
        assert len(text) > 200
    assert comment(
        dice, [], tone=tone, emotion=None, role="customer", language=language, touchpoint="buy", product="rug"
    )[0].strip()


def test_leaders_name_no_theme_and_employees_speak_their_own_words():
    assert phrases("hinge-fault", "negative", role="employee") != phrases("hinge-fault", "negative")
    assert emotions("anger", language="de") == ["ich bin stinksauer"]


def test_stories_are_as_long_as_asked_and_name_nothing(unmatched):
    text = story(random.Random(1), 1000)
    assert 1000 <= len(text.split()) < 1030
    with pytest.raises(KeyError):
        bank("abroad")["it"]
