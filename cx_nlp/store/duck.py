"""DuckDB as the store uses it: no network, bounded memory, spilling into the run's own scratch folder."""

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from cx_nlp.errors import LakeError

_MOST, _LEAST_BESIDE_MODEL = 384, 128  # MB
MEMORY = f"{_MOST}MB"  # of buffers; more rows than fit go to the spill folder
BATCH = 10_000  # rows a batch handed to Arrow


def beside_model(held: int) -> str:
    """Memory for a sort of so many bytes (in DuckDB) while a model holds its share.

    Six times as much: 128 MB sort 30 MB of text with two threads, and fail at 40. What is larger spills within the most.
    """
    return f"{min(_MOST, max(_LEAST_BESIDE_MODEL, 6 * held // 2**20))}MB"


@contextlib.contextmanager
def session(scratch: Path, *, memory: str = MEMORY, threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own; tables and sorts beyond `memory` go to `scratch / "spill"`.

    A full disk or a broken file raises LakeError in one line.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "threads": threads,
        # Of its own: sessions side by side would write into each other's files.
        "temp_directory": str(scratch / f"spill-{secrets.token_hex(4)}"),
        "preserve_insertion_order": False,  # every result is ordered by its own key
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(config=config)
    try:
        # A bar in the middle of a log helps nobody.
        connection.execute("SET enable_progress_bar = false")
        yield connection
    except (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InvalidInputException) as error:
        raise LakeError(f"lake: {' '.join(str(error).partition('LINE 1:')[0].split())[:300]}") from None
    finally:
        connection.close()


def parquet(
    connection: duckdb.DuckDBPyConnection, paths: Iterable[Path], to: pa.Schema, *, located: bool = False
) -> str:
    """SQL for the rows of Parquet files, to stand after FROM; no paths give an empty table of the schema's columns.

    located: adds `part` (the file's name), `nr` (the row's number in it) and `dt` (its partition's date, or null).
    """
    paths = list(paths)
    if not paths:
        extra = [("part", pa.string()), ("nr", pa.int64()), ("dt", pa.date32())] if located else []
        table = pa.schema([*to, *(pa.field(name, kind) for name, kind in extra)])
        name = f"empty_{abs(hash(tuple(table.names)))}"
        connection.register(name, table.empty_table())
        return name
    listed = ", ".join(literal(_no_glob(str(path))) for path in paths)
    columns = ", ".join(f'"{name}"' for name in to.names)
    date = r"TRY_CAST(regexp_extract(filename, 'dt=([0-9-]{10})/[^/]*$', 1) AS DATE)"
    place = f", parse_filename(filename) AS part, file_row_number AS nr, {date} AS dt" if located else ""
    options = "hive_partitioning = false" + (", filename = true, file_row_number = true" if located else "")
    return f"(SELECT {columns}{place} FROM read_parquet([{listed}], {options}))"


def arrow(connection: duckdb.DuckDBPyConnection, query: str) -> pa.RecordBatchReader:
    """A query's rows, streamed."""
    return connection.sql(query).to_arrow_reader(BATCH)


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a table, view or subquery, which may carry a WHERE."""
    # fetchall, not fetchone: a result that is not read to its end blocks the connection.
    return connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]


def literal(value: object) -> str:
    """A text as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def _no_glob(path: str) -> str:
    """A path in which DuckDB sees no pattern: a folder may well be named lake[2]."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
