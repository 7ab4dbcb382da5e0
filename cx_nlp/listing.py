"""A list of the lake (a table of keys) as rows for an export, its text joined from `feedback` where it is asked for."""

from collections.abc import Sequence
from pathlib import Path

from cx_nlp import schema
from cx_nlp.errors import UsageError
from cx_nlp.store import duck, partitions

_INTERNAL = ("run_id",)


def listed(lake: Path, table: str, *, with_text: bool = False) -> tuple[list[str], list[Sequence[object]]]:
    """-> columns, and the rows of the newest as_of in the order of the table's key; a list can be empty.

    with_text: adds `text` as the lake holds it now: empty for feedback that was erased since. Raises UsageError where
    the lake has no such table yet.
    """
    import duckdb

    found = list(partitions(lake, table).values())
    if not found:
        raise UsageError(f"no table {table} in {lake}: expected a lake that `cx-nlp run` wrote")
    columns = [name for name in schema.TABLES[table].names if name not in _INTERNAL]
    with duckdb.connect() as con:
        rows = duck.parquet(con, found[-1:], schema.TABLES[table])
        said = duck.parquet(con, partitions(lake, "feedback").values(), schema.FEEDBACK)
        kept = ", ".join(f"l.{name}" for name in columns)
        key = ", ".join(f"l.{name}" for name in schema.KEYS[table])
        text, join = (
            (", f.text", f"LEFT JOIN {said} AS f ON f.source = l.source AND f.feedback_id = l.feedback_id")
            if with_text
            else ("", "")
        )
        values = con.execute(f"SELECT {kept}{text} FROM {rows} AS l {join} ORDER BY {key}").fetchall()
    return [*columns, *(["text"] if with_text else [])], values
