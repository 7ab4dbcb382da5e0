from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from cx_nlp.dates import read_moment, readings

LONDON, CAIRO, LOS_ANGELES = ZoneInfo("Europe/London"), ZoneInfo("Africa/Cairo"), ZoneInfo("America/Los_Angeles")


def moment(text, zone=LONDON, order="day_first"):
    found = read_moment(text, order=order, zone=zone)
    return found and (found.at.strftime("%Y-%m-%d %H:%M:%S"), str(found.day))


@pytest.mark.parametrize(
    ("text", "at", "day"),
    [
        ("2026-03-04", "2026-03-04 00:00:00", "2026-03-04"),
        ("2026-07-04", "2026-07-03 23:00:00", "2026-07-04"),  # local midnight in summer
        (" 2026-03-04 ", "2026-03-04 00:00:00", "2026-03-04"),
        ("2026-03-04T10:20:30Z", "2026-03-04 10:20:30", "2026-03-04"),
        ("2026-03-04 10:20:30.123456789+00:00", "2026-03-04 10:20:30", "2026-03-04"),
        ("2026-07-04T23:30:00Z", "2026-07-04 23:30:00", "2026-07-05"),  # already tomorrow in London
        ("2026-07-04T01:00:00+0530", "2026-07-03 19:30:00", "2026-07-03"),
        ("2026-03-04 10:20", "2026-03-04 10:20:00", "2026-03-04"),
        ("20260304", "2026-03-04 00:00:00", "2026-03-04"),
        ("20260304T102030Z", "2026-03-04 10:20:30", "2026-03-04"),
        ("2026/03/04", "2026-03-04 00:00:00", "2026-03-04"),
        ("04/03/2026", "2026-03-04 00:00:00", "2026-03-04"),
        ("4.3.2026 9:05", "2026-03-04 09:05:00", "2026-03-04"),
        ("04-03-2026 09:05:06", "2026-03-04 09:05:06", "2026-03-04"),
        ("04/03/26", "2026-03-04 00:00:00", "2026-03-04"),
        ("3/31/2026 2:05 PM", "2026-03-31 13:05:00", "2026-03-31"),
        ("12/03/2026 12:00 am", "2026-03-12 00:00:00", "2026-03-12"),
        ("4 Mar 2026", "2026-03-04 00:00:00", "2026-03-04"),
        ("March 4th, 2026", "2026-03-04 00:00:00", "2026-03-04"),
        ("Wed, 04 Mar 2026 10:20:30 +0000", "2026-03-04 10:20:30", "2026-03-04"),
        ("29/02/2024", "2024-02-29 00:00:00", "2024-02-29"),
    ],
)
def test_readable_dates(text, at, day):
    assert moment(text) == (at, day)


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "soon", "yesterday", "31/04/2026", "29/02/2026", "2026-13-01", "2026-00-10", "00/01/2026",
        "1969-12-31", "2101-01-01", "0026-03-04", "1772582400", "45000", "2026-03-04T25:00", "2026-03-04 10:61",
        "13/13/2026", "04/03-2026", "2026-03-04 13:00 PM", "2026-03-04junk", "٠٤/٠٣/٢٠٢٦", "4 Foo 2026", "\x00",
        "9" * 5000, "2026-03-04T10:00:00+99:99", "NaT", "None", "10:20",
    ],
)  # fmt: skip
def test_unreadable_dates(text):
    assert moment(text) is None


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("03/04/2026", "day_first", [(2026, 4, 3), (2026, 3, 4)]),
        ("03/04/2026", "month_first", [(2026, 3, 4), (2026, 4, 3)]),
        ("31/05/2022", "month_first", [(2022, 5, 31)]),  # possible in the other order only: read so
        ("5/31/2022", "day_first", [(2022, 5, 31)]),
        ("05/05/2022", "day_first", [(2022, 5, 5)]),
        ("2022-03-04", "month_first", [(2022, 3, 4)]),
        ("31/31/2022", "day_first", []),
    ],
)
def test_readings_in_both_orders(text, order, expected):
    assert [(r.year, r.month, r.day) for r in readings(text, order)] == expected


def test_an_hour_that_is_skipped_lies_as_far_behind_the_change():
    # London, 29 March 2026: 01:00 becomes 02:00.
    assert moment("2026-03-29 01:30") == ("2026-03-29 01:30:00", "2026-03-29")
    assert moment("2026-03-29 00:30") == ("2026-03-29 00:30:00", "2026-03-29")
    assert moment("2026-03-29 02:30") == ("2026-03-29 01:30:00", "2026-03-29")


def test_an_hour_that_comes_twice_is_the_first_of_the_two():
    # London, 25 October 2026: 02:00 becomes 01:00; Los Angeles a week later.
    assert moment("2026-10-25 01:30") == ("2026-10-25 00:30:00", "2026-10-25")
    assert moment("2026-11-01 01:30", LOS_ANGELES) == ("2026-11-01 08:30:00", "2026-11-01")


def test_a_midnight_that_does_not_exist_stays_on_its_date():
    # Cairo, 24 April 2026: 00:00 becomes 01:00.
    assert moment("2026-04-24", CAIRO) == ("2026-04-23 22:00:00", "2026-04-24")


def test_a_moment_is_utc_and_keeps_microseconds():
    found = read_moment("2026-03-04T10:20:30.1234567Z", order="day_first", zone=LONDON)
    assert found.at == datetime(2026, 3, 4, 10, 20, 30, 123456, tzinfo=UTC)
    assert found.day == date(2026, 3, 4)
