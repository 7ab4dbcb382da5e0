"""Queries of a config: their two parameters, and the window that a night asks for.

Values reach a database as bound parameters only; nothing is ever put into the text of a query.
"""

import datetime as dt
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from cx_nlp.errors import UsageError

PARAMETERS = ("since", "until")
# Before anything: no feedback is older than what `dates` can read, and every database takes this date.
BEGINNING = dt.datetime(1900, 1, 1)
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|--[^\n]*|/\*.*?\*/|::|(?<![\w:]):(?P<name>[A-Za-z_]\w*)",
    re.DOTALL,
)


def parameters(query: str) -> set[str]:
    """Those of :since and :until that a query names, outside quotes and comments. Raises UsageError for others."""
    found = {match["name"] for match in _TOKEN.finditer(query) if match["name"]}
    if unknown := sorted(found - set(PARAMETERS)):
        raise UsageError(f"query names :{unknown[0]}, expected none but :since and :until")
    return found


def rewritten(query: str, *, name: Callable[[str], str], other: Callable[[str], str] = str) -> str:
    """A query with each parameter's name, and each quoted text, comment and cast, as the two functions give them."""
    return _TOKEN.sub(lambda match: name(match["name"]) if match["name"] else other(match[0]), query)


def window(
    *,
    zone: ZoneInfo,
    started_at: dt.datetime,
    watermark: dt.datetime | None,
    overlap: dt.timedelta = dt.timedelta(0),
    dates: tuple[dt.date, dt.date] | None = None,
    has_updates: bool = False,
) -> dict[str, dt.datetime]:
    """What :since and :until stand for: [since, until) in local time of the source, both at midnight.

    Whole days, so that a column of dates, or of times as text, compares as one would expect. The window begins with
    the day of the watermark less the overlap, or before everything without a watermark, and ends after today: rows of
    a clock that runs ahead come too. dates: the first and last date wanted, whatever the watermark; a day more on each
    side is asked for, since a database may keep its dates in another time zone. has_updates: the query may go by the
    time of the last change, which for a row of those dates can be any day until today.
    """
    day = dt.timedelta(days=1)
    tomorrow = _midnight(started_at.astimezone(zone).date()) + day
    if dates is not None:
        until = _midnight(dates[1]) + 2 * day
        return {"since": _midnight(dates[0]) - day, "until": max(until, tomorrow) if has_updates else until}
    if watermark is None:
        return {"since": BEGINNING, "until": tomorrow}
    return {"since": _midnight((watermark - overlap).astimezone(zone).date()), "until": tomorrow}


def _midnight(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time())
