"""People whose rows are erased, and kept away: `_state/forgotten.json` {source or "*": [customer_key]}.

The list holds keyed hashes alone, which say nothing without the lake's key. It must stay: without it the next export
that still holds the person would bring them back.
"""

import json
from collections.abc import Collection
from pathlib import Path

import duckdb
import pyarrow as pa

from cx_nlp import schema
from cx_nlp.store import duck, files, state
from cx_nlp.store.building import Built
from cx_nlp.store.merge import Plan

EVERY = "*"  # the person is forgotten in all sources
# Tables of rows about people that no other table is computed from; the rest is rewritten by the plan, or recomputed.
_COMPUTED = {*files.SCORED_TABLES, *schema.MEASURE_TABLES, "runs"}


def of_source(lake: Path, source: str) -> frozenset[str]:
    """Customer keys that a source's rows must not come back for. Raises LakeError for a broken list."""
    known = state.read_json(lake, "forgotten")
    return frozenset(known.get(EVERY, [])) | frozenset(known.get(source, []))


def holds(lake: Path, keys: Collection[str], source: str | None) -> bool:
    """Whether all keys are on the list already."""
    known = state.read_json(lake, "forgotten")
    return set(keys) <= {*known.get(EVERY, []), *known.get(source or EVERY, [])}


def write(lake: Path, run_id: str, keys: Collection[str], source: str | None) -> list[tuple[Path, Path]]:
    """The list with the keys added, under a temporary name, for the commit."""
    known = state.read_json(lake, "forgotten")
    known[source or EVERY] = sorted({*known.get(source or EVERY, []), *keys})
    final = state.json_file(lake, "forgotten")
    return [(files.write_text(final, json.dumps(known, indent=1, sort_keys=True) + "\n", run_id=run_id), final)]


def remove(con: duckdb.DuckDBPyConnection, lake: Path, *, keys: Collection[str], source: str | None) -> dict[str, int]:
    """For `merge.plan`: add the people's rows to `leaving`; -> their number by source."""
    known = duck.parquet(con, files.partitions(lake, "feedback").values(), schema.FEEDBACK)
    con.execute(f"""
        INSERT INTO leaving
        SELECT source, feedback_id, feedback_date, response_id FROM {known} WHERE {_theirs(con, keys, source)}""")
    return dict(con.execute("SELECT source, count(*) FROM leaving GROUP BY ALL ORDER BY ALL").fetchall())


def rows(lake: Path, scratch: Path, *, keys: Collection[str], source: str | None) -> dict[str, dict[str, int]]:
    """What the lake holds of the people: table -> source -> rows; tables without any are left out.

    scratch: where a query may spill.
    """
    found: dict[str, dict[str, int]] = {}
    with duck.session(scratch) as con:
        feedback = duck.parquet(con, files.partitions(lake, "feedback").values(), schema.FEEDBACK)
        con.execute(
            f"CREATE TABLE gone AS SELECT source, feedback_id FROM {feedback} WHERE {_theirs(con, keys, source)}"
        )
        for table in (*files.SCORED_TABLES, *_others()):
            where = _hit(con, table, keys, source)
            known = duck.parquet(con, files.partitions(lake, table).values(), schema.TABLES[table])
            by_source = "source" if "source" in schema.TABLES[table].names else "'(all)'"
            counted = con.execute(f"SELECT {by_source}, count(*) FROM {known} WHERE {where} GROUP BY 1 ORDER BY 1")
            if counts := dict(counted.fetchall()):
                found[table] = counts
    return found


def rewrite(plan: Plan, *, keys: Collection[str], source: str | None) -> Built:
    """Partitions of the tables that the plan does not rewrite, without the people's rows; they wait for the commit."""
    writes: list[tuple[Path, Path]] = []
    deletes: list[Path] = []
    with duck.session(files.staging(plan.lake, plan.run_id)) as con:
        con.execute(f"CREATE VIEW gone AS FROM read_parquet({duck.literal(plan.folder / 'gone.parquet')})")
        for table in _others():
            to, where = schema.TABLES[table], _hit(con, table, keys, source)
            order = ", ".join(f'"{name}" NULLS FIRST' for name in schema.KEYS[table])
            for path in files.partitions(plan.lake, table).values():
                held = duck.parquet(con, [path], to)
                if not duck.count(con, f"{held} WHERE {where}"):
                    continue
                if not duck.count(con, f"{held} WHERE ({where}) IS NOT TRUE"):
                    deletes.append(path)
                    continue
                left = duck.arrow(con, f"SELECT * FROM {held} WHERE ({where}) IS NOT TRUE ORDER BY {order}")
                writes.append((files.write_table(path, left, to, run_id=plan.run_id), path))
    return Built(tuple(writes), tuple(deletes))


def _others() -> list[str]:
    """Tables that name a customer or a feedback, and are neither scored nor computed."""
    named = {"customer_key", "feedback_id"}
    return [t for t in files.PARTITIONED if t not in _COMPUTED and named & set(schema.TABLES[t].names)]


def _hit(con: duckdb.DuckDBPyConnection, table: str, keys: Collection[str], source: str | None) -> str:
    """SQL that is true of the people's rows in a table; reads the relation `gone`."""
    names = set(schema.TABLES[table].names)
    parts = [_theirs(con, keys, source if "source" in names else None)] if "customer_key" in names else []
    if {"source", "feedback_id"} <= names:
        parts.append("(source, feedback_id) IN (SELECT (source, feedback_id) FROM gone)")
    return f"({' OR '.join(parts)})"


def _theirs(con: duckdb.DuckDBPyConnection, keys: Collection[str], source: str | None) -> str:
    con.register("forgotten_key", pa.table({"key": pa.array(sorted(keys), pa.string())}))
    only = f" AND source = {duck.literal(source)}" if source else ""
    return f"(customer_key IN (SELECT key FROM forgotten_key){only})"
