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
