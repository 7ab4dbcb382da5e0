"""The tables beside feedback: `rejects`, `runs`, and the dimension `themes`.

Each function writes what changes under temporary names, for the run's commit, and gives (temporary, final) pairs.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from cx_nlp import schema
from cx_nlp.store import duck, files
from cx_nlp.store.building import Built
from cx_nlp.store.measuring import after
from cx_nlp.store.merge import Plan
from cx_nlp.store.staging import STAGED_REJECTS, staged_files

Write = tuple[Path, Path]


def write_rejects(plan: Plan) -> list[Write]:
    """The run's rejected rows that the lake does not know yet, under the UTC date of the run.

    `occurrence` counts equal rejected rows within one file; the same row in two files is one row here, with its place
    in the file whose name comes first. A run for some dates takes none.
    """
    staged = staged_files(plan.lake, plan.run_id, "rejects")
    if plan.dates or not staged:
        return []
    final = files.partition(plan.lake, "rejects", plan.started_at.astimezone(dt.UTC).date())
    names = ", ".join(f'"{name}"' for name in schema.REJECTS.names)
    with duck.session(files.staging(plan.lake, plan.run_id)) as con:
        known = duck.parquet(con, files.partitions(plan.lake, "rejects").values(), schema.REJECTS)
        con.execute(f"""
            CREATE TABLE fresh AS
            WITH counted AS (
                SELECT *, row_number() OVER (PARTITION BY source, row_hash, file ORDER BY nr) - 1 AS occurrence
                FROM {duck.parquet(con, staged, STAGED_REJECTS)}),
            distinct_rows AS (
                SELECT * FROM counted
                QUALIFY row_number() OVER (PARTITION BY source, row_hash, occurrence ORDER BY file) = 1)
            SELECT *, {duck.literal(plan.run_id)} AS run_id FROM distinct_rows
            ANTI JOIN {known} USING (source, row_hash, occurrence)""")
        if not duck.count(con, "fresh"):
            return []
        here = duck.parquet(con, [final] if final.exists() else [], schema.REJECTS)
        query = f"SELECT {names} FROM {here} UNION ALL SELECT {names} FROM fresh ORDER BY source, row_hash, occurrence"
        return [(files.write_table(final, duck.arrow(con, query), schema.REJECTS, run_id=plan.run_id), final)]


def run_rows(
    plan: Plan,
    built: Iterable[Built],
    common: Mapping[str, object],
    by_source: Mapping[str, Mapping[str, object]] | None = None,
) -> list[dict[str, object]]:
    """Rows of `runs` for a run that ends well: one a source of the plan, with its counts.

    common: columns that all sources share (flow, config_hash, code_version, model_version, …); by_source: those of one
    (window_low, seconds_read, …). `status`, `finished_at` and `window_high` are filled unless given.
    """
    built = list(built)
    scored, mentions, themeless, discovered = (
        _total(built, name) for name in ("scored", "mentions", "themeless", "discovered")
    )
    return [
        {
            "run_id": plan.run_id,
            "source": source,
            "started_at": plan.started_at,
            "finished_at": dt.datetime.now(dt.UTC),
            "status": "done",
            "window_high": plan.high.get(source),
            **counts,
            "scored": scored.get(source, 0),
            "mentions": mentions.get(source, 0),
            "themeless": themeless.get(source, 0) - discovered.get(source, 0),
            **common,
            **(by_source or {}).get(source, {}),
        }
        for source, counts in plan.counts.items()
    ]


def rows_of_run(lake: Path, run_id: str, started_at: dt.datetime) -> list[dict[str, object]]:
    """A run's rows in `runs`; [] if it has none."""
    path = files.partition(lake, "runs", started_at.astimezone(dt.UTC).date())
    return [row for row in files.read_table(path, schema.RUNS).to_pylist() if row["run_id"] == run_id]


def write_runs(lake: Path, rows: Sequence[Mapping[str, object]], *, run_id: str) -> list[Write]:
    """Rows added to `runs` under the UTC date of their started_at; one with the key of an older row replaces it.

    Columns that a row lacks are null; one that the table lacks raises KeyError.
    """
    unknown = {name for row in rows for name in row} - set(schema.RUNS.names)
    if unknown:
        raise KeyError(f"table runs has no columns: {', '.join(sorted(unknown))}")
    by_date: dict[dt.date, list[Mapping[str, object]]] = {}
    for row in rows:
        started_at = row["started_at"]
        assert isinstance(started_at, dt.datetime)
        by_date.setdefault(started_at.astimezone(dt.UTC).date(), []).append(row)
    writes = []
    for date, new in by_date.items():
        final = files.partition(lake, "runs", date)
        known = {(row["run_id"], row["source"]): row for row in files.read_table(final, schema.RUNS).to_pylist()}
        known |= {(row["run_id"], row["source"]): row for row in new}
        table = pa.Table.from_pylist([known[key] for key in sorted(known)], schema=schema.RUNS)
        writes.append((files.write_table(final, table, schema.RUNS, run_id=run_id), final))
    return writes


def write_themes(plan: Plan, built: Iterable[Built], themes: pd.DataFrame | None) -> list[Write]:
    """The dimension after this run: the taxonomy's themes, with the dates of their first and last mention.

    themes: columns theme_id, theme, parent_theme_id, kind, owner (status and merged_into may be left out); None keeps
    the lake's. A theme is seen when one below it is, as reports roll it up. One that left the taxonomy stays, with
    status "retired". Nothing is written where nothing changes.
    """
    final = files.themes_file(plan.lake)
    rows = {row["theme_id"]: row for row in files.read_table(final, schema.THEMES).to_pylist()}
    if themes is not None:
        now = {row["theme_id"]: row for row in _dimension(themes)}
        for theme_id, row in rows.items():
            if row["kind"] == "taxonomy" and theme_id not in now:
                row["status"] = "retired"
        rows |= now
    seen = _seen(plan, built, {theme_id: row["parent_theme_id"] for theme_id, row in rows.items()})
    for theme_id, row in rows.items():
        row["first_seen"], row["last_seen"] = seen.get(theme_id, (None, None))
    if not rows:
        return []
    table = pa.Table.from_pylist([rows[theme_id] for theme_id in sorted(rows)], schema=schema.THEMES)
    temporary = files.write_table(final, table, schema.THEMES, run_id=plan.run_id)
    if files.same_bytes(temporary, final):
        temporary.unlink()
        return []
    return [(temporary, final)]


def _dimension(themes: pd.DataFrame) -> list[dict[str, object]]:
    absent = {"owner": None, "parent_theme_id": None, "status": "active", "merged_into": None}
    frame = themes.assign(**{name: value for name, value in absent.items() if name not in themes.columns})
    names = [name for name in schema.THEMES.names if name not in ("first_seen", "last_seen")]
    to = pa.schema([schema.THEMES.field(name) for name in names])
    return pa.Table.from_pandas(frame[names], schema=to, preserve_index=False).to_pylist()


def _seen(plan: Plan, built: Iterable[Built], parents: Mapping[str, str | None]) -> dict[str, tuple[dt.date, dt.date]]:
    """First and last date of each theme's mentions as the lake will be, rolled up to the themes above."""
    mentions = after(plan, built, "theme_mentions")
    with duck.session(files.staging(plan.lake, plan.run_id)) as con:
        source = duck.parquet(con, mentions, schema.THEME_MENTIONS)
        found = con.execute(f"""
            SELECT theme_id, min(feedback_date), max(feedback_date) FROM {source}
            WHERE theme_id IS NOT NULL GROUP BY theme_id""").fetchall()
    seen: dict[str, tuple[dt.date, dt.date]] = {}
    for theme_id, first, last in found:
        passed: set[str] = set()  # a taxonomy that goes in circles must not hang the night
        while theme_id is not None and theme_id not in passed:
            passed.add(theme_id)
            low, high = seen.get(theme_id, (first, last))
            seen[theme_id] = (min(low, first), max(high, last))
            theme_id = parents.get(theme_id)
    return seen


def _total(built: Iterable[Built], name: str) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in built:
        for source, count in getattr(one, name):
            total[source] = total.get(source, 0) + count
    return total
