"""What a run read, counted: the accounting equation, the newest row, and why rows were rejected."""

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from cx_nlp import schema
from cx_nlp.store import duck, files
from cx_nlp.store.staging import STAGED_REJECTS, staged_files

COUNTED = ("read", *schema.ACCOUNTED, "removed")


def counts(
    con: duckdb.DuckDBPyConnection,
    lake: Path,
    run_id: str,
    sources: Iterable[str],
    *,
    removed: Mapping[str, int],
    rejects: bool,
) -> dict[str, dict[str, int]]:
    """The accounting of each source: read = new + replaced + unchanged + superseded + deleted + rejected.

    Reads the tables `staged` and `decided` of `merge`. A tombstone is counted as deleted, whatever it finds.
    """
    found: dict[str, dict[str, int]] = {name: dict.fromkeys(COUNTED, 0) for name in sources}

    def add(source: str, kind: str, rows: int) -> None:
        found.setdefault(source, dict.fromkeys(COUNTED, 0))[kind] += rows

    fates = "SELECT source, fate, count(*) FROM decided WHERE NOT is_deleted GROUP BY ALL"
    for source, fate, rows in con.execute(fates).fetchall():
        add(source, fate, rows)
        add(source, "superseded", -rows)  # the one version of its key that lost to none
    versions = "SELECT source, count(*), count(*) FILTER (is_deleted) FROM staged GROUP BY source"
    for source, rows, deleted in con.execute(versions).fetchall():
        add(source, "read", rows)
        add(source, "deleted", deleted)
        add(source, "superseded", rows - deleted)
    if rejects:
        staged = duck.parquet(con, staged_files(lake, run_id, "rejects"), STAGED_REJECTS)
        for source, rows in con.execute(f"SELECT source, count(*) FROM {staged} GROUP BY ALL").fetchall():
            add(source, "read", rows)
            add(source, "rejected", rows)
    for source, rows in removed.items():
        add(source, "removed", rows)
    return {name: found[name] for name in sorted(found)}


def high(con: duckdb.DuckDBPyConnection, started_at: dt.datetime) -> dict[str, dt.datetime]:
    """By source the newest updated_at (else submitted_at) of the table `staged`, at most started_at."""
    found = con.execute(
        "SELECT source, epoch_us(max(coalesce(updated_at, submitted_at))) FROM staged GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return {source: min(started_at, epoch + dt.timedelta(microseconds=at)) for source, at in found if at is not None}


def staged_dates(lake: Path, run_id: str, dates: tuple[dt.date, dt.date]) -> dict[dt.date, int]:
    """Rows that the run has staged of each feedback_date from the first to the last of `dates`, in order."""
    with duck.session(files.staging(lake, run_id)) as con:
        staged = duck.parquet(con, staged_files(lake, run_id, "rows"), schema.STAGED)
        query = (
            f"SELECT feedback_date, count(*) FROM {staged} WHERE feedback_date BETWEEN ? AND ? GROUP BY 1 ORDER BY 1"
        )
        return dict(con.execute(query, list(dates)).fetchall())


def reject_reasons(lake: Path, run_id: str, source: str) -> dict[str, int]:
    """Rows of a source that the run rejected, by reason, most frequent first; call it before the commit."""
    with duck.session(files.staging(lake, run_id)) as con:
        staged = duck.parquet(con, staged_files(lake, run_id, "rejects"), STAGED_REJECTS)
        found = con.execute(
            f"SELECT reason, count(*) FROM {staged} WHERE source = ? GROUP BY ALL ORDER BY 2 DESC, 1", [source]
        ).fetchall()
    return dict(found)
