"""From a date as written to the moment meant: UTC, and the local date of the source.

ISO 8601 is read as such whatever the source's habit. Numeric dates follow the source's `date_order`; one that is
possible only in the other order is read in the other order. Two-digit years are 1970 to 2069. Nothing is guessed
beyond that: what does not fit a form below is unreadable.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

FIRST_YEAR, LAST_YEAR = 1970, 2100
DAY_FIRST, MONTH_FIRST = "day_first", "month_first"

_TIME = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?([AaPp]\.?[Mm]\.?)?"
_ZONE = r"\s?([Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
_CLOCK = rf"(?:(?:[Tt]|,?\s{{1,3}}){_TIME}{_ZONE})?"
_FLAGS = re.ASCII
_ISO = re.compile(rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}}){_CLOCK}", _FLAGS)
_YEAR_FIRST = re.compile(rf"(\d{{4}})([/.])(\d{{1,2}})\2(\d{{1,2}}){_CLOCK}", _FLAGS)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[Tt](\d{2})(\d{2})(\d{2})([Zz]|[+-]\d{2}:?\d{2})?)?", _FLAGS)
_NUMERIC = re.compile(rf"(\d{{1,2}})([/.-])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_CLOCK}", _FLAGS)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s{1,3})?"
_NAMED = re.compile(
    rf"{_WEEKDAY}(?:(\d{{1,2}})(?:st|nd|rd|th)?[ -]([a-z]{{3,9}})\.?|([a-z]{{3,9}})\.?\s(\d{{1,2}})(?:st|nd|rd|th)?),?"
    rf"[ -](\d{{4}}){_CLOCK}",
    _FLAGS | re.IGNORECASE,
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """When something was said: `at` in UTC, `day` the local date in the source's timezone."""

    at: datetime
    day: date


def readings(text: str, order: str) -> tuple[datetime, ...]:
    """All that a date as written can mean, the source's order first: none, one, or two that differ in day and month.

    A reading is aware where an offset was written, naive (local to the source) where not; without a time it is
    midnight. Empty for text that is no date, or whose year lies outside 1970..2100.
    """
    text = text.strip()
    if not 6 <= len(text) <= 60:
        return ()
    if match := _ISO.fullmatch(text):
        year, month, day, *clock = match.groups()
        return _valid([(year, month, day)], clock)
    if match := _NUMERIC.fullmatch(text):
        first, _, second, year, *clock = match.groups()
        if len(year) == 2:
            year = str(int(year) + (1900 if int(year) >= 70 else 2000))
        orders = [(year, second, first), (year, first, second)]
        return _valid(orders if order == DAY_FIRST else orders[::-1], clock)
    if match := _YEAR_FIRST.fullmatch(text):
        year, _, month, day, *clock = match.groups()
        return _valid([(year, month, day)], clock)
    if match := _NAMED.fullmatch(text):
        day, month, other_month, other_day, year, *clock = match.groups()
        number = _month(month or other_month)
        return _valid([(year, number, day or other_day)], clock) if number else ()
    if match := _COMPACT.fullmatch(text):
        year, month, day, hour, minute, second, zone = match.groups()
        return _valid([(year, month, day)], [hour, minute, second, None, None, zone])
    return ()


def read_moment(text: str, *, order: str, zone: ZoneInfo) -> Moment | None:
    """The first reading of a date as a moment; None if unreadable."""
    found = readings(text, order)
    return localise(found[0], zone) if found else None


def localise(when: datetime, zone: ZoneInfo) -> Moment:
    """A reading as UTC and local date. Clock changes are settled in one way: an hour that comes twice is the first
    of the two, an hour that is skipped lies as far behind the change as it was written behind it."""
    at = (when if when.tzinfo else when.replace(tzinfo=zone, fold=0)).astimezone(UTC)
    return Moment(at, at.astimezone(zone).date())


def _month(name: str) -> str | None:
    name = name.casefold()
    for number, month in enumerate(_MONTHS, 1):
        if month.startswith(name) or (name == "sept" and number == 9):
            return str(number)
    return None


def _valid(dates: list[tuple[str, str, str]], clock: list[str | None]) -> tuple[datetime, ...]:
    found: list[datetime] = []
    for year, month, day in dates:
        try:
            when = datetime(int(year), int(month), int(day), *_clock(clock), tzinfo=_offset(clock[5]))
        except ValueError:
            continue
        if FIRST_YEAR <= when.year <= LAST_YEAR and when not in found:
            found.append(when)
    return tuple(found)


def _clock(clock: list[str | None]) -> tuple[int, int, int, int]:
    hour, minute, second, fraction, half, _ = clock
    if hour is None or minute is None:
        return 0, 0, 0, 0
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError(f"hour {hours} with {half}")
        hours = hours % 12 + (12 if half[0] in "pP" else 0)
    return hours, int(minute), int(second or 0), int((fraction or "")[:6].ljust(6, "0"))


def _offset(zone: str | None) -> timezone | None:
    if zone is None:
        return None
    if zone[0] not in "+-":
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError(f"offset {zone}")
    minutes = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-minutes if zone[0] == "-" else minutes)
