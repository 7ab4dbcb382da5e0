"""Rows that cannot be kept, written so that a person can find them and nobody can be recognised in them."""

import itertools
import json
import re

import pandas as pd

from cx_nlp.clean import clean_text
from cx_nlp.config import SourceConfig
from cx_nlp.identity import Hasher, hide_customer, is_customer
from cx_nlp.schema import REJECTS, Reason

MAX_ROW = 4000
MAX_DETAIL = 300
# `occurrence` and `run_id` are the lake's to give.
COLUMNS = [column for column in REJECTS.names if column not in ("occurrence", "run_id")]


def reject_frame(records: list[dict]) -> pd.DataFrame:
    """Records with the keys COLUMNS -> a frame of them, also for none."""
    return pd.DataFrame(records, columns=COLUMNS, dtype=object)


def bad_record(bad, *, name: str, source: SourceConfig, hasher: Hasher, columns: list[str]) -> dict:
    """A record that the source could not parse. bad: `.position, .detail, .raw`; columns: those of the file."""
    return {
        "source": name,
        "row_hash": hasher.digest("unparseable", bad.raw),
        "position": bad.position,
        "reason": Reason.UNPARSEABLE.value,
        "detail": clean_text(bad.detail)[:MAX_DETAIL],
        "row": clean_text(_without_customer(bad.raw, source, columns))[:MAX_ROW],
        "feedback_id": None,
        "customer_key": None,
    }


def masked_row(row: dict[str, str | None], *, customer: str | None, customer_column: str | None) -> str:
    """A row as read -> a JSON object of masked strings of at most MAX_ROW characters, without the customer's id.

    Missing values are left out. A row that is too long keeps the beginnings of its longest values.
    """
    kept = {}
    for column, value in row.items():
        if column == customer_column or value is None:
            continue
        if not (customer and is_customer(value, customer)):
            kept[clean_text(column)] = hide_customer(clean_text(value), customer)
    for limit in (MAX_ROW, 1000, 300, 100, 30, 10, 0):
        cut = {key[:100]: value if len(value) <= limit else value[:limit] + "…" for key, value in kept.items()}
        text = json.dumps(cut, ensure_ascii=False, sort_keys=True)
        if len(text) <= MAX_ROW:
            return text
    return json.dumps({"columns": str(len(kept))})


def _without_customer(raw: str, source: SourceConfig, columns: list[str]) -> str:
    """The raw line without any field that may be the customer's id.

    Where delimiters are missing or too many, the id lies between the place that counting from the left gives and the
    one that counting from the right gives: all in between goes.
    """
    column = source.columns.get("customer_id")
    if column is None:
        return raw
    if source.kind not in ("csv", "excel"):
        value = rf'("{re.escape(column)}"\s{{0,20}}:\s{{0,20}})("(?:[^"\\]|\\.)*"?|[^,}}\]\s]*)'
        return re.sub(value, r"\1[NAME]", raw)
    # Which delimiter it was is not known here: all that come near the right number of fields are tried.
    delimiters = [d for d in ",;\t|" if 2 * (raw.count(d) + 1) >= len(columns)] or list(",;\t|")
    place = columns.index(column) if column in columns else 0
    hidden = bytearray(len(raw))
    for delimiter in delimiters:
        fields = _fields(raw, delimiter)
        low, high = sorted((place, place + len(fields) - len(columns)))
        # Where a quote is left open no count holds: all from the first possible place on goes.
        high = len(fields) - 1 if raw.count('"') % 2 else min(high, len(fields) - 1)
        for start, end in fields[max(low, 0) : high + 1]:
            hidden[start:end] = b"\1" * (end - start)
    return "".join(
        "[NAME]" if gone else "".join(raw[at] for at in run)
        for gone, run in itertools.groupby(range(len(raw)), key=hidden.__getitem__)
    )


def _fields(raw: str, delimiter: str) -> list[tuple[int, int]]:
    """Where the fields of a line lie; a delimiter within quotes divides none, unless a quote is left open."""
    heed_quotes = raw.count('"') % 2 == 0
    spans, start, is_quoted = [], 0, False
    for at, character in enumerate(raw):
        if character == '"' and heed_quotes:
            is_quoted = not is_quoted
        elif character == delimiter and not is_quoted:
            spans.append((start, at))
            start = at + 1
    return [*spans, (start, len(raw))]
