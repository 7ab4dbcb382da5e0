"""Deletions that are remembered, so that an older file which changes later does not bring its rows back.

`_state/tombstones.parquet` holds a hash of each key that a tombstone with a time of its own has named, with the latest
such time. A tombstone without a time is not kept: nothing could tell a row that was restored from an old one.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from cx_nlp import schema
from cx_nlp.store import duck, files

SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),  # 32 hex digits over source and feedback_id
        pa.field("deleted_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ],
    metadata={"cx_nlp_table": "tombstones", "cx_nlp_schema_version": schema.SCHEMA_VERSION},
)
_KEY = "left(sha256(source || chr(31) || feedback_id), 32)"


def path(lake: Path) -> Path:
    return lake / "_state" / "tombstones.parquet"


def load(con: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Table `remembered`: source, feedback_id and `deleted_at` of the staged keys that were deleted before.

    Raises LakeError if the file is broken.
    """
    con.register("tombstone", files.read_table(path(lake), SCHEMA))
    con.execute(f"""
        CREATE TABLE remembered AS
        SELECT source, feedback_id, deleted_at FROM tombstone
        JOIN (SELECT DISTINCT source, feedback_id, {_KEY} AS key FROM staged
              WHERE (SELECT count(*) FROM tombstone) > 0) USING (source, key)""")


def keep(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write those known and those staged to `folder`, if this run read one that is new or later."""
    fresh = f"SELECT source, {_KEY} AS key, max(updated_at) AS deleted_at FROM staged WHERE is_deleted GROUP BY ALL"
    (folder / "tombstones.parquet").unlink(missing_ok=True)  # of an earlier try
    later = duck.count(
        con,
        f"({fresh}) AS f LEFT JOIN tombstone AS t USING (source, key) WHERE f.deleted_at > coalesce(t.deleted_at, '-infinity')",
    )
    if later:
        query = f"""SELECT source, key, max(deleted_at) AS deleted_at FROM (FROM ({fresh}) UNION ALL FROM tombstone)
                    WHERE deleted_at IS NOT NULL GROUP BY ALL ORDER BY ALL"""
        con.execute(f"COPY ({query}) TO {duck.literal(folder / 'tombstones.parquet')} (FORMAT parquet)")


def check_readable(lake: Path) -> None:
    """Raises LakeError if the file is broken."""
    files.read_table(path(lake), SCHEMA)


def write(lake: Path, run_id: str, folder: Path) -> list[tuple[Path, Path]]:
    """What `keep` wrote, under a temporary name, for the commit; nothing where it wrote nothing."""
    found = folder / "tombstones.parquet"
    if not found.exists():
        return []
    import pyarrow.parquet as pq

    with pq.ParquetFile(found) as file:
        table = files.conform(file.read(), SCHEMA)
    return [(files.write_table(path(lake), table, SCHEMA, run_id=run_id), path(lake))]
