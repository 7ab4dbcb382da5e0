"""A run from the lake's side: open it, finish it in one commit, or give it up."""

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from cx_nlp import schema
from cx_nlp.errors import LakeError
from cx_nlp.store import clock, due, files, journal, ledger, qualities, state, tombstones
from cx_nlp.store.building import Built
from cx_nlp.store.journal import Healed, Step
from cx_nlp.store.merge import Plan


def open_lake(lake: Path) -> Healed:
    """Bring the lake into one whole state: finish what a crash cut short, sweep what dead runs left.

    Call it under the lock, before anything else. An empty folder is a lake. Raises LakeError if the lake follows
    another schema version or cannot be healed.
    """
    state.check_version(lake)
    return journal.heal(lake)


def commit_run(
    plan: Plan,
    built: Iterable[Built],
    *,
    runs: Sequence[Mapping[str, object]],
    themes: pd.DataFrame | None = None,
    taken: Mapping[str, Mapping[str, str]] | None = None,
    advance: bool = True,
    settings: str | None = None,
    owes: due.Due | None = None,
    step: Step = lambda name: None,
) -> None:
    """Make the run part of the lake: all tables, `runs` and the state change together or not at all.

    runs: from `run_rows`. themes: the taxonomy's dimension, see `ledger.write_themes`. taken: by source, the checksums
    of its files by name (`SourceFile.name`, `.sha256`). advance: False keeps neither watermarks nor checksums, nor
    are they kept for a run of some dates. settings: the text of `_state/settings.json`. owes: figures that this run
    leaves for a later one to compute, see `due`; None where `built` holds all. The staging folder goes when all is done;
    one that cannot be removed makes no committed run fail, and is left to the next one's `open_lake`.
    Raises LakeError; the next run's `open_lake` repairs what was left.
    """
    built = list(built)
    lake, run_id = plan.lake, plan.run_id
    writes = [write for one in built for write in one.writes]
    deletes = [path for one in built for path in one.deletes]
    writes += ledger.write_rejects(plan)
    writes += ledger.write_themes(plan, built, themes)
    writes += ledger.write_runs(lake, runs, run_id=run_id)
    writes += state.write_version(lake, run_id)
    writes += tombstones.write(lake, run_id, plan.folder)
    writes += state.write_settings(lake, run_id, settings)
    owed, paid = due.write(lake, run_id, owes)
    writes += owed
    deletes += paid
    if advance and plan.dates is None:
        read = clock.settled(lake, run_id, plan.started_at, taken or {})
        writes += state.write_state(
            lake, run_id, taken=read, high=plan.high, started_at=plan.started_at, whole=plan.whole
        )
    journal.commit(lake, run_id, writes, deletes, step=step)
    with contextlib.suppress(LakeError):
        drop_staging(lake, run_id)
    step("staging dropped")


def record_failure(
    lake: Path, run_id: str, rows: Sequence[Mapping[str, object]], *, quality: Sequence[Mapping[str, object]] = ()
) -> Healed:
    """Leave the lake as it was before a failed run, but for the run's rows in `runs` (status "failed") and `quality`.

    A commit that had begun is finished instead: then the run is part of the lake, and these rows are not written, nor
    are they where it was done before. Call it under the same lock.
    """
    healed = journal.heal(lake)
    started_at = rows[0]["started_at"] if rows else None
    known = ledger.rows_of_run(lake, run_id, started_at) if isinstance(started_at, dt.datetime) else []
    if run_id in healed.finished or any(row["status"] == "done" for row in known):
        return healed
    filled = [{"run_id": run_id, "status": "failed", **row} for row in rows]
    writes = ledger.write_runs(lake, filled, run_id=run_id) + state.write_version(lake, run_id)
    if isinstance(started_at, dt.datetime):
        writes += qualities.write_quality(lake, run_id, quality, started_at=started_at)
    journal.commit(lake, run_id, writes)
    return healed


def drop_staging(lake: Path, run_id: str) -> None:
    """Remove the run's scratch folder; none there is fine."""
    folder = files.staging(lake, run_id)
    try:
        shutil.rmtree(folder, ignore_errors=False)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise LakeError(f"cannot remove {folder}: {error.strerror or error}") from None


def rows(lake: Path, table: str) -> int:
    """Rows of a table of the lake; 0 where it has no file. Raises LakeError for a file that is not of this schema."""
    return sum(_rows_of_files(lake, table))


def summary(lake: Path) -> dict[str, int]:
    """Rows in each table of the lake, by name; tables without a file are left out."""
    found = {table: _rows_of_files(lake, table) for table in schema.TABLES}
    return {table: sum(counts) for table, counts in found.items() if counts}


def _rows_of_files(lake: Path, table: str) -> list[int]:
    paths = [files.themes_file(lake)] if table == "themes" else files.partitions(lake, table).values()
    return [files.check_schema(path, schema.TABLES[table]) for path in paths if path.exists()]
