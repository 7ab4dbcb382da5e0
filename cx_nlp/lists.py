"""Lists for people and other systems: rows of the lake's newest lists, with the texts they point to, as CSV.

A cell that a spreadsheet would run as a formula gets an apostrophe in front: comments are written by strangers.
"""

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from cx_nlp import schema
from cx_nlp.errors import UsageError
from cx_nlp.store import duck, files

# What a CRM reads, in this order; docs/measures.md says what each column holds.
ADVOCATES = (
    "feedback_id", "source", "feedback_date", "rank", "score", "nps", "may_quote", "may_contact", "touchpoint", "segment",
    "themes", "primary_emotion", "text",
)  # fmt: skip
# What somebody answers today; the comment itself where it is asked for.
CLOSE_THE_LOOP = (
    "priority", "reasons", "owner", "theme_id", "source", "feedback_id", "feedback_date", "contact", "touchpoint",
    "nps_group", "sentiment_label", "primary_emotion",
)  # fmt: skip
_OF_FEEDBACK = ("text", "may_quote", "may_contact")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BLANK = "\ufeff\u200b\u2060"  # signs that nobody sees and a spreadsheet may drop
_SAID = {True: "yes", False: "no", None: "unknown"}


def advocates(lake: Path, *, quotable: bool = False, contactable: bool = False) -> list[dict[str, object]]:
    """The newest list of advocates, best first; columns ADVOCATES, consent as yes, no or unknown.

    quotable, contactable: only those who said yes. Whose feedback has left the lake since is left out. Raises UsageError
    where the lake has no such list yet.
    """
    where = f"(f.may_quote OR NOT {quotable}) AND (f.may_contact OR NOT {contactable})"
    found = _newest(lake, "advocates", "of advocates", ADVOCATES, where, "l.rank")
    return [row | {name: _SAID[row[name]] for name in ("may_quote", "may_contact")} for row in found]


def close_the_loop(lake: Path) -> list[dict[str, object]]:
    """The newest list of what needs an answer, the first priority first; columns CLOSE_THE_LOOP and text.

    Whose feedback has left the lake since, or who has said no to being contacted, is left out. Raises UsageError where
    the lake has no such list yet.
    """
    order = "l.priority, l.feedback_date DESC, l.source, l.feedback_id"
    where = "f.may_contact IS DISTINCT FROM false"
    return _newest(lake, "close_the_loop", "close_the_loop", (*CLOSE_THE_LOOP, "text"), where, order)


def _newest(
    lake: Path, table: str, called: str, columns: Sequence[str], where: str, order: str
) -> list[dict[str, Any]]:
    """Rows of a table's newest list (`l`) whose feedback (`f`) is still there, which alone knows text and consent of today."""
    newest = list(files.partitions(lake, table).values())[-1:]
    if not newest:
        raise UsageError(f"no list {called} in {lake}: expected a lake that `cx-nlp run` wrote")
    selected = ", ".join(f"{'f' if name in _OF_FEEDBACK else 'l'}.{name}" for name in columns)
    with duckdb.connect() as con:
        listed = duck.parquet(con, newest, schema.TABLES[table])
        feedback = duck.parquet(con, files.partitions(lake, "feedback").values(), schema.FEEDBACK)
        rows = con.execute(f"""
            SELECT {selected} FROM {listed} AS l
            JOIN {feedback} AS f ON f.source = l.source AND f.feedback_id = l.feedback_id
            WHERE {where} ORDER BY {order}""")
        return [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[dict[str, object]]) -> int:
    """Write rows with a header, UTF-8, whole or not at all; -> their number. Null is an empty cell."""
    count = 0
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in rows:
                writer.writerow([safe_cell(row[name]) for name in columns])
                count += 1
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count


def safe_cell(value: object) -> object:
    """A text that starts like a formula, after any spaces, gets an apostrophe in front; numbers and dates stay."""
    if isinstance(value, str) and (
        value.startswith(_FORMULA) or value.strip().lstrip(_BLANK).lstrip().startswith(_FORMULA)
    ):
        return f"'{value}"
    return "" if value is None else value
