"""Column names as an error may show them: a file without a header line has a row of personal data in their place."""

import difflib
import re
from collections.abc import Iterable

from cx_nlp.clean import PLACEHOLDERS, clean_text
from cx_nlp.dates import DAY_FIRST, readings

MAX_NAME = 40
MAX_SHOWN = 20
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_SHORT_DATE = re.compile(r"\d{1,2}[-/. ]?[^\W\d_]{3,9}[-/., ]{1,2}\d{2,4}\b")  # 04-Mar-26


def header_names(columns: Iterable[object], *, wanted: Iterable[str] = ()) -> list[str]:
    """C column names -> C names, masked and at most 40 characters long; [] if they may be a row of data.

    That is where one is a number, a date, an id, longer than 40 characters or holds something to mask. wanted: names
    that a config expects: where one of them is found, this is the header line, and a question's wording may be long.
    """
    names = list(map(str, columns))
    is_header = any(name in names for name in wanted if _has_letter(name))
    if not is_header and any(map(_looks_like_data, names)):
        return []
    return [_cut(clean_text(name[: 25 * MAX_NAME])) for name in names]


def shown_columns(columns: Iterable[object], *, near: str | None = None, wanted: Iterable[str] = ()) -> str:
    """What was found, for the end of an error: "found: id, text", or how many if they may be a row of data.

    near: a name that was looked for; one much like it is suggested: "did you mean 'text'? found: id, text". wanted: as
    in `header_names`. No columns give "found: none".
    """
    columns = list(columns)
    names = header_names(columns, wanted=wanted)
    if columns and not names:
        return f"found {len(columns):,} column{'s' if len(columns) > 1 else ''}, is there a header line?"
    close = difflib.get_close_matches(near, names, n=1, cutoff=0.5) if near else []
    hint = f"did you mean {close[0]!r}? " if close else ""
    some = ", ".join(names[:MAX_SHOWN]) + (", …" if len(names) > MAX_SHOWN else "")
    return f"{hint}found: {some or 'none'}"


def _looks_like_data(name: str) -> bool:
    if len(name) > MAX_NAME:
        return True
    has_digit = any(map(str.isdigit, name))
    if has_digit and (not _has_letter(name) or re.search(r"\d{4}", _YEAR.sub("", name))):
        return True
    if readings(name, DAY_FIRST) or _SHORT_DATE.match(name.strip()):
        return True
    masked = clean_text(name)
    return any(placeholder in masked for placeholder in PLACEHOLDERS)


def _has_letter(name: str) -> bool:
    return any(map(str.isalpha, name))


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
