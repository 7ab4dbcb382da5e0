"""A clock that was set back: what it makes look like the future must not be lost.

Rows dated more than two days after the run are rejected. Under a clock that is behind, rows of yesterday may be; if
their file counted as taken, they would never be read again. So such a file is left for the next run.
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from cx_nlp import schema
from cx_nlp.schema import Reason
from cx_nlp.store import duck, files
from cx_nlp.store.staging import STAGED_REJECTS, staged_files

Taken = dict[str, dict[str, str]]


def is_behind(lake: Path, started_at: dt.datetime) -> bool:
    """Whether a run of the lake has started after this moment: now, or then, a clock was wrong."""
    held = files.partitions(lake, "runs")
    if not held:
        return False
    newest = files.read_table(held[max(held)], schema.RUNS, columns=["started_at"])["started_at"].to_pylist()
    return max(newest) > started_at


def settled(lake: Path, run_id: str, started_at: dt.datetime, taken: Mapping[str, Mapping[str, str]]) -> Taken:
    """Those of the files in `taken` (by source, checksums by name) that need not be read again for the clock's sake."""
    found = {source: dict(marks) for source, marks in taken.items()}
    rejected = staged_files(lake, run_id, "rejects")
    if not rejected or not is_behind(lake, started_at):
        return found
    with duck.session(files.staging(lake, run_id)) as con:
        relation = duck.parquet(con, rejected, STAGED_REJECTS)
        query = f"SELECT DISTINCT source, file FROM {relation} WHERE reason = '{Reason.DATE_IN_FUTURE}'"
        for source, file in con.execute(query).fetchall():
            found.get(source, {}).pop(file, None)
    return found
