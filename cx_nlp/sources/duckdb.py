"""A DuckDB file: one SELECT, read only, fetched in Arrow batches, every value as text."""

import contextlib
import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from cx_nlp.clean import clean_text
from cx_nlp.errors import CxError, SourceError, TransientError
from cx_nlp.sources import query as queries
from cx_nlp.sources.chunk import Chunk, clean_names, make_chunk
from cx_nlp.sources.files import one_line_errors
from cx_nlp.sources.parquet import as_text

MEMORY = "384MB"  # of DuckDB's buffers; what does not fit goes to a temporary folder
# Errors that speak of the query or the file. Others, such as a failed conversion, can quote a row.
_ABOUT_QUERY = (
    duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException, duckdb.IOException,
)  # fmt: skip


def read(
    path: Path,
    query: str,
    *,
    parameters: Mapping[str, dt.datetime],
    zone: str = "UTC",
    label: str = "query",
    chunk_rows: int = 5000,
) -> Iterator[Chunk]:
    """Yield the rows of a query in chunks of at most `chunk_rows`; positions are "<label>:row 1" onwards.

    parameters: naive local times for those of :since and :until that the query names; zone: IANA name of the session,
    by which they compare with times in UTC. No extension is fetched. Raises TransientError for a file that another
    process is writing, SourceError: no such file, none of DuckDB's, a wrong query, table or column.
    """
    failure: CxError | None = None
    with one_line_errors(path), path.open("rb"):
        pass
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "threads": 2,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with tempfile.TemporaryDirectory(prefix="cx-nlp-") as spill:
        try:
            with duckdb.connect(str(path), read_only=True, config=config | {"temp_directory": spill}) as connection:
                connection.execute("SET enable_progress_bar = false")
                connection.execute(f"SET TimeZone = '{zone}'")
                statement = queries.rewritten(query, name=lambda name: f"${name}")
                values = {name: parameters[name] for name in queries.parameters(query)}
                # Not `execute`, whose result would be held whole: 1.4 GB for 4 million rows, against 0.1 GB.
                relation = connection.sql(statement, params=values)
                if relation is None:
                    raise SourceError(f"{label}: the query gives no rows, expected a SELECT")
                columns = clean_names(relation.columns, label)
                # Left open by a reader that stops half-way, it would make the file's next connection wait for ever.
                with contextlib.closing(relation.to_arrow_reader(chunk_rows)) as reader:
                    yield from _chunks(reader, columns, label, chunk_rows)
        except duckdb.Error as error:
            failure = _explained(error, label, path)
        except (pa.ArrowException, OSError) as error:  # DuckDB's own, once rows are on their way
            failure = SourceError(f"{label}: {path.name}: the query failed while it was read ({type(error).__name__})")
    if failure is not None:
        raise failure


def _chunks(reader: pa.RecordBatchReader, columns: list[str], label: str, chunk_rows: int) -> Iterator[Chunk]:
    row = 0
    for whole in reader:
        for start in range(0, whole.num_rows, chunk_rows):
            batch = whole.slice(start, chunk_rows)
            positions = [f"{label}:row {i}" for i in range(row + 1, row + batch.num_rows + 1)]
            row += batch.num_rows
            yield make_chunk(columns, [as_text(column) for column in batch.columns], positions, [])
    if row == 0:
        yield make_chunk(columns, [[] for _ in columns], [], [])


def _explained(error: duckdb.Error, label: str, path: Path) -> CxError:
    said = " ".join(str(error).partition("LINE 1:")[0].split())
    shown = clean_text(said)[:200] if isinstance(error, _ABOUT_QUERY) else type(error).__name__
    text = f"{label}: {path.name}: {shown}"
    return TransientError(text) if "set lock on file" in said else SourceError(text)
