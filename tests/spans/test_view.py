import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_nlp.spans.view import pieces, view

NASTY = [
    "",
    " ",
    "It’s “great”…",
    "great" + "!" * 500 + " next",
    "😀" * 300,
    "a/" * 500,
    "THE STAFF WERE RUDE TO EVERYONE",
    "İSTANBUL WAS LATE AGAIN AND AGAIN",
    "_" * 50,
    "[NAME] rang [PHONE].",
    "الخدمة ممتازة",
]


@pytest.mark.parametrize("text", NASTY)
def test_a_view_keeps_the_number_of_code_points(text):
    assert len(view(text)) == len(text)


@given(st.text(max_size=600))
def test_a_view_keeps_the_number_of_code_points_of_any_text(text):
    assert len(view(text)) == len(text)


def test_what_the_parser_sees():
    assert view("It’s fine") == "It's fine"
    assert view("great!!!!!!!! ok") == "great!!!      ok"
    assert view("THE STAFF WERE RUDE") == "the staff were rude"
    assert view("The GP was OK") == "The GP was OK"
    assert view("[PHONE] IS WRONG [NAME]!!") == "[PHONE] IS WRONG [NAME]!!"
    assert view("THE NUMBER [PHONE] IS WRONG") == "the number [PHONE] is wrong"
    assert view("x" * 250).rstrip() == "x" * 100


@given(st.text(alphabet="ab .!\n", max_size=300), st.integers(min_value=2, max_value=50))
def test_pieces_join_to_the_text_and_stay_short(text, limit):
    cut = pieces(text, limit=limit)
    assert "".join(piece for _, piece in cut) == text
    assert [offset for offset, _ in cut] == [sum(len(p) for _, p in cut[:i]) for i in range(len(cut))]
    assert all(0 < len(piece) <= limit for _, piece in cut)


def test_pieces_are_cut_after_a_sentence_else_after_a_space_else_anywhere():
    assert [p for _, p in pieces("aaaa bbb. cccc dddd", limit=12)] == ["aaaa bbb. ", "cccc dddd"]
    assert [p for _, p in pieces("aaaa bbbb cccc dddd", limit=12)] == ["aaaa bbbb ", "cccc dddd"]
    assert [p for _, p in pieces("a" * 25, limit=10)] == ["a" * 10, "a" * 10, "a" * 5]
    assert pieces("") == []
