import pytest

from cx_nlp.config import ScaleConfig, SourceConfig
from cx_nlp.errors import UsageError
from cx_nlp.ratings import (
    check_scales,
    read_each,
    read_flag,
    read_number,
    read_rating,
    read_role,
    read_weight,
    scale_name,
)

FFT = ScaleConfig(low=1, high=5, reverse=True, name="FFT 1-5")


def source(**extra):
    return SourceConfig(kind="csv", path="x", columns={"submitted_at": "d"}, **extra)


@pytest.mark.parametrize("text", ["9", "9.0", " 9 ", "+9", "09", "9.000", "9,0"])
def test_nine_is_nine(text):
    assert read_rating(text, "nps", None) == (9, None)
    assert isinstance(read_rating(text, "nps", None)[0], int)


@pytest.mark.parametrize(
    "text", ["11", "-1", "7.5", "abc", "9/10", "nan", "inf", "1e1", "٩", "0x9", "9 9", "--", "9" * 400]
)
def test_what_is_no_nps_is_null_and_named(text):
    assert read_rating(text, "nps", None) == (None, "nps_invalid")


@pytest.mark.parametrize("text", [None, "", "  "])
def test_missing_is_no_issue(text):
    assert read_rating(text, "nps", None) == (None, None)
    assert read_weight(text) == (1.0, None)
    assert read_role(text) == ("customer", None)
    assert read_flag(text, "may_quote_invalid") == (None, None)


@pytest.mark.parametrize(("target", "low", "high"), [("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7)])
def test_ranges(target, low, high):
    assert [read_rating(str(v), target, None)[0] for v in (low - 1, low, high, high + 1)] == [None, low, high, None]
    assert read_rating(str(high + 1), target, None)[1] == f"{target}_invalid"


@pytest.mark.parametrize(("text", "value"), [("1", 5), ("2", 4), ("5.0", 1), ("1.5", 4.5)])
def test_a_reversed_scale(text, value):
    assert read_rating(text, "rating", FFT) == (value, None)


@pytest.mark.parametrize("text", ["0", "6", "7", "0.99"])
def test_off_the_scale(text):
    assert read_rating(text, "rating", FFT) == (None, "rating_invalid")


def test_reversed_measures_and_open_ratings():
    assert read_rating("1", "ces", ScaleConfig(low=1, high=7, reverse=True)) == (7, None)
    assert read_rating("87.5", "rating", None) == (87.5, None)
    assert read_rating("-0", "rating", None)[0] == 0.0


def test_one_scale_is_not_passed_off_as_another():
    with pytest.raises(UsageError, match=r"scales.nps is 1..10, expected 0..10"):
        check_scales("s", source(scales={"nps": ScaleConfig(low=1, high=10)}))
    check_scales("s", source(scales={"nps": ScaleConfig(low=0, high=10, reverse=True), "rating": FFT}))


def test_scale_names():
    assert scale_name(source(scales={"rating": FFT})) == "FFT 1-5"
    assert scale_name(source(scales={"rating": ScaleConfig(low=1, high=10)})) == "1-10"
    fixed = {"rating_scale": "stars 1-5"}
    assert scale_name(source(scales={"rating": ScaleConfig(low=1, high=5)}, fixed=fixed)) == "stars 1-5"
    assert scale_name(source(fixed=fixed)) == "stars 1-5"
    assert scale_name(source()) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.5", (0.5, None)), ("0", (0.0, None)), ("-1", (1.0, "weight_invalid")), ("heavy", (1.0, "weight_invalid"))],
)
def test_weights(text, expected):
    assert read_weight(text) == expected


@pytest.mark.parametrize(("text", "expected"), [(" Leader ", ("leader", None)), ("EMPLOYEE", ("employee", None)),
                                                ("robot", ("customer", "role_invalid"))])  # fmt: skip
def test_roles(text, expected):
    assert read_role(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [(t, True) for t in ("yes", "Y", " true ", "1", "TRUE", "1.0")] + [(f, False) for f in ("no", "N", "False", "0")],
)
def test_flags(text, expected):
    assert read_flag(text, "may_quote_invalid") == (expected, None)
    assert read_flag("maybe", "may_quote_invalid") == (None, "may_quote_invalid")


def test_read_number_and_read_each():
    assert [read_number(t) for t in ("1,000", "4,5", "-2.5", "")] == [None, 4.5, -2.5, None]
    calls = []
    values, issues = read_each(["a", None, "a"], lambda text: calls.append(text) or (text, None))
    assert (values, issues, calls) == (["a", None, "a"], [None] * 3, ["a", None])
    assert read_each([], read_role) == ([], [])


def test_read_number_shape():
    assert isinstance(read_number("9"), float)


# Words and emoji

FACES = ScaleConfig(values={"😀": 5, "👍": 4, "☹": 1, "Very  satisfied": 5, "meh": 3})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("😀", 5), (" 👍🏽 ", 4), ("☹\ufe0f", 1), ("very satisfied", 5), ("VERY SATISFIED ", 5), ("Meh", 3), ("2", 2), ("4.0", 4),
    ],
)  # fmt: skip
def test_words_and_emoji_stand_for_their_values(text, value):
    assert read_rating(text, "csat", FACES) == (value, None)


@pytest.mark.parametrize("text", ["satisfied", "😡", "6", "0", "very"])
def test_what_the_scale_does_not_name_is_invalid(text):
    assert read_rating(text, "csat", FACES) == (None, "csat_invalid")


def test_words_are_not_turned_round_and_numbers_are():
    scale = ScaleConfig(low=1, high=7, reverse=True, values={"very easy": 7})
    assert read_rating("very easy", "ces", scale) == (7, None) and read_rating("1", "ces", scale) == (7, None)


def test_a_rating_of_words_has_their_range():
    scale = ScaleConfig(values={"bad": 1, "good": 3})
    assert read_rating("good", "rating", scale) == (3.0, None) and read_rating("4", "rating", scale)[0] is None
    assert scale_name(source(scales={"rating": scale})) == "1-3"


@pytest.mark.parametrize("values", [{"a": 0, "b": 5}, {"a": 1.5, "b": 5}, {"a": 1, "A ": 5}])
def test_words_that_do_not_fit_the_measure_are_refused(values):
    with pytest.raises(UsageError, match=r"source 's': scales\.csat"):
        check_scales("s", source(scales={"csat": {"values": values}}))
    check_scales("s", source(scales={"csat": {"values": {"ok": 3, "fine": 4}}}))


def test_one_to_ten_is_no_nps():
    with pytest.raises(UsageError, match="map another scale to `rating`"):
        check_scales("s", source(scales={"nps": {"low": 1, "high": 10}}))
