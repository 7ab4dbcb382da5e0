import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from cx_nlp.errors import UsageError
from cx_nlp.sources import query

LONDON = ZoneInfo("Europe/London")
START = dt.datetime(2026, 7, 10, 1, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SELECT * FROM f", set()),
        ("SELECT * FROM f WHERE at >= :since AND at < :until", {"since", "until"}),
        ("SELECT at::date, '12:30', \"a:b\", `c:d` FROM f -- :other\nWHERE /* :more */ at > :since", {"since"}),
        ("SELECT 'it''s :since' FROM f", set()),
        ("SELECT $$it's :other$$, $q$ $$ :more $q$ FROM f WHERE at > :since", {"since"}),
        ("SELECT $1, price || ' $' FROM f WHERE at > :since /* $ */", {"since"}),
    ],
)
def test_names_outside_quotes_and_comments(text, names):
    assert query.parameters(text) == names


def test_another_name_is_said():
    with pytest.raises(UsageError, match="query names :sinse, expected none but :since and :until"):
        query.parameters("SELECT * FROM f WHERE at > :sinse")


def test_rewriting_touches_names_alone():
    text = "SELECT ':since', at::date FROM f WHERE at >= :since"
    assert query.rewritten(text, name="${}".format) == "SELECT ':since', at::date FROM f WHERE at >= $since"


def window(**given):
    found = query.window(**{"zone": LONDON, "started_at": START, "watermark": None} | given)
    assert all(at.tzinfo is None and at.time() == dt.time() for at in found.values())
    return found["since"].date(), found["until"].date()


def test_the_first_window_begins_before_everything_and_ends_with_today():
    assert window() == (dt.date(1900, 1, 1), dt.date(2026, 7, 11))


def test_a_window_begins_with_the_local_day_of_watermark_less_overlap():
    mark = dt.datetime(2026, 7, 8, 23, 30, tzinfo=dt.UTC)  # 00:30 on the 9th in London
    assert window(watermark=mark)[0] == dt.date(2026, 7, 9)
    assert window(watermark=mark, overlap=dt.timedelta(days=2))[0] == dt.date(2026, 7, 7)
    assert window(watermark=mark, overlap=dt.timedelta(hours=1))[0] == dt.date(2026, 7, 8)


def test_a_date_is_asked_for_with_a_day_on_each_side_whatever_the_watermark():
    day = dt.date(2026, 3, 4)
    mark = dt.datetime(2026, 7, 8, tzinfo=dt.UTC)
    assert window(dates=(day, day), watermark=mark) == (dt.date(2026, 3, 3), dt.date(2026, 3, 6))
    assert window(dates=(day, dt.date(2026, 3, 9)), has_updates=True) == (dt.date(2026, 3, 3), dt.date(2026, 7, 11))
