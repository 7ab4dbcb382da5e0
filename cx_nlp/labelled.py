"""Labelled files for `cx-nlp evaluate`: read whole, checked row by row, labels as indices.

A figure over rows that were silently left out would be wrong, so the first row that does not fit ends the reading
with one line that names it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cx_nlp import sources
from cx_nlp.clean import clean_text
from cx_nlp.columns import shown_columns
from cx_nlp.errors import SourceError, UnknownName, UsageError
from cx_nlp.schema import EMOTIONS, SENTIMENTS

# What each task of `evaluate` reads.
COLUMNS = {
    "sentiment": ("text", "label"),
    "emotion": ("text", "labels"),
    "aspect": ("text", "start", "end", "label"),
}


def read_labelled(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """One CSV, JSONL or Parquet file (N >= 1 rows) -> frame (N,) of `columns`, typed by their names, in file order.

    text: str as read, "" if missing; label: int64 index into SENTIMENTS; labels: sorted list of indices into EMOTIONS
    (from names joined by |); start, end: int64, Unicode code points with 0 <= start < end <= len(text). Case and outer
    spaces of labels do not matter; other columns are left out.

    Raises SourceError (no such file, missing column, no rows, a row that cannot be parsed, offsets outside the text),
    UnknownName (a label) or UsageError (a kind of file that is not read).
    """
    values, positions = read_columns(path, columns)
    out: dict[str, Sequence] = {}
    for name in columns:
        pairs = list(zip(values[name], positions, strict=True))
        if name == "label":
            out[name] = [_index("label", value, SENTIMENTS, where) for value, where in pairs]
        elif name == "labels":
            out[name] = [
                sorted({_index("emotion", part, EMOTIONS, where) for part in value.split("|")})
                for value, where in pairs
            ]
        elif name in ("start", "end"):
            out[name] = [_whole(name, value, where) for value, where in pairs]
        else:
            out[name] = values[name]
    if "start" in columns and "end" in columns:
        for text, start, end, where in zip(out["text"], out["start"], out["end"], positions, strict=True):
            if not 0 <= start < end <= len(text):
                raise SourceError(f"{where}: span {start} to {end} does not lie in its text of {len(text)} characters")
    return pd.DataFrame(out)


def read_columns(path: Path, columns: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """-> the texts of each column (N >= 1; "" if missing) and where each row stands ("file.csv line 3"), in file order.

    Raises as `read_labelled`, but for what it says of values.
    """
    files = sources.expand(path)
    if len(files) > 1:
        raise UsageError(f"{path}: matches {len(files)} files, expected one")
    file = files[0]
    chunks = list(sources.resolve(sources.kind_of(file))(file))
    _check_columns(columns, chunks[0].rows.columns, file)
    bad = [row for chunk in chunks for row in chunk.bad]
    if bad:
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise SourceError(f"{bad[0].position}: {bad[0].detail}{more}")
    rows = pd.concat([chunk.rows[list(columns)] for chunk in chunks], ignore_index=True)
    positions = [position for chunk in chunks for position in chunk.positions]
    if rows.empty:
        raise SourceError(f"{file}: no rows, expected at least one labelled text")
    return {name: [value if isinstance(value, str) else "" for value in rows[name]] for name in columns}, positions


def label_matrix(labels: Sequence[Sequence[int]]) -> np.ndarray:
    """N lists of indices into EMOTIONS -> bool (N, 28)."""
    matrix = np.zeros((len(labels), len(EMOTIONS)), dtype=bool)
    for row, indices in enumerate(labels):
        matrix[row, list(indices)] = True
    return matrix


def cleaned_span(text: str, start: int, end: int) -> tuple[str, int, int] | None:
    """A span of a raw text -> (cleaned text, start, end), for what is scored is the cleaned text.

    None if cleaning leaves nothing of the span. Of several occurrences the one nearest to where the span was counts.
    """
    cleaned = clean_text(text)
    if cleaned == text:
        return text, start, end
    mention = clean_text(text[start:end])
    expected = len(clean_text(text[:start]))
    found = [i for i in range(len(cleaned)) if mention and cleaned.startswith(mention, i)]
    if not found:
        return None
    at = min(found, key=lambda i: abs(i - expected))
    return cleaned, at, at + len(mention)


def _check_columns(wanted: Sequence[str], present: Sequence[str], file: Path) -> None:
    for name in wanted:
        if name not in present:
            raise SourceError(f"{file}: no column {name!r}, {shown_columns(present, near=name, wanted=wanted)}")


def _index(kind: str, value: str, names: Sequence[str], where: str) -> int:
    name = value.strip().casefold()
    if name not in names:
        raise UnknownName(kind, value[:80], names, where)
    return names.index(name)


def _whole(name: str, value: str, where: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise SourceError(f"{where}: {name} {value[:40]!r} is not a whole number") from None
