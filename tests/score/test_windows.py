import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_nlp.score.windows import Window, windows


@given(st.integers(1, 3000), st.integers(1, 130), st.data())
def test_each_token_is_owned_once_by_a_window_that_reads_it(n, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    found = windows(n, size=size, overlap=overlap)
    owned = [token for w in found for token in range(w.own_start, w.own_end)]
    assert owned == list(range(n))
    assert all(w.start <= w.own_start and w.own_end <= w.end and w.end - w.start <= size for w in found)


@given(st.integers(200, 3000))
def test_a_token_is_read_where_it_is_most_central(n):
    found = windows(n, size=126, overlap=32)
    for token in range(0, n, 17):
        margin = {w: min(token - w.start, w.end - 1 - token) for w in found if w.start <= token < w.end}
        (owner,) = (w for w in found if w.own_start <= token < w.own_end)
        edge_of_text = owner is found[0] or owner is found[-1]
        assert margin[owner] >= max(margin.values()) - 1 or edge_of_text


def test_a_short_text_is_one_window_and_an_empty_one_none():
    assert windows(5, size=126, overlap=32) == [Window(0, 5, 0, 5)]
    assert windows(0, size=126, overlap=32) == []


def test_an_overlap_as_long_as_the_window_is_refused():
    with pytest.raises(ValueError, match="overlap 8 must lie in"):
        windows(5, size=8, overlap=8)
