"""Parquet, streamed by batches: every column as text, in one canonical form for each type.

5.0 becomes "5", true "true", a timestamp ISO 8601 (UTC with "Z" if it has a zone, bare if not), a list, struct or map
JSON text.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cx_nlp.errors import SourceError
from cx_nlp.sources.chunk import Chunk, clean_names, make_chunk
from cx_nlp.sources.files import one_line_errors
from cx_nlp.sources.values import as_text as value_text
from cx_nlp.sources.values import number

# A row group may hold a million rows; with a buffer its column chunks are read piece by piece.
_BUFFER = 2**20
_BINARY = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}


def read(path: Path, *, chunk_rows: int = 5000, encoding: str | None = None) -> Iterator[Chunk]:
    """Yield the rows of one Parquet file in chunks of at most `chunk_rows`; positions are "name:row 1" onwards.

    NaN is missing. pandas' unnamed index columns are left out: they are no data, and change from export to export.
    `encoding` is ignored: Parquet states its own. Raises SourceError: no such file, unreadable, empty, damaged.
    """
    with one_line_errors(path):
        with path.open("rb") as stream:
            if not stream.read(1):
                raise SourceError(f"{path}: empty file")
        try:
            with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
                yield from _chunks(file, path, chunk_rows)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the format's
                raise
            raise SourceError(f"{path}: not readable as Parquet: {' '.join(str(error).split())[:200]}") from None


def _chunks(file: pq.ParquetFile, path: Path, chunk_rows: int) -> Iterator[Chunk]:
    schema = file.schema_arrow
    kept = [i for i, name in enumerate(schema.names) if not name.startswith("__index_level_")]
    columns = clean_names([schema.names[i] for i in kept], path)
    row = 0
    for batch in file.iter_batches(batch_size=chunk_rows):
        positions = [f"{path.name}:row {i}" for i in range(row + 1, row + batch.num_rows + 1)]
        row += batch.num_rows
        yield make_chunk(columns, [as_text(batch.column(i)) for i in kept], positions, [])
    if row == 0:
        yield make_chunk(columns, [[] for _ in columns], [], [])


def as_text(column: pa.Array) -> pa.Array | list[str | None]:
    """Any Arrow array (N,) -> N strings or None in the canonical text of its type."""
    kind = column.type
    if isinstance(kind, pa.DictionaryType):
        return as_text(column.dictionary_decode())
    if isinstance(kind, pa.BaseExtensionType) and not pa.types.is_fixed_size_binary(kind.storage_type):
        return as_text(column.storage)
    if kind in _BINARY:
        return _checked(column)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_date32(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_date64(kind):
        return column.cast(pa.date32()).cast(pa.string())
    if pa.types.is_floating(kind):
        return [None if v is None else number(v) for v in column.to_numpy(zero_copy_only=False)]
    if pa.types.is_timestamp(kind):
        return _iso(column)
    if pa.types.is_time(kind):
        return pc.replace_substring_regex(column.cast(pa.string()), r"\.0*$", "")
    return [value_text(value) for value in column.to_pylist(maps_as_pydicts="lossy")]


def _checked(column: pa.Array) -> pa.Array | list[str | None]:
    """Parquet does not promise that its strings are UTF-8; undecodable bytes become U+FFFD."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        raw = column.view(_BINARY[column.type])
        return [None if value is None else value.decode("utf-8", "replace") for value in raw.to_pylist()]
    return column


def _iso(column: pa.Array) -> pa.Array:
    zone = column.type.tz
    text = (column.cast(pa.timestamp(column.type.unit, "UTC")) if zone else column).cast(pa.string())
    text = pc.replace_substring(text, " ", "T", max_replacements=1)
    # Arrow writes all digits of the unit: 10:00:00.000000 and 10:00:00.250000 carry no more than 10:00:00 and .25.
    text = pc.replace_substring_regex(text, r"(\.\d*?)0+(Z?)$", r"\1\2")
    return pc.replace_substring_regex(text, r"\.(Z?)$", r"\1")
