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
# Rules for lines that could not be parsed. Quantifiers are bounded: such lines may be made to let a pattern run long.
_MAX_IDS = 200
_EDGES = " \t\r\n\\\"'\ufeff\u200b\u00a0"
_FIRST = re.compile(r"""^[\s\\"'{\[]*([^\\"',:}\]]*)""")
_GAP = r"[\s\ufeff\u200b]{0,20}"
_QUOTE = r"""\\{0,7}["']"""
_NEXT_KEY = rf"""{_GAP}(?:,{_GAP}(?:{_QUOTE})?[^"'\\:,{{}}\[\]]{{1,100}}(?:{_QUOTE})?{_GAP}:|[}}\]"'\\\s]{{0,40}}\Z)"""
_VALUE = (
    r"""(?P<value>(?:"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|(?P<escaped>\\{1,7}["'])(?:(?!(?P=escaped)).)*+(?P=escaped)"""
    rf"""|[\w.@+-]++)(?={_NEXT_KEY})|.*)"""
)
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')
_COUNTED = re.compile(r"expected \d+ fields, got (\d+)")  # how the CSV reader says that a line is ragged
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
        "row": clean_text(_without_customer(bad, source, columns))[:MAX_ROW],
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


def _without_customer(bad, source: SourceConfig, columns: list[str]) -> str:
    """The raw line without any field that may be the customer's id, nor that id elsewhere; "" where that is unsure."""
    column = source.columns.get("customer_id")
    if column is None:
        return bad.raw
    kept, ids = _split_csv(bad, column, columns) if source.kind == "csv" else _split_object(bad.raw, column)
    if len(ids) > _MAX_IDS:
        return ""
    for customer in {part for value in ids for part in (value.strip(_EDGES), _FIRST.findall(value)[0].strip())}:
        kept = [hide_customer(part, customer) for part in kept]
    return "[NAME]".join(kept)


def _split_object(raw: str, column: str) -> tuple[list[str], set[str]]:
    """What looks like an object -> (parts to keep, the values between them, which may be the customer's id).

    It need not be JSON: Python's way to write it, keys without quotes and JSON within a JSON string are seen too. A
    value that does not plainly end takes the rest of the line with it. Nothing is kept where no such key was found, or
    where the column is named more often than it was understood: then the id may stand anywhere.
    """
    if not raw.strip(_EDGES).startswith("{"):
        return [], set()
    name = re.escape(column)
    key = rf"(?:(?P<quote>{_QUOTE})|[{{,]{_GAP}){_GAP}{name}{_GAP}(?(quote)(?P=quote)){_GAP}:{_GAP}"
    kept, ids, at = [], [], 0
    for match in re.finditer(key + _VALUE, raw, re.IGNORECASE | re.DOTALL):
        start, end = match.span("value")
        kept.append(raw[at:start])
        ids.append(raw[start:end])
        at = end
    kept.append(raw[at:])
    named = sum(len(re.findall(rf"(?<!\w){name}(?!\w)", part, re.IGNORECASE)) for part in kept)
    return (kept, set(ids)) if ids and named == len(ids) else ([], set())


def _split_csv(bad, column: str, columns: list[str]) -> tuple[list[str], set[str]]:
    """A ragged line -> (parts to keep, the fields between them, which may be the customer's id).

    Where delimiters are missing or too many, the id lies between the place that counting from the left gives and the
    one that counting from the right gives: all in between goes, whether quotes are heeded or taken for plain signs.
    Nothing is kept of a line that cannot be counted: one whose quotes are broken, or whose delimiter is not found out.
    """
    raw, counted = bad.raw, _COUNTED.fullmatch(bad.detail)
    readings = [(delimiter, _fields(raw, delimiter, heed_quotes=True)) for delimiter in ",;\t|"]
    # Only the delimiter that the reader used gives as many fields as it counted.
    delimiters = [delimiter for delimiter, fields in readings if counted and len(fields) == int(counted[1])]
    if not delimiters or column not in columns:
        return [], set()
    place, ids = columns.index(column), set()
    hidden = bytearray(len(raw))
    for delimiter, heed_quotes in itertools.product(delimiters, (True, False)):
        fields = _fields(raw, delimiter, heed_quotes=heed_quotes)
        low, high = sorted((place, place + len(fields) - len(columns)))
        for start, end in fields[max(low, 0) : high + 1]:
            hidden[start:end] = b"\1" * (end - start)
            ids.add(raw[start:end])
    kept = [""]
    for gone, run in itertools.groupby(range(len(raw)), key=hidden.__getitem__):
        if gone:
            kept.append("")
        else:
            kept[-1] = "".join(raw[at] for at in run)
    return kept, ids


def _fields(raw: str, delimiter: str, *, heed_quotes: bool) -> list[tuple[int, int]]:
    """Where the fields of a line lie, as the csv module reads: only one that begins with a quote is quoted."""
    spans, start, at = [], 0, 0
    while at < len(raw):
        if heed_quotes and at == start and (quoted := _QUOTED.match(raw, at)):
            at = quoted.end()
        elif at < len(raw) and raw[at] == delimiter:
            spans.append((start, at))
            start = at = at + 1
        else:
            at += 1
    return [*spans, (start, len(raw))]
