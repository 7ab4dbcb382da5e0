import hashlib
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cx_nlp.clean import PLACEHOLDERS, clean_text, is_readable, mask
from tests.nasty import NASTY, WORDS

# Fragments that rules start from, so that random texts meet the corners where rules set each other up.
FRAGMENTS = (
    "@", "a", "@a", "a@b.co", "&", "amp;", "lt;", "&lt;", "<br>", "<", ">", "#38;", ":", "::", "1", "0", "7700 900123",
    "+44", "(555) 123-4567", "4111 1111 1111 1111", "GB82WEST12345698765432", "1.1.1.1", "fe80::1", "www.", "http",
    "https://x.y/", "/", ".", " ", "\n", "\x00", "\u200b", "\u200d", "\ufeff", "é", "Ã©", "â€™", "Â", "\ud83d",
    "\ude00", "😀", "e\u0301", "[EMAIL]", "[", "]", "-", "'", "ﬁ", "\x1b[31m", "\u202e", "ｆ", "\u0130",
)  # fmt: skip
texts = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))


def test_nasty_texts_match_the_golden_file(golden):
    def short(text: str) -> object:
        if len(text) <= 500:
            return text
        return {"length": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest(), "end": text[-40:]}

    assert len(NASTY) >= 40
    golden("clean", {name: short(clean_text(text)) for name, text in NASTY.items()})


@settings(max_examples=400, deadline=None)
@given(texts)
@example("@a" * 40)
@example("&amp;" * 60 + "lt;")
@example("&\x00lt;")
@example("(555) 123-4567" * 20)
def test_cleaning_twice_changes_nothing(text):
    once = clean_text(text)
    assert clean_text(once) == once
    # What is stored must be one line of valid Unicode.
    once.encode("utf-8")
    assert once == once.strip() and not set(once) & set("\n\r\t\x00\u200b")


@pytest.mark.parametrize("name", sorted(NASTY))
def test_nasty_texts_are_stable_and_quick(name):
    start = time.perf_counter()
    once = clean_text(NASTY[name])
    assert time.perf_counter() - start < 2
    assert clean_text(once) == once


def test_ten_thousand_words_stay_ten_thousand():
    assert clean_text(NASTY["long"]).split() == [WORDS[i % len(WORDS)] for i in range(10_000)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jo\u200bhn@exam\u200bple.com", "write to [EMAIL]"),
        ("x" * 100 + "@example.com", "[EMAIL]"),
        ("j&#64;example.com", "[EMAIL]"),
        ("+44 7700 900123", "[PHONE]"),
        ("card 4111 1111 1111 1111.", "card [CARD]."),
        ("GB82 WEST 1234 5698 7654 32", "[IBAN]"),
        ("from 192.168.0.1, ok", "from [IP], ok"),
        ("see https://example.com/?q=1", "see [URL]"),
        ("thanks @ShopHelp", "thanks [NAME]"),
        ("@user@user hi", "[NAME][NAME] hi"),
    ],
)
def test_personal_data_is_masked(text, expected):
    assert clean_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a::b and std::cafe", "£49.99 of £1,234,567.89", "2026-03-04 at 12:30:45", "10/10, 24/7, 100%", "order 12345",
        "version 1.2.3", "Platform 9 3/4", "04/03/2026", "C-10042", "I waited 45 minutes — twice", "❤️ 👨‍👩‍👧‍👦",
    ],
)  # fmt: skip
def test_ordinary_text_is_left_alone(text):
    assert clean_text(text) == text


@pytest.mark.parametrize(("text", "is_ip"), [("dead::beef", False), ("a:b:c:d:e:f:a:b", True), ("fe80::1", True)])
def test_two_groups_of_letters_are_no_address(text, is_ip):
    assert (mask(text) == "[IP]") == is_ip


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", False), ("?!", False), ("12.50", False), ("😡", True), ("❤️", True), ("ok", True), ("好", True)]
    + [(placeholder, False) for placeholder in PLACEHOLDERS],
)
def test_is_readable(text, expected):
    assert is_readable(clean_text(text)) == expected
