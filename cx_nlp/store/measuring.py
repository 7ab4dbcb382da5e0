"""The tables that are computed from the lake as a run will leave it, in files that wait for the run's commit.

One partition an `as_of`, the latest feedback_date. A night rewrites the partition of its own as_of and leaves older
ones alone; `rescore` and `forget` rewrite all. One of a later date goes: it was the latest day until a row's date was corrected.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from cx_nlp import progress, schema
from cx_nlp.store import duck, due, files
from cx_nlp.store.building import Built
from cx_nlp.store.merge import Plan

# tables_of(connection, feedback, mentions, parents) -> as_of, and name and rows each, see `cx_nlp.measures.tables`.
TablesOf = Callable[
    [duckdb.DuckDBPyConnection, str, str, dict[str, str | None]],
    tuple[dt.date | None, Iterable[tuple[str, pa.Table | Iterable[pa.RecordBatch]]]],
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
    every: bool = False,
    settings: str | None = None,
    memory: str = duck.MEMORY,
    threads: int = 2,
) -> Built:
    """Compute the measures after the run and write them under temporary names; nothing where the run changes nothing.

    themes: as in `commit_run`. every: those of each past as_of again, from the feedback up to that day. settings: a digest
    of what measures follow from beside the lake's rows; measures made with another are made again, also in a night
    without news. A lake that has feedback but no measures yet gets them on its next run, and so do figures that an
    earlier run owes.
    """
    built = list(built)
    owed = due.known(plan.lake)
    changed = any(one.writes or one.deletes for one in built) or owed is not None
    every = every or (owed is not None and owed.every)
    held = {table: files.partitions(plan.lake, table) for table in schema.MEASURE_TABLES}
    made_with = plan.lake / "_state" / "measured_with"
    is_current = settings is None or (made_with.exists() and made_with.read_text(encoding="ascii").strip() == settings)
    if not changed and held["measures"] and is_current:
        return Built()
    feedback = after(plan, built, "feedback")
    if not feedback and not changed:
        return Built()
    days: list[dt.date | None] = [None]  # the latest, whichever that will be
    if every:
        days += sorted({day for partitions in held.values() for day in partitions}, reverse=True)
    scratch = files.staging(plan.lake, plan.run_id)
    scratch.mkdir(parents=True, exist_ok=True)
    mentions, parents = after(plan, built, "theme_mentions"), _parents(plan.lake, themes)
    writes: dict[Path, Path] = {}
    latest = None
    with progress.bar("measures", total=len(days)) if every else contextlib.nullcontext() as step:
        for day in days:
            # A connection a day: the tables that a maker leaves in it are of that day.
            with duck.session(scratch, memory=memory, threads=threads) as con:
                of_feedback = _until(duck.parquet(con, feedback, schema.FEEDBACK), day)
                of_mentions = _until(duck.parquet(con, mentions, schema.THEME_MENTIONS), day)
                as_of, tables = tables_of(con, of_feedback, of_mentions, parents)
                latest = as_of if day is None else latest
                if as_of is not None and (day is None or day == as_of != latest):
                    for table, rows in tables:
                        final = files.partition(plan.lake, table, as_of)
                        writes[final] = files.write_table(final, rows, schema.TABLES[table], run_id=plan.run_id)
            if step:
                step(1)
    stale = [
        path
        for partitions in held.values()
        for date, path in partitions.items()
        if latest is None or date > latest or (every and path not in writes)
    ]
    if not is_current and latest is not None:
        writes[made_with] = files.write_text(made_with, f"{settings}\n", run_id=plan.run_id)
    return Built(tuple((temporary, final) for final, temporary in writes.items()), tuple(stale))


def _until(relation: str, day: dt.date | None) -> str:
    return relation if day is None else f"(SELECT * FROM {relation} WHERE feedback_date <= DATE '{day.isoformat()}')"


def _parents(lake: Path, themes: pd.DataFrame | None) -> dict[str, str | None]:
    known = files.read_table(files.themes_file(lake), schema.THEMES).to_pylist()
    parents = {row["theme_id"]: row["parent_theme_id"] for row in known}
    if themes is not None:
        pairs = zip(themes["theme_id"], themes["parent_theme_id"], strict=True)
        parents |= {theme_id: parent if isinstance(parent, str) else None for theme_id, parent in pairs}
    return parents
