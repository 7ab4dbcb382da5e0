"""Template sentences: every slot can be filled, targets are shares, offsets hold, no side is favoured."""

import re

import numpy as np
import pandas as pd
import pytest

from cx_nlp.clean import clean_text
from models.recipes import lessons as module
from models.recipes.lessons import aspect_lessons, fill, lessons

TARGET = ["p_negative", "p_neutral", "p_positive"]
TABLE = module._lessons()


@pytest.fixture(scope="module")
def frame():
    return lessons(12000, rng=np.random.default_rng(0))


@pytest.mark.parametrize("kind", TABLE["kinds"])
def test_every_template_of_a_kind_can_be_filled(kind):
    rng = np.random.default_rng(1)
    blocks = TABLE["kinds"][kind]
    assert set(blocks) <= set(TABLE["targets"]) and set(TABLE["shares"].get(kind, {})) <= set(blocks)
    for block in blocks.values():
        assert len(block.splitlines()) >= 12
        assert not [text for text in (fill(line, rng=rng) for line in block.splitlines()) if re.search(r"[{}]", text)]


@pytest.mark.parametrize("name", TABLE["words"])
def test_every_word_is_text_and_can_be_filled(name):
    words = TABLE["words"][name]
    words = words.splitlines() if isinstance(words, str) else words
    assert all(isinstance(word, str) for word in words) and len(set(words)) == len(words)
    assert not [word for word in words if re.search(r"[{}]", fill(word, rng=np.random.default_rng(2)))]


@pytest.mark.parametrize("name", TABLE["pairs"])
def test_a_pair_has_distinct_words_on_both_sides_and_none_on_both(name):
    sides = TABLE["pairs"][name]
    assert set(sides) == {"positive", "negative"} and not set(sides["positive"]) & set(sides["negative"])
    for words in sides.values():
        assert len(set(words)) == len(words) and all(isinstance(word, str) for word in words)
        assert not [word for word in words if re.search(r"[{}]", fill(word, rng=np.random.default_rng(6)))]
    ratio = len(sides["positive"]) / len(sides["negative"])
    assert 0.7 < ratio < 1.4, "one side is worded more richly"


def test_a_mirrored_block_turns_round_for_the_other_side():
    block = TABLE["mirrored"]["change"]["positive negative"].splitlines()
    at = block.index("{adj.other} {earlier}, {adj.same} {today}")
    for side, line in (
        ("positive", "{adj.negative} {earlier}, {adj.positive} {today}"),
        ("negative", "{adj.positive} {earlier}, {adj.negative} {today}"),
    ):
        lines = TABLE["kinds"]["change"][side].splitlines()
        assert lines[at - len(block)] == line and not re.search(r"\.(?:same|other)}", "".join(lines))


def test_texts_are_clean_distinct_and_carry_shares(frame):
    assert list(frame) == ["text", *TARGET, "kind"] and len(frame) == 12000
    assert np.allclose(frame[TARGET].sum(axis=1), 1) and (frame[TARGET] >= 0).all(axis=None)
    assert frame["text"].nunique() > 0.95 * len(frame)
    assert (frame["text"] != "").all()
    assert [clean_text(text) for text in frame["text"].head(500)] == frame["text"].head(500).tolist()


def test_no_text_is_taught_with_two_opposite_labels(frame):
    side = frame.assign(side=np.sign(frame["p_positive"] - frame["p_negative"]), text=frame["text"].str.lower())
    decided = side[side["side"].abs() > 0]
    decided = decided[decided[["p_negative", "p_positive"]].max(axis=1) > 0.45]
    assert (decided.groupby("text")["side"].nunique() == 1).all()


def test_kinds_are_drawn_evenly_and_labels_balance(frame):
    counts = frame["kind"].value_counts()
    assert len(counts) == 21 and counts.max() - counts.min() <= 1
    assert np.allclose(frame[TARGET].mean(), [0.35, 0.33, 0.32], atol=0.025)


@pytest.mark.parametrize(
    "kind", ["expectation", "change", "comparison", "other_opinion", "question_answer", "contrast", "overall"]
)
def test_a_kind_that_turns_a_label_round_favours_no_side(frame, kind):
    means = frame.loc[frame["kind"] == kind, TARGET].mean()
    assert abs(means["p_negative"] - means["p_positive"]) < 0.1


@pytest.mark.parametrize("word", ["not|n't|nt|no|never|nothing", "but", "used to", "yes", "although|though"])
def test_no_cue_is_a_shortcut_to_a_label(frame, word):
    hits = frame[
        frame["text"].str.contains(rf"(?i)\b(?:{word})\b|\w(?:n't|nt)\b" if "n't" in word else rf"(?i)\b(?:{word})\b")
    ]
    assert len(hits) > 50
    assert abs(hits["p_negative"].mean() - hits["p_positive"].mean()) < 0.2


def test_a_stronger_word_has_a_stronger_target():
    targets = TABLE["targets"]
    for end, side in ((0, "negative"), (2, "positive")):
        steps = [targets[f"{step}_{side}"][end] for step in ("weak", "middling", "strong", "strongest")]
        assert steps == sorted(set(steps))


def test_the_article_fits_the_word():
    text = " ".join(lessons(3000, rng=np.random.default_rng(3))["text"]).lower()
    assert not re.search(r"\ba (?:excellent|awful|amazing|irish|indian|optional|impressive)\b", text)
    assert not re.search(r"\ban (?:good|useless|poor|ukrainian|useful)\b", text)
    assert re.search(r"\ban (?:excellent|awful|amazing)\b", text)


def test_a_seed_decides_the_draw_and_no_rows_give_an_empty_frame():
    first, again = (lessons(50, rng=np.random.default_rng(4)) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert lessons(0, rng=np.random.default_rng(0)).empty
    empty = aspect_lessons(0, rng=np.random.default_rng(0))
    assert empty.empty and list(empty) == ["text", "start", "end", "label"]


def test_mentions_lie_where_they_are_said_to_lie():
    frame = aspect_lessons(1500, rng=np.random.default_rng(5))
    assert len(frame) == 1500
    words = TABLE["words"]
    nouns = {noun.lower() for name in ("thing", "things", "person", "people") for noun in words[name]}
    assert all(text[start:end].lower() in nouns for text, start, end, _ in frame.itertuples(index=False))
    assert not frame["text"].str.contains(r"[\[\]]").any()
    assert np.allclose(frame["label"].value_counts(normalize=True), 1 / 3, atol=0.04)
    labels = frame.groupby("text")["label"]
    assert (labels.nunique() > 1).mean() > 0.7 and labels.size().max() == 3


def test_a_later_kind_is_drawn_only_by_name(frame):
    assert TABLE["later"] == ["rivals", "superlative", "denied"] and not set(TABLE["later"]) & set(frame["kind"])
    named = lessons(200, rng=np.random.default_rng(4), kinds=["rivals", "superlative"])
    assert named["kind"].value_counts().to_dict() == {"rivals": 100, "superlative": 100}
    with pytest.raises(KeyError, match="nonsense"):
        lessons(1, rng=np.random.default_rng(4), kinds=["nonsense"])


def test_no_lesson_says_what_a_behaviour_test_asks():
    from models.recipes import behaviour
    from models.recipes.templates import load_tests

    drawn = behaviour.draw(load_tests(behaviour.TESTS), rng=np.random.default_rng(0))
    asked = [case for its in drawn.values() for case in its]
    rng = np.random.default_rng(1)
    taught = [*lessons(15_000, rng=rng)["text"], *lessons(5_000, rng=rng, kinds=TABLE["later"])["text"]]
    assert len(asked) > 5_000 and behaviour.overlap(asked, taught) == 0.0
