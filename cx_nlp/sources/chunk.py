"""What every source yields: a bounded piece of a file as text, as read, with the records that could not be parsed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cx_nlp.columns import header_names
from cx_nlp.errors import SourceError

# No record may be longer (characters; bytes in JSONL): a quote that is never closed, or a file without line
# breaks, must not fill the memory. 10,000 words are some 60,000 characters.
MAX_RECORD = 2**24
# A chunk ends early at this size, so that 5,000 very long records do not add up.
MAX_CHUNK = 2**25
# How much of a bad record is handed on.
MAX_RAW = 2**16
MAX_COLUMNS = 2000


@dataclass(frozen=True)
class BadRow:
    """One record that cannot be parsed. `detail` never quotes the record; `raw` is its text, at most MAX_RAW long."""

    position: str
    detail: str
    raw: str


@dataclass(frozen=True)
class Chunk:
    """rows (N, C): columns of dtype `str`, missing as NaN, index 0..N-1; positions: N strings, "survey-1.csv:12".

    All chunks of one file have the same columns, in the same order; a file without records gives one chunk of
    zero rows. `bad` holds what could not be parsed between the chunk before and this one, in file order.
    """

    rows: pd.DataFrame
    positions: list[str]
    bad: list[BadRow]


def make_chunk(columns: Sequence[str], values: Sequence[Iterable], positions: list[str], bad: list[BadRow]) -> Chunk:
    """columns: C names; values: C sequences of N `str` or None (or Arrow string arrays) -> Chunk."""
    data = {name: _text(column) for name, column in zip(columns, values, strict=True)}
    return Chunk(rows=pd.DataFrame(data, index=range(len(positions))), positions=positions, bad=bad)


def chunked(
    columns: Sequence[str], records: Iterable[tuple[str, Sequence[str | None]] | BadRow], *, chunk_rows: int
) -> Iterator[Chunk]:
    """Records, each a BadRow or (position, C values), in chunks of at most `chunk_rows` rows and about MAX_CHUNK size.

    Gives at least one chunk, so that a file without records still shows its columns.
    """
    rows: list[Sequence[str | None]] = []
    positions: list[str] = []
    bad: list[BadRow] = []
    size, is_first = 0, True

    def flush() -> Chunk:
        return make_chunk(columns, list(zip(*rows, strict=True)) or [[] for _ in columns], positions, bad)

    for record in records:
        if isinstance(record, BadRow):
            bad.append(record)
            size += len(record.raw)
        else:
            positions.append(record[0])
            rows.append(record[1])
            size += sum(len(value) for value in record[1] if value)
        if len(rows) >= chunk_rows or len(bad) >= chunk_rows or size >= MAX_CHUNK:
            yield flush()
            rows, positions, bad, size, is_first = [], [], [], 0, False
    if rows or bad or is_first:
        yield flush()


def _text(values: Iterable) -> pd.api.extensions.ExtensionArray:
    try:
        return pd.array(values, dtype="str")
    except UnicodeEncodeError:
        return pd.array([None if value is None else storable(value) for value in values], dtype="str")


def storable(text: str) -> str:
    """Join surrogate pairs, replace lone surrogates by U+FFFD: JSON can write them, UTF-8 and Parquet cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def clean_name(name: str) -> str:
    """One column name without what people cannot see at its ends; "" if nothing is left."""
    return storable(name).strip("\ufeff\u200b\u00a0 \t\r\n\v\f\0")


def clean_names(names: Iterable[str], path: Path | str) -> list[str]:
    """Column names without outer white space, BOM and zero-width space; an empty one becomes "column 3".

    Raises SourceError that names duplicates (counts them, if the names may be a row of data): which of two columns a
    config means cannot be guessed.
    """
    cleaned = [clean_name(name) or f"column {i}" for i, name in enumerate(names, start=1)]
    twice = [name for name, count in Counter(cleaned).items() if count > 1]
    if twice:
        shown = dict(zip(cleaned, header_names(cleaned), strict=False))  # empty if they may be a row of data
        if not shown:
            raise SourceError(
                f"{path}: {len(twice):,} of {len(cleaned):,} column names come twice, is there a header line?"
            )
        raise SourceError(f"{path}: duplicate column names: {', '.join(repr(shown[name]) for name in twice[:10])}")
    if len(cleaned) > MAX_COLUMNS:
        raise SourceError(f"{path}: {len(cleaned):,} columns, expected at most {MAX_COLUMNS:,}")
    return cleaned
