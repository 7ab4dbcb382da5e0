"""Where a lake's files lie, and how one is written: whole or not at all, and the same rows as the same bytes.

Layout: `<table>/dt=YYYY-MM-DD/part-0.parquet`, `themes/part-0.parquet`, and beside the tables `_state/`,
`_journal/`, `_staging/<run_id>/` and `_lock`. A file is written under a temporary name in its own folder
(`.part-0.parquet.<run_id>.tmp`, which no reader's glob matches) and gets its name only in a commit.
"""

import filecmp
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from cx_nlp import schema
from cx_nlp.errors import LakeError

PART = "part-0.parquet"
PARTITIONED = ("feedback", "theme_mentions", "sentences", "rejects", "runs", "quality", *schema.MEASURE_TABLES)
SCORED_TABLES = ("feedback", "theme_mentions", "sentences")  # partitioned by feedback_date, rewritten together
ROW_GROUP = 50_000  # rows; fixed, since it shapes the bytes
_DT = re.compile(r"dt=(\d{4}-\d{2}-\d{2})")
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def partition(lake: Path, table: str, dt: date) -> Path:
    """The one file of a table's date, there or not."""
    return lake / table / f"dt={dt.isoformat()}" / PART


def partition_date(path: Path) -> date | None:
    """The date in the name of the folder that holds `path`; None if it is no partition folder."""
    match = _DT.fullmatch(path.parent.name)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:  # dt=2026-02-31
        return None


def partitions(lake: Path, table: str) -> dict[date, Path]:
    """A table's partition files by date, in order; empty if there are none."""
    found = {partition_date(path): path for path in (lake / table).glob(f"dt=*/{PART}")}
    return {dt: found[dt] for dt in sorted(dt for dt in found if dt is not None)}


def themes_file(lake: Path) -> Path:
    return lake / "themes" / PART


def staging(lake: Path, run_id: str) -> Path:
    """The run's own scratch folder; swept when the run is over or dead."""
    return lake / "_staging" / check_run_id(run_id)


def downloads(lake: Path, run_id: str) -> Path:
    """Where a run keeps copies of files far away while it reads them; swept with the rest of its scratch."""
    return staging(lake, run_id) / "downloads"


def check_run_id(run_id: str) -> str:
    """A run's id is part of file names: letters, digits, `_.-`, at most 100. Raises ValueError for another."""
    if not _RUN_ID.fullmatch(run_id):
        raise ValueError(f"run_id {run_id!r}: expected 1 to 100 letters, digits, '_', '.' or '-'")
    return run_id


def temporary(path: Path, run_id: str) -> Path:
    """The name under which a run writes `path` before its commit: same folder, hidden, never ends in .parquet."""
    return path.with_name(f".{path.name}.{check_run_id(run_id)}.tmp")


def conform(table: pa.Table, to: pa.Schema) -> pa.Table:
    """Columns in the schema's order and types, its metadata alone (what pandas adds would shape the bytes).

    Raises KeyError for a missing column, pyarrow.ArrowInvalid or ValueError for a value that does not fit.
    """
    return table.select(to.names).cast(to).replace_schema_metadata(to.metadata)


def write_table(path: Path, rows: pa.Table | Iterable[pa.RecordBatch], to: pa.Schema, *, run_id: str) -> Path:
    """Write rows under the run's temporary name for `path`, synced to disk; -> that name, for `journal.commit`.

    Streamed: at most `ROW_GROUP` rows and a batch are held. The bytes depend on rows and their order alone, not on
    how they were batched. No rows give an empty file. Raises LakeError if the disk refuses.
    """
    options = {"compression": "zstd", "compression_level": 3, "write_page_checksum": True}
    with _synced(path, run_id) as (name, sink), pq.ParquetWriter(sink, to, **options) as writer:
        for group in _row_groups(rows, to):
            writer.write_table(group, row_group_size=ROW_GROUP)
    return name


def _row_groups(rows: pa.Table | Iterable[pa.RecordBatch], to: pa.Schema) -> Iterator[pa.Table]:
    """Tables of exactly ROW_GROUP rows and a rest, one chunk a column: chunks decide where pages end."""
    if isinstance(rows, pa.Table):
        rows = rows.to_batches()
    held: list[pa.Table] = []
    for batch in rows:
        held.append(conform(pa.Table.from_batches([batch]), to))
        if sum(table.num_rows for table in held) >= ROW_GROUP:
            whole = pa.concat_tables(held)
            cut = whole.num_rows - whole.num_rows % ROW_GROUP
            for start in range(0, cut, ROW_GROUP):
                yield whole.slice(start, ROW_GROUP).combine_chunks()
            held = [whole.slice(cut)]
    if held and sum(table.num_rows for table in held):
        yield pa.concat_tables(held).combine_chunks()


def read_table(path: Path, to: pa.Schema, *, columns: list[str] | None = None) -> pa.Table:
    """A lake's file, checked to follow the schema; no file gives no rows.

    Raises LakeError if it is of another schema version, of another table, or broken (page checksums are verified).
    """
    if not path.exists():
        table = to.empty_table()
        return table.select(columns) if columns else table
    check_schema(path, to)
    try:
        # ParquetFile, not read_table: a folder named dt=… must not become a column.
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise LakeError(f"{path}: cannot be read: {_line(error)}") from None


def check_schema(path: Path, to: pa.Schema) -> int:
    """Rows in the file, if its schema is `to`; raises LakeError that names what differs."""
    try:
        with pq.ParquetFile(path) as file:
            found, rows = file.schema_arrow, file.metadata.num_rows
    except (OSError, pa.ArrowException) as error:
        raise LakeError(f"{path}: not a whole Parquet file: {_line(error)}") from None
    metadata = found.metadata or {}
    version = metadata.get(b"cx_nlp_schema_version", b"none").decode()
    if version != schema.SCHEMA_VERSION:
        raise LakeError(f"{path}: schema version {version}, expected {schema.SCHEMA_VERSION}")
    if not found.equals(to):
        differing = sorted({field.name for field in set(found) ^ set(to)}) or ["the order of columns"]
        table = to.metadata[b"cx_nlp_table"].decode()
        raise LakeError(f"{path}: columns differ from table {table}: {', '.join(differing)}")
    return rows


def same_bytes(one: Path, other: Path) -> bool:
    """Whether both files exist and are equal to the byte."""
    return one.exists() and other.exists() and filecmp.cmp(one, other, shallow=False)


def write_text(path: Path, text: str, *, run_id: str) -> Path:
    """As `write_table`, for a small text file of the lake's state."""
    with _synced(path, run_id) as (name, sink):
        sink.write(text.encode("utf-8"))
    return name


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """What a disk refuses, as LakeError "cannot <what>: <why>"."""
    try:
        yield
    except OSError as error:
        raise LakeError(f"cannot {what}: {error.strerror or error}") from None


@contextmanager
def _synced(path: Path, run_id: str) -> Iterator[tuple[Path, IO[bytes]]]:
    """The run's temporary name for `path` and a stream to it, synced to disk at the end; gone if the disk refuses."""
    name = temporary(path, run_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with name.open("wb") as sink:
            yield name, sink
            sink.flush()
            os.fsync(sink.fileno())
    except OSError as error:
        name.unlink(missing_ok=True)
        raise LakeError(f"cannot write {path}: {error.strerror or error}") from None


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable: without it a power cut can undo a rename."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
