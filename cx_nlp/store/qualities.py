"""The table `quality`: what the gates found in a run, under the UTC date of the run, as in `runs`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from cx_nlp import schema
from cx_nlp.store import files
from cx_nlp.store.building import Built
from cx_nlp.store.merge import Plan


def build_quality(plan: Plan, rows: Sequence[Mapping[str, object]]) -> Built:
    """Rows of `quality` for the run's commit; no rows give nothing to commit."""
    return Built(tuple(write_quality(plan.lake, plan.run_id, rows, started_at=plan.started_at)))


def write_quality(
    lake: Path, run_id: str, rows: Sequence[Mapping[str, object]], *, started_at: dt.datetime
) -> list[tuple[Path, Path]]:
    """Add a run's rows (columns of QUALITY but for run_id and started_at) under a temporary name, for a commit."""
    if not rows:
        return []
    to = schema.TABLES["quality"]
    final = files.partition(lake, "quality", started_at.astimezone(dt.UTC).date())
    key = schema.KEYS["quality"]
    known = {tuple(row[name] for name in key): row for row in files.read_table(final, to).to_pylist()}
    for row in rows:
        filled = {**row, "run_id": run_id, "started_at": started_at}
        known[tuple(filled[name] for name in key)] = filled
    table = pa.Table.from_pylist([known[one] for one in sorted(known)], schema=to)
    return [(files.write_table(final, table, to, run_id=run_id), final)]
