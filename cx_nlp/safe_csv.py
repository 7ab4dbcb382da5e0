"""CSV that a spreadsheet opens without running anything: a text that looks like a formula is kept from being one."""

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

from cx_nlp.errors import PermanentError

# What spreadsheets take for the start of a formula, their full-width twins included (OWASP, CSV Injection).
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(value: object) -> str:
    """A cell's text: a number as it is, None empty, and a text that starts like a formula behind an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float | dt.date):
        return str(value)
    text = str(value).replace("\0", "")
    return f"'{text}" if text.lstrip(" \u00a0\u200b\ufeff").startswith(_STARTS) else text


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a UTF-8 CSV with a header, every cell quoted; -> rows. Raises PermanentError where it cannot be written."""
    count = 0
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark tells a spreadsheet the encoding
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow([safe(name) for name in columns])
            for row in rows:
                writer.writerow([safe(value) for value in row])
                count += 1
    except OSError as error:
        raise PermanentError(f"cannot write {path}: {error.strerror or type(error).__name__}") from None
    return count
