"""Sources that are read as a whole: what the lake has of them and the snapshot has not is removed."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from cx_nlp import schema
from cx_nlp.errors import RunStopped
from cx_nlp.store import duck, files
from cx_nlp.store.staging import STAGED_REJECTS, staged_files


def remove(con: duckdb.DuckDBPyConnection, lake: Path, run_id: str, whole: Mapping[str, float]) -> dict[str, int]:
    """Add the rows that a full snapshot no longer holds to the table `leaving` of `merge`; -> their number by source.

    whole: source -> the smallest share of its rows that may stay. A row that the snapshot holds but that was rejected
    is there all the same, and stays as it was. Raises RunStopped where less stays: that is an export which broke off,
    or one with other ids, more often than it is the truth.
    """
    removed: dict[str, int] = {}
    known = duck.parquet(con, files.partitions(lake, "feedback").values(), schema.FEEDBACK)
    rejects = duck.parquet(con, staged_files(lake, run_id, "rejects"), STAGED_REJECTS)
    for source, share in sorted(whole.items()):
        name = duck.literal(source)
        con.execute(f"""
            CREATE OR REPLACE TABLE absent AS
            SELECT source, feedback_id, feedback_date AS old_date, response_id AS old_response
            FROM (SELECT * FROM {known} WHERE source = {name})
            ANTI JOIN staged USING (source, feedback_id)
            ANTI JOIN (SELECT source, feedback_id FROM {rejects}) USING (source, feedback_id)""")
        held, gone = duck.count(con, f"{known} WHERE source = {name}"), duck.count(con, "absent")
        if held - gone < share * held:
            raise RunStopped(
                f"{source}: the snapshot holds {held - gone:,} of the {held:,} rows in the lake, expected at least "
                f"{share:.0%} of them (snapshot_min); nothing was replaced"
            )
        con.execute("INSERT INTO leaving FROM absent")
        con.execute("DROP TABLE absent")
        removed[source] = gone
    return removed
