"""The tables that are computed from the lake as a run will leave it, in files that wait for the run's commit.

One partition an `as_of`, the latest feedback_date. A night rewrites the partition of its own as_of and leaves older
ones alone. One of a later date goes: it was the latest day until a row's date was corrected.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from cx_nlp import schema
from cx_nlp.store import duck, files
from cx_nlp.store.building import Built
from cx_nlp.store.merge import Plan

# tables_of(connection, feedback, mentions, parents) -> as_of and its tables by name, see `cx_nlp.measures.tables`.
TablesOf = Callable[
    [duckdb.DuckDBPyConnection, str, str, dict[str, str | None]], tuple[dt.date | None, dict[str, pa.Table]]
]


def after(plan: Plan, built: Iterable[Built], table: str) -> list[Path]:
    """Files of a table as the run will leave them: those of the lake, with what waits for the commit in their place."""
    found = {path: path for path in files.partitions(plan.lake, table).values()}
    for one in built:
        found |= {
            final: temporary
            for temporary, final in one.writes
            if final.parent.parent.name == table and final.name == files.PART
        }
        found = {final: path for final, path in found.items() if final not in one.deletes}
    return list(found.values())


def build_measures(
    plan: Plan,
    built: Iterable[Built],
    tables_of: TablesOf,
    *,
    themes: pd.DataFrame | None = None,
    settings: str | None = None,
    memory: str = duck.MEMORY,
    threads: int = 2,
) -> Built:
    """Compute the measures after the run and write them under temporary names; nothing where the run changes nothing.

    themes: as in `commit_run`. settings: a digest of what measures follow from beside the lake's rows; measures made
    with another are made again, also in a night without news. A lake that has feedback but no measures yet gets them on
    its next run.
    """
    built = list(built)
    changed = any(one.writes or one.deletes for one in built)
    held = {table: files.partitions(plan.lake, table) for table in schema.MEASURE_TABLES}
    made_with = plan.lake / "_state" / "measured_with"
    is_current = settings is None or (made_with.exists() and made_with.read_text(encoding="ascii").strip() == settings)
    if not changed and held["measures"] and is_current:
        return Built()
    feedback = after(plan, built, "feedback")
    if not feedback and not changed:
        return Built()
    scratch = files.staging(plan.lake, plan.run_id)
    scratch.mkdir(parents=True, exist_ok=True)
    with duck.session(scratch, memory=memory, threads=threads) as con:
        as_of, tables = tables_of(
            con,
            duck.parquet(con, feedback, schema.FEEDBACK),
            duck.parquet(con, after(plan, built, "theme_mentions"), schema.THEME_MENTIONS),
            _parents(plan.lake, themes),
        )
    writes, deletes = [], []
    for table, partitions in held.items():
        deletes += [path for date, path in partitions.items() if as_of is None or date > as_of]
        if as_of is not None:
            final = files.partition(plan.lake, table, as_of)
            writes.append((files.write_table(final, tables[table], schema.TABLES[table], run_id=plan.run_id), final))
    if not is_current and as_of is not None:
        writes.append((files.write_text(made_with, f"{settings}\n", run_id=plan.run_id), made_with))
    return Built(tuple(writes), tuple(deletes))


def _parents(lake: Path, themes: pd.DataFrame | None) -> dict[str, str | None]:
    known = files.read_table(files.themes_file(lake), schema.THEMES).to_pylist()
    parents = {row["theme_id"]: row["parent_theme_id"] for row in known}
    if themes is not None:
        pairs = zip(themes["theme_id"], themes["parent_theme_id"], strict=True)
        parents |= {theme_id: parent if isinstance(parent, str) else None for theme_id, parent in pairs}
    return parents
