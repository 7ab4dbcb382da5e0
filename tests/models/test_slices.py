"""Slices select what they say, on texts written for it."""

import numpy as np
import pytest

pytest.importorskip("emoji", reason="the training extra is not installed")

from models.recipes.slices import TYPOS, masks, rules, slice_figures, with_typos

TEXTS = {
    "The parcel arrived on Monday": set(),
    "I did not like it": {"negation"},
    "It doesn’t work and nobody answers": {"negation"},
    "dont bother": {"negation"},
    "a notable knot in the nothingness": set(),
    "great 😍": {"emoji"},
    "so good :)": {"emoticon"},
    "see 3:15 (or 4:30)": set(),
    "Yeah, right. Thanks for nothing!": {"sarcasm markers", "negation"},
    "what a 'great' service": {"sarcasm markers"},
    "it was great, and 'we' agreed": set(),
    "love waiting #sarcasm": {"sarcasm markers"},
    "oh great, late again": {"sarcasm markers"},
    "Would you come back?": {"question"},
    "WORST place ever": {"ALL CAPS"},
    "[NAME] sent it to [EMAIL] in the UK": set(),
    "THE END?": {"ALL CAPS", "question"},
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_in_the_slices_it_should_be_in(text):
    found = masks([text], [12])
    assert {name for name, mask in found.items() if mask[0]} == TEXTS[text] | {"all", "medium"}


def test_lengths_divide_all_texts():
    found = masks(["a"] * 5, [0, 9, 10, 25, 26])
    assert found["short"].tolist() == [True, True, False, False, False]
    assert found["medium"].tolist() == [False, False, True, True, False]
    assert found["long"].tolist() == [False, False, False, False, True]


def test_figures_are_of_the_slice_alone_and_null_below_twenty():
    texts = ["I did not like it"] * 25 + ["fine"] * 50 + ["really?"] * 5
    right = np.array([False] * 25 + [True] * 55)
    found = slice_figures(texts, [5] * 80, right)
    assert found["negation"]["value"] == 0 and found["negation"]["n"] == 25
    assert found["all"]["value"] == pytest.approx(55 / 80) and found["short"] == found["all"]
    assert found["question"] == {"value": None, "ci": None, "n": 5, "reason": "5 rows, fewer than 20"}
    assert set(found) | {TYPOS} == set(rules()) and all(rules().values())


def test_typos_change_letters_and_leave_the_rest():
    texts = ["the delivery arrived late " * 10, "a b c", "lovely"]
    changed = with_typos(texts, rng=np.random.default_rng(0))
    assert changed[1] == "a b c" and changed[2] != "lovely"
    words = zip(texts[0].split(), changed[0].split(), strict=True)
    assert 1 <= sum(a != b for a, b in words) <= 4
