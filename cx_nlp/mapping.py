"""From a source's own columns to the contract's targets, values still as read."""

import logging
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from cx_nlp.columns import shown_columns
from cx_nlp.config import TARGETS, SourceConfig
from cx_nlp.errors import SourceError

Values = list[str | None]

log = logging.getLogger("cx_nlp")


@dataclass(frozen=True)
class Mapped:
    """A chunk's N rows by target. All lists have length N; None is missing.

    `values` has every target, with fixed values where the source gives none; `read` only what is mapped, as read.
    """

    values: dict[str, Values]
    read: dict[str, Values]
    attributes: dict[str, Values]  # by the source's column, customer id never among them
    customers: Values  # raw customer ids, trimmed; to be hashed, never to be kept
    sequence: Values  # the column that `date_sequence` names
    deleted: list[bool]  # rows that the source's `tombstone` marks
    deleted_at: Values  # what the tombstone's column says of them, which may be a date


def map_columns(rows: pd.DataFrame, *, name: str, source: SourceConfig, file: str) -> Mapped:
    """rows (N, C), str with missing as NaN or NA -> Mapped. Raises SourceError for a mapped column that is missing."""
    rows = _with_optional_keys(rows, name, source, file)
    _check_columns(rows, name, source, file)
    read = {target: values_of(rows[column]) for target, column in source.columns.items()}
    blank: Values = [None] * len(rows)
    values = {}
    for target in (*TARGETS, "rating_scale"):
        found = read.get(target, blank)
        if (fixed := fixed_text(source.fixed.get(target))) is not None:
            found = [fixed if is_blank(value) else value for value in found]
        values[target] = found
    deleted, deleted_at = _tombstones(rows, source)
    return Mapped(
        values=values,
        read=read,
        attributes={column: values_of(rows[column]) for column in attribute_columns(rows, source)},
        customers=[(value or "").strip() or None for value in read.get("customer_id", blank)],
        sequence=values_of(rows[source.date_sequence]) if source.date_sequence else blank,
        deleted=deleted,
        deleted_at=deleted_at,
    )


def _tombstones(rows: pd.DataFrame, source: SourceConfig) -> tuple[list[bool], Values]:
    if source.tombstone is None:
        return [False] * len(rows), [None] * len(rows)
    found = values_of(rows[source.tombstone.column])
    if source.tombstone.values is None:
        return [not is_blank(value) for value in found], found
    marks = {value.strip().casefold() for value in source.tombstone.values}
    return [not is_blank(value) and str(value).strip().casefold() in marks for value in found], found


def attribute_columns(rows: pd.DataFrame, source: SourceConfig) -> list[str]:
    """Columns kept in `attributes`, sorted: those listed, or all that are not mapped; the customer id's never is.

    Nor is the tombstone's, unless listed: it says nothing about a row that stays.
    """
    if source.attributes is False:
        return []
    mapped = set(source.columns.values()) | ({source.tombstone.column} if source.tombstone else set())
    wanted = [c for c in rows.columns if c not in mapped] if source.attributes is True else source.attributes
    return sorted(set(wanted) - {source.columns.get("customer_id")})


def values_of(column: pd.Series) -> Values:
    """A column as a list of str, missing as None."""
    return column.astype(object).where(column.notna(), None).tolist()


def is_blank(value: str | None) -> bool:
    return value is None or not value.strip()


def fixed_text(value: Any) -> str | None:
    """A value from YAML as a source would write it: dates and times in ISO, booleans as true and false."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


# JSON objects leave out what they do not hold; without these, though, a file is not what the config says it is.
_REQUIRED_KEYS = ("feedback_id", "submitted_at", "text")


def _with_optional_keys(rows: pd.DataFrame, name: str, source: SourceConfig, file: str) -> pd.DataFrame:
    """rows of a JSONL file with mapped keys that none of its objects has as missing values; others as they are."""
    if source.kind != "jsonl":
        return rows
    wanted = {column: target for target, column in source.columns.items() if target not in _REQUIRED_KEYS}
    if source.tombstone:
        wanted.setdefault(source.tombstone.column, "tombstone")
    if not isinstance(source.attributes, bool):
        wanted |= dict.fromkeys(source.attributes, "attributes")
    if rows.empty:  # every line of it is bad, or there is none: nothing is known about its keys
        wanted |= {column: target for target, column in source.columns.items()}
    absent = [column for column in wanted if column not in rows.columns]
    if absent and len(rows):
        log.warning("%s: no object has %s (sources.%s); taken as missing", file, ", ".join(map(repr, absent)), name)
    return rows.reindex(columns=[*rows.columns, *absent]) if absent else rows


def _check_columns(rows: pd.DataFrame, name: str, source: SourceConfig, file: str) -> None:
    wanted = [(column, f"columns.{target}") for target, column in source.columns.items()]
    if source.date_sequence:
        wanted.append((source.date_sequence, "date_sequence"))
    if source.tombstone:
        wanted.append((source.tombstone.column, "tombstone.column"))
    if not isinstance(source.attributes, bool):
        wanted += [(column, "attributes") for column in source.attributes]
    present = set(map(str, rows.columns))
    for column, where in wanted:
        if column not in present:
            found = shown_columns(rows.columns, near=column, wanted=[name for name, _ in wanted])
            raise SourceError(f"{file}: no column {column!r} (sources.{name}.{where}), {found}")
