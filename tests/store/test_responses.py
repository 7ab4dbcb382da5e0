import datetime as dt
import itertools
import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_nlp.store import responses
from tests.store import nights

COLUMNS = [*responses.READS, "is_response_head", "nps_group"]


def frame(rows: list[dict]) -> pd.DataFrame:
    """Rows as they come from the lake or from staging."""
    made = pd.DataFrame({name: [row[name] for row in rows] for name in responses.READS})
    for name in ("submitted_at", "updated_at"):
        made[name] = pd.to_datetime(made[name], utc=True).astype("datetime64[us, UTC]")
    for name in responses.INTEGER_RATINGS:
        made[name] = made[name].astype("Int64")
    made["rating"] = made["rating"].astype("float64")
    return made


def settle(rows: list[dict]) -> list[dict]:
    """Rows with what their responses agree on, as the lake would hold them."""
    agreed = responses.consensus(frame(rows)).to_dict("records")
    return [
        row | {name: _plain(one[name]) for name in responses.DECIDES} for row, one in zip(rows, agreed, strict=True)
    ]


def _plain(value):
    if value is pd.NA or value is None or value is pd.NaT or value != value:
        return None
    return value.date() if isinstance(value, pd.Timestamp) else value


def decided(row: dict) -> tuple:
    return tuple(row[name] for name in ("feedback_id", *responses.DECIDES))


def answer(feedback_id: str, response: str = "r", **given) -> dict:
    return nights.row(feedback_id, response_id=response, **given)


def test_the_newest_rating_stands_on_all_rows_and_the_older_one_can_be_read():
    rows = settle([answer("1", csat=4, date="2026-02-03"), answer("2", csat=2, date="2026-02-05"), answer("3")])
    assert [row["csat"] for row in rows] == [2, 2, 2]
    assert [row["is_response_head"] for row in rows] == [False, True, False]
    assert {row["feedback_date"] for row in rows} == {dt.date(2026, 2, 1)}
    assert [row["issues"] for row in rows] == [
        "rating_conflict|csat_was_4|feedback_date_was_2026-02-03",
        "rating_conflict|feedback_date_was_2026-02-05",
        "rating_conflict|csat_from_response",
    ]


def test_an_update_is_newer_than_a_later_submission():
    rows = settle(
        [answer("1", nps=3, updated_at="2026-02-09T00:00:00"), answer("2", nps=9, submitted_at="2026-02-08T00:00:00")]
    )
    assert [row["nps"] for row in rows] == [3, 3]
    assert [row["nps_group"] for row in rows] == ["detractor", "detractor"]
    assert [row["is_response_head"] for row in rows] == [True, False]


def test_ties_go_to_the_greater_row_hash():
    rows = settle([answer("1", ces=5, row_hash="b"), answer("2", ces=6, row_hash="a")])
    assert [row["ces"] for row in rows] == [5, 5]
    assert rows[0]["is_response_head"]


def test_fields_are_settled_one_by_one():
    rows = settle(
        [
            answer("1", nps=9, submitted_at="2026-02-01T09:00:00"),
            answer("2", csat=1, submitted_at="2026-02-01T10:00:00"),
        ]
    )
    assert [(row["nps"], row["csat"], row["issues"]) for row in rows] == [
        (9, 1, "csat_from_response"),
        (9, 1, "nps_from_response"),
    ]
    assert [row["is_response_head"] for row in rows] == [False, True]


def test_without_a_rating_the_earliest_row_is_the_head():
    rows = settle([answer("2"), answer("1"), answer("0", submitted_at="2026-02-01T13:00:00")])
    assert [row["is_response_head"] for row in rows] == [False, True, False]
    assert all(row["nps"] is None and row["nps_group"] is None and row["issues"] == "" for row in rows)


def test_a_rating_keeps_its_scale():
    scales = {"rating_scale": "stars|% 1-5"}, {"rating_scale": "faces 1-3"}
    rows = settle(
        [
            answer("1", rating=4.5, **scales[0]),
            answer("2", rating=3.0, submitted_at="2026-02-01T13:00:00", **scales[1]),
            answer("3"),
        ]
    )
    assert {(row["rating"], row["rating_scale"]) for row in rows} == {(3.0, "faces 1-3")}
    assert rows[0]["issues"] == "rating_conflict|rating_was_4.5@stars%7C%25 1-5"
    own = responses.restore(frame(rows))
    assert own["rating"].tolist()[:2] == [4.5, 3.0] and own["rating_scale"].tolist() == [
        "stars|% 1-5",
        "faces 1-3",
        None,
    ]


def test_equal_values_on_two_scales_conflict():
    rows = settle(
        [
            answer("1", rating=3.0, rating_scale="a", row_hash="b"),
            answer("2", rating=3.0, rating_scale="c", row_hash="a"),
        ]
    )
    assert [row["issues"] for row in rows] == ["rating_conflict", "rating_conflict|rating_was_3@c"]


def test_equal_ratings_are_no_conflict_and_own_issues_stay():
    rows = settle([answer("1", nps=9, issues="weight_invalid|csat_invalid"), answer("2", nps=9)])
    assert [row["issues"] for row in rows] == ["weight_invalid|csat_invalid", ""]


def test_a_row_left_alone_gets_its_own_values_back():
    both = settle([answer("1", csat=4, date="2026-02-03"), answer("2", csat=2, date="2026-02-01")])
    assert decided(settle(both[:1])[0]) == decided(settle([answer("1", csat=4, date="2026-02-03")])[0])


def test_no_rows_give_no_rows():
    assert responses.consensus(frame([])).empty


def test_responses_of_two_sources_are_apart():
    rows = settle([answer("1", csat=4), answer("1", csat=2, source="other")])
    assert [row["csat"] for row in rows] == [4, 2] and all(row["is_response_head"] for row in rows)


_optional = st.none() | st.integers(0, 3)
_row = st.fixed_dictionaries(
    {
        "nps": _optional,
        "csat": st.none() | st.integers(1, 3),
        "rating": st.none() | st.sampled_from([1.0, 2.5]),
        "rating_scale": st.none() | st.sampled_from(["a", "b|%7C"]),
        "date": st.sampled_from(["2026-02-01", "2026-02-02", "2026-02-03"]),
        "updated_at": st.none() | st.sampled_from(["2026-02-04T00:00:00", "2026-02-05T00:00:00"]),
        "issues": st.sampled_from(["", "nps_invalid", "csat_invalid|date_order_suspect"]),
        "response": st.sampled_from(["r", "s"]),
        "row_hash": st.sampled_from(["a", "b", "c"]),
    }
)


@settings(max_examples=30, deadline=None)
@given(versions=st.lists(st.tuples(st.integers(0, 3), _row), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_the_result_depends_on_own_values_alone_whatever_came_in_which_night(versions, seed):
    """Rows arrive, change, change response and leave over nights; each night settles what lies in the lake."""
    lake: dict[str, dict] = {}
    own: dict[str, dict] = {}
    chance = random.Random(seed)
    for number, given_values in versions:
        row = answer(str(number), **given_values)
        own[str(number)] = lake[str(number)] = row
        if len(own) > 1 and chance.random() < 0.2:
            gone = chance.choice(sorted(own))
            own.pop(gone), lake.pop(gone)
        order = sorted(lake, key=lambda _: chance.random())
        lake = {row["feedback_id"]: row for row in settle([lake[name] for name in order])}
    direct = {row["feedback_id"]: decided(row) for row in settle([own[name] for name in sorted(own)])}
    assert {name: decided(row) for name, row in lake.items()} == direct
    # One head and one date a response.
    for _, rows in itertools.groupby(
        sorted(lake.values(), key=lambda row: row["response_id"]), lambda r: r["response_id"]
    ):
        rows = list(rows)
        assert sum(row["is_response_head"] for row in rows) == 1
        assert len({row["feedback_date"] for row in rows}) == 1


@pytest.mark.parametrize("column", ["nps", "rating", "updated_at", "issues"])
def test_a_column_that_is_all_empty_does_no_harm(column):
    given_frame = frame([answer("1", csat=3), answer("2")])
    given_frame[column] = pd.Series([None, None], dtype="object")
    if column == "updated_at":
        given_frame[column] = pd.to_datetime(given_frame[column], utc=True)
    assert responses.consensus(given_frame)["csat"].tolist() == [3, 3]
