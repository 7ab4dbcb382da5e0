import itertools
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_nlp.errors import LakeError
from cx_nlp.identity import (
    Hasher,
    customer_key,
    hide_customer,
    is_personal,
    load_key,
    occurrence_id,
    reveals,
    row_identity,
    safe_id,
)

HASHER = Hasher(b"test key")


@pytest.fixture(autouse=True)
def no_key_in_the_environment(monkeypatch):
    monkeypatch.delenv("CX_NLP_KEY", raising=False)


def test_digests_tell_boundaries_and_missing_parts_apart():
    parts = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        ("ab", "c", None),
        ("ab", "c", ""),
        (None, "ab", "c"),
        (),
        ("",),
        (None,),
    ]
    digests = [HASHER.digest(*p) for p in parts]
    assert len(set(digests)) == len(parts)
    assert all(len(d) == 32 and int(d, 16) >= 0 for d in digests)


@given(
    st.lists(st.one_of(st.none(), st.text(max_size=4)), max_size=4),
    st.lists(st.one_of(st.none(), st.text(max_size=4)), max_size=4),
)
def test_digests_are_equal_only_for_equal_parts(one, other):
    assert (HASHER.digest(*one) == HASHER.digest(*other)) == (one == other)


def test_digests_depend_on_the_key_and_take_lone_surrogates():
    assert HASHER.digest("x") != Hasher(b"other").digest("x")
    assert HASHER.digest("\ud83d") != HASHER.digest("\ufffd")
    assert HASHER.digest("x") == HASHER.digest("x")


def test_a_key_is_made_once_and_only_for_its_owner(tmp_path):
    lake = tmp_path / "lake"
    key = load_key(lake)
    assert load_key(lake) == key
    assert stat.S_IMODE((lake / "_key").stat().st_mode) == 0o600
    assert (lake / "_state" / "key_fingerprint").read_text().strip() == Hasher(key).fingerprint
    assert sorted(p.name for p in lake.iterdir()) == ["_key", "_state"]
    assert load_key(tmp_path / "another") != key


def test_the_environment_names_the_key_and_leaves_none_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("CX_NLP_KEY", "correct horse")
    key = load_key(tmp_path)
    assert not (tmp_path / "_key").exists()
    monkeypatch.setenv("CX_NLP_KEY", "another horse")
    with pytest.raises(LakeError, match=r"CX_NLP_KEY holds key .* was written with key"):
        load_key(tmp_path)
    monkeypatch.setenv("CX_NLP_KEY", "correct horse")
    assert load_key(tmp_path) == key
    monkeypatch.setenv("CX_NLP_KEY", " ")
    with pytest.raises(LakeError, match="empty"):
        load_key(tmp_path)


def test_the_key_file_can_move_into_the_environment(tmp_path, monkeypatch):
    key = load_key(tmp_path)
    monkeypatch.setenv("CX_NLP_KEY", (tmp_path / "_key").read_text())
    assert load_key(tmp_path) == key


def test_a_lost_or_broken_key_stops_instead_of_starting_over(tmp_path):
    load_key(tmp_path)
    (tmp_path / "_key").write_text("short")
    with pytest.raises(LakeError, match="cut short"):
        load_key(tmp_path)
    (tmp_path / "_key").unlink()
    with pytest.raises(LakeError, match="missing; restore it"):
        load_key(tmp_path)
    assert not (tmp_path / "_key").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_key_is_one_line(tmp_path):
    load_key(tmp_path)
    (tmp_path / "_key").chmod(0)
    with pytest.raises(LakeError, match="cannot read"):
        load_key(tmp_path)


def test_customer_keys_join_sources_and_even_out_form_but_not_case():
    assert customer_key(HASHER, "C-1") == customer_key(HASHER, " C-1 ")
    assert customer_key(HASHER, "Jos\u00e9") == customer_key(HASHER, "Jose\u0301")
    assert customer_key(HASHER, "c-1") != customer_key(HASHER, "C-1")
    assert customer_key(HASHER, "") is customer_key(HASHER, "  ") is customer_key(HASHER, None) is None


def test_identity_changes_with_each_part_and_not_with_spaces():
    base = ("survey", "2026-03-04", "C-1", "Why?", "Slow  and\nrude")
    same = ("survey", "2026-03-04", "C-1", "Why?", "Slow and rude ")
    others = [tuple("x" if i == at else part for i, part in enumerate(base)) for at in range(5)]
    assert row_identity(HASHER, *base) == row_identity(HASHER, *same)
    ids = [row_identity(HASHER, *parts) for parts in (base, *others)]
    assert len(set(ids)) == 6
    # Masked texts are equal, what was read is not.
    assert row_identity(HASHER, *base[:4], "a@b.co") != row_identity(HASHER, *base[:4], "c@d.co")


def test_occurrences_have_ids_of_their_own():
    ids = [occurrence_id(HASHER, identity, n) for identity, n in itertools.product(("a", "b"), range(3))]
    assert len(set(ids)) == 6
    assert all(i.startswith("h1-") and len(i) == 35 for i in ids)


@pytest.mark.parametrize("value", ["jane@example.com", "x-jane@example.com-1", "+44 7700 900123", "a\x00b", "\ud83d",
                                   "GB82WEST12345698765432"])  # fmt: skip
def test_ids_that_give_a_person_away_are_hashed(value):
    hashed = safe_id(HASHER, value)
    assert hashed.startswith("h2-") and value not in hashed
    assert hashed == safe_id(HASHER, f" {value} ")


@pytest.mark.parametrize(
    "value",
    [
        "1", "NEAS PTS 528 - Q1", "4111111111111111", "07700900123", "2026-03-04T10:00:00+00:00",
        "5f0c9d3e-8f1f-4c0e-9f5b-0b6f0c9d3e8f", "h1-x",
    ],
)  # fmt: skip
def test_plain_ids_stay(value):
    assert safe_id(HASHER, f" {value} ") == value


def test_personal_ids_are_told_from_plain_ones():
    assert is_personal("jane@example.com") and is_personal("+44 7700 900123")
    assert not any(map(is_personal, ("", "07700900123", "r-17", "2026-03-04T10:00:00+00:00")))


def test_ids_that_hold_the_customer_are_hashed():
    assert safe_id(HASHER, "C-1009/2", "C-1009").startswith("h2-")
    assert safe_id(HASHER, "anna", "Anna").startswith("h2-")
    assert safe_id(HASHER, "7", "x", always_hash=True).startswith("h2-")
    for value, customer in (
        ("C-1009_1", "C-1009"), ("rev_C1009", "C1009"), ("alicewonder-17", "alicewonder"), ("17/Bob", "bob"),
        ("r-100", "100"),
    ):  # fmt: skip
        assert safe_id(HASHER, value, customer).startswith("h2-"), value
    assert safe_id(HASHER, "10042", "42") == "10042"
    assert safe_id(HASHER, "r-42", "42") == "r-42"
    assert safe_id(HASHER, "rev-1009", "100") == "rev-1009"
    assert safe_id(HASHER, "7", "7") == "7"  # a row number that happens to equal a short id


@pytest.mark.parametrize(
    ("text", "customer", "expected"),
    [
        ("my number is C-1009, hurry", "C-1009", "my number is [NAME], hurry"),
        ("c-1009!", "C-1009", "[NAME]!"),
        ("C-10099", "C-1009", "C-10099"),
        ("I am C-1009_x, see rev_C-1009", "C-1009", "I am [NAME]_x, see rev_[NAME]"),
        ("I waited 42 minutes", "42", "I waited 42 minutes"),
        ("as a guest I waited", "guest", "as a guest I waited"),
        ("guest", "guest", "[NAME]"),
        ("paid 10042 pence", "10042", "paid [NAME] pence"),
        ("a.b*c here", "a.b*c", "[NAME] here"),
        ("nothing", None, "nothing"),
        ("", "C-1009", ""),
    ],
)
def test_a_customers_id_in_a_text_is_hidden(text, customer, expected):
    assert hide_customer(text, customer) == expected
    hidden = hide_customer(text, customer)
    assert customer is None or hidden == text or not reveals(hidden, customer)
