import pytest

from cx_nlp.columns import header_names, shown_columns

HEADER = ["id", "customer", "date", "Any other comments?", "NPS 2026", "Q1"]


def test_a_header_is_listed_with_the_nearest_name():
    assert shown_columns(HEADER) == f"found: {', '.join(HEADER)}"
    assert shown_columns(HEADER, near="custmer") == f"did you mean 'customer'? found: {', '.join(HEADER)}"
    assert shown_columns([]) == shown_columns([], near="text") == "found: none"
    assert shown_columns([f"q{n}" for n in range(30)]).endswith(", q19, …")


@pytest.mark.parametrize(
    "value",
    [
        "17", "4.5", "9/10", "2026-03-04", "2026-03-04T10:00Z", "04.03.26", "04-Mar-26", "Mar 4, 2026", "C-1009",
        "jane@example.com", "@jane", "07700 900123", "192.168.0.1", "The staff were lovely but the wait was terrible",
    ],
)  # fmt: skip
def test_a_row_of_data_is_counted_and_never_shown(value):
    columns = ["Leeds", "anna", value]
    assert header_names(columns) == []
    assert shown_columns(columns, near="ana") == "found 3 columns, is there a header line?"
    assert shown_columns([value]) == "found 1 column, is there a header line?"


def test_an_expected_name_proves_the_header_yet_names_stay_masked_and_short():
    question = "How likely are you to recommend us to a friend or colleague?"
    columns = ["date", question, "note jane@example.com"]
    assert shown_columns(columns) == "found 3 columns, is there a header line?"
    assert header_names(columns, wanted=["text", "date"]) == ["date", question[:39] + "…", "note [EMAIL]"]
    assert header_names(["5", "anna"], wanted=["5"]) == []  # a number proves nothing
