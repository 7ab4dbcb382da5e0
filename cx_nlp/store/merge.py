"""What a night's rows mean for the lake: which are new, which replace, which lose, and what must be rewritten.

`plan` reads keys, hashes and ratings alone, with DuckDB in bounded memory; texts wait in the staged files until their
date is built. Its result lies in Parquet files under the run's staging folder, so that a plan can be passed between
processes as a few values and paths:

    rows.parquet     rows to write (new and replacing), as STAGED with final ids and response values, by feedback_date
    touched.parquet  lake rows whose own values stand but whose response's changed, with new values and old_date
    gone.parquet     keys that leave their old_date's partition (replaced or touched ones come back, in it or another;
                     deleted and removed ones do not)
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from cx_nlp import schema
from cx_nlp.store import counting, duck, files, responses, snapshots, tombstones
from cx_nlp.store.staging import staged_files

RESPONSE_ROWS = 100_000  # rows of responses settled at a time
Dates = tuple[dt.date, dt.date]  # first and last, both included
# Adds rows of the lake to the table `leaving`; -> their number by source.
Remove = Callable[[duckdb.DuckDBPyConnection, Path], dict[str, int]]
_SETTLED = pa.schema(
    [(name, schema.FEEDBACK.field(name).type) for name in ("source", "feedback_id", *responses.DECIDES)]
)


@dataclass(frozen=True)
class Plan:
    """What one run is going to change. Plain values and paths: it may cross processes."""

    lake: Path
    run_id: str
    started_at: dt.datetime
    dates: Dates | None  # the run takes feedback of these dates alone
    counts: dict[str, dict[str, int]]  # by source: read, the accounting counts, removed
    to_score: dict[dt.date, int]  # every date to rewrite, in order, and its rows to score
    high: dict[str, dt.datetime]  # by source: the newest updated_at (else submitted_at) read, at most started_at
    whole: tuple[str, ...] = ()  # sources that were read as full snapshots

    @property
    def folder(self) -> Path:
        return files.staging(self.lake, self.run_id) / "plan"

    def groups(self, rows: int = 20_000) -> list[list[dt.date]]:
        """Dates to rewrite, joined so that each group but the last has `rows` or more to score: batches fill better.

        Every date stands in exactly one group; no change, no groups.
        """
        return grouped(self.to_score, rows)


def grouped(counts: Mapping[dt.date, int], rows: int) -> list[list[dt.date]]:
    """Dates in order, joined so that each group but the last has `rows` or more."""
    groups: list[list[dt.date]] = []
    held = rows
    for date, count in sorted(counts.items()):
        if held >= rows:
            groups.append([])
            held = 0
        groups[-1].append(date)
        held += count
    return groups


def plan(
    lake: Path,
    run_id: str,
    *,
    started_at: dt.datetime,
    occurrence_id: Callable[[str, int], str],
    sources: Iterable[str] = (),
    dates: Dates | None = None,
    whole: Mapping[str, float] | None = None,
    staged_by: str | None = None,
    remove: Remove | None = None,
    memory: str = duck.MEMORY,
    threads: int = 2,
) -> Plan:
    """Compare the run's staged rows with the lake; changes nothing in it. Call under the lock, after all staging.

    occurrence_id: (identity, 1, 2, …) -> feedback_id of a further equal row without an id of its own.
    sources: names that get counts even if they gave no row. dates: takes the rows of those feedback_dates; others,
    and rejects, which have no date, are not read at all. whole: sources of which all that there is was staged, with the
    smallest share of their rows that may stay; their other rows in the lake are removed. staged_by: the run that staged
    the rows, if it is another: a backfill commits what it read in several runs. remove: what else goes. Nothing staged
    and nothing removed gives a plan without dates. Raises RunStopped for a snapshot that leaves less than its share.
    """
    folder = files.staging(lake, run_id) / "plan"
    folder.mkdir(parents=True, exist_ok=True)
    with duck.session(folder.parent, memory=memory, threads=threads) as con:
        staged = staged_files(lake, staged_by or run_id, "rows")
        _load(con, staged, dates)
        _name_occurrences(con, occurrence_id)
        tombstones.load(con, lake)
        _decide(con, lake)
        tombstones.keep(con, folder)
        removed = snapshots.remove(con, lake, run_id, whole or {}) | (remove(con, lake) if remove else {})
        counts = counting.counts(con, lake, run_id, sources, removed=removed, rejects=dates is None)
        high = counting.high(con, started_at)
        con.execute("DROP TABLE staged")
        _settle(con, lake)
        to_score = _write(con, staged, folder)
    return Plan(lake, run_id, started_at, dates, counts, to_score, high, tuple(sorted(whole or {})))


def _load(con: duckdb.DuckDBPyConnection, staged: list[Path], dates: Dates | None) -> None:
    """Table `staged`: light columns of all rows, each with its place (part, nr) in the staged files.

    `tie` tells rows apart that are equal in all mapped values: what a source passes through unmapped.
    """
    rows = duck.parquet(con, staged, schema.STAGED, located=True)
    where = f"WHERE {_of_dates(rows, dates)}" if dates else ""
    con.execute(f"""
        CREATE TABLE staged AS
        SELECT part, nr, source, feedback_id, row_hash, coalesce(response_id, feedback_id) AS response_id,
               feedback_date, submitted_at, updated_at, nps, csat, ces, rating, rating_scale,
               coalesce(issues, '') AS issues, score_status, file, has_own_id, identity, hash(attributes, text) AS tie,
               coalesce(is_deleted, false) AS is_deleted
        FROM {rows} {where}""")


def _of_dates(rows: str, dates: Dates) -> str:
    """Rows of some dates, and what deletes one of them: a tombstone often has no date, and must not be passed over."""
    on = f"feedback_date BETWEEN DATE '{dates[0].isoformat()}' AND DATE '{dates[1].isoformat()}'"
    keys = f"SELECT (source, feedback_id) FROM {rows} WHERE {on}"
    return f"{on} OR (is_deleted AND (source, feedback_id) IN ({keys}))"


def _name_occurrences(con: duckdb.DuckDBPyConnection, occurrence_id: Callable[[str, int], str]) -> None:
    """Rows without an id that are equal within one file are pieces 0, 1, …; from 1 on they get an id of their own.

    The same identity in two files is the same feedback, exported twice. Ranked by content, never by place.
    """
    con.execute("CREATE TABLE renamed (part VARCHAR, nr BIGINT, feedback_id VARCHAR)")
    reader = con.cursor()  # a connection has one open result; this one stays open while ids are written
    repeated = reader.sql("""
        SELECT part, nr, identity, occurrence FROM (
            SELECT part, nr, identity, row_number() OVER (
                       PARTITION BY source, file, identity ORDER BY row_hash, tie, part, nr) - 1 AS occurrence
            FROM staged SEMI JOIN (
                SELECT source, file, identity FROM staged WHERE NOT has_own_id AND NOT is_deleted
                GROUP BY ALL HAVING count(*) > 1
            ) USING (source, file, identity)
            WHERE NOT has_own_id AND NOT is_deleted)
        WHERE occurrence > 0""").to_arrow_reader(duck.BATCH)
    for batch in repeated:
        identities, occurrences = batch["identity"].to_pylist(), batch["occurrence"].to_pylist()
        ids = pa.array([occurrence_id(*pair) for pair in zip(identities, occurrences, strict=True)], pa.string())
        con.register("batch", pa.table({"part": batch["part"], "nr": batch["nr"], "feedback_id": ids}))
        con.execute("INSERT INTO renamed SELECT * FROM batch")
        con.unregister("batch")
    reader.close()
    con.execute("""
        UPDATE staged SET
            response_id = CASE WHEN staged.response_id = staged.feedback_id THEN renamed.feedback_id
                               ELSE staged.response_id END,
            feedback_id = renamed.feedback_id
        FROM renamed WHERE staged.part = renamed.part AND staged.nr = renamed.nr""")


def _decide(con: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Tables `decided`, one row for each key with its fate and where the lake has it now, and `leaving`, what goes.

    Of versions that tie, the one that the lake holds stands: reading both again must not bring the older one back. A
    tombstone wins over what is not newer, and without a time of its own over all. "absent": it finds nothing to delete.
    A row that is not newer than a remembered tombstone of its key has lost to that.
    """
    known = duck.parquet(con, files.partitions(lake, "feedback").values(), schema.FEEDBACK)
    con.execute(f"""
        CREATE TABLE held AS
        SELECT source, feedback_id, row_hash, updated_at, feedback_date, response_id
        FROM {known} SEMI JOIN staged USING (source, feedback_id)""")
    con.execute("""
        CREATE TABLE decided AS
        SELECT winner.*, known.feedback_date AS old_date, known.response_id AS old_response,
               CASE WHEN winner.is_deleted AND (known.feedback_id IS NULL OR winner.updated_at < known.updated_at)
                         THEN 'absent'
                    WHEN winner.is_deleted THEN 'deleted'
                    WHEN known.feedback_id IS NULL AND remembered.deleted_at >= coalesce(winner.updated_at, winner.submitted_at)
                         THEN 'superseded'
                    WHEN known.feedback_id IS NULL THEN 'new'
                    WHEN known.row_hash = winner.row_hash THEN 'unchanged'
                    WHEN winner.updated_at < known.updated_at THEN 'superseded'
                    ELSE 'replaced' END AS fate
        FROM (SELECT staged.* FROM staged LEFT JOIN held USING (source, feedback_id)
              QUALIFY row_number() OVER (PARTITION BY source, feedback_id
                  ORDER BY (staged.is_deleted AND staged.updated_at IS NULL) DESC, staged.updated_at DESC NULLS LAST,
                           staged.is_deleted DESC, coalesce(staged.row_hash = held.row_hash, false) DESC,
                           staged.row_hash DESC, tie, file, part, nr) = 1) AS winner
        LEFT JOIN held AS known USING (source, feedback_id)
        LEFT JOIN remembered USING (source, feedback_id)""")
    con.execute("""
        CREATE TABLE leaving AS
        SELECT source, feedback_id, old_date, old_response FROM decided WHERE fate IN ('replaced', 'deleted')""")


def _settle(con: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """Tables `shared`, all rows of the responses that this run changes, and `settled`, what each of them agrees on.

    A response of one staged row needs no consensus and stands in neither.
    """
    known = duck.parquet(con, files.partitions(lake, "feedback").values(), schema.FEEDBACK)
    columns = ", ".join(responses.READS)
    con.execute(f"""
        CREATE TABLE member AS
        WITH affected AS (
            SELECT source, response_id FROM decided WHERE fate IN ('new', 'replaced')
            UNION SELECT source, old_response FROM leaving)
        SELECT {columns}, is_response_head, nps_group, true AS in_lake
        FROM (SELECT * FROM {known}) SEMI JOIN affected USING (source, response_id)
        ANTI JOIN leaving USING (source, feedback_id)
        UNION ALL
        SELECT {columns}, NULL, NULL, false FROM decided WHERE fate IN ('new', 'replaced')""")
    con.execute("""
        CREATE TABLE shared AS SELECT member.* FROM member SEMI JOIN (
            SELECT source, response_id FROM member GROUP BY ALL HAVING count(*) > 1 OR bool_or(in_lake)
        ) USING (source, response_id)""")
    con.execute("DROP TABLE member")
    con.register("none_settled", _SETTLED.empty_table())
    con.execute("CREATE TABLE settled AS SELECT *, false AS in_lake FROM none_settled")
    buckets = math.ceil(duck.count(con, "shared") / RESPONSE_ROWS)
    for bucket in range(buckets):
        # Whole responses fall into one bucket; the order within does not matter to the consensus.
        rows = con.sql(
            f"SELECT {columns}, in_lake FROM shared WHERE hash(source, response_id) % {buckets} = {bucket}"
        ).to_arrow_table()
        frame = rows.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get, date_as_object=False)
        settled = responses.consensus(frame)
        table = pa.Table.from_pandas(settled[_SETTLED.names], schema=_SETTLED, preserve_index=False)
        con.register("batch", table.append_column("in_lake", rows["in_lake"]))
        con.execute("INSERT INTO settled SELECT * FROM batch")
        con.unregister("batch")


def _write(con: duckdb.DuckDBPyConnection, staged: list[Path], folder: Path) -> dict[dt.date, int]:
    """The plan's three files; -> rows to score by date to rewrite. A lake row is touched only if a value changes.

    Step by step, each with one large operation: joins and the sort of whole rows do not share the memory.
    """
    changed = " OR ".join(f"s.{name} IS DISTINCT FROM m.{name}" for name in responses.DECIDES)
    con.execute(f"""
        CREATE TABLE touched AS
        SELECT s.* EXCLUDE (in_lake), m.feedback_date AS old_date
        FROM (SELECT * FROM settled WHERE in_lake) AS s JOIN (SELECT * FROM shared WHERE in_lake) AS m
        USING (source, feedback_id) WHERE {changed}""")
    con.execute("""
        CREATE TABLE gone AS
        SELECT source, feedback_id, old_date FROM leaving
        UNION ALL SELECT source, feedback_id, old_date FROM touched""")
    con.execute(f"""
        CREATE TABLE final AS
        SELECT d.part, d.nr, d.feedback_id, d.response_id, s.feedback_id IS NOT NULL AS is_settled,
               {", ".join(f"s.{name}" for name in responses.DECIDES)}
        FROM (SELECT * FROM decided WHERE fate IN ('new', 'replaced')) AS d
        LEFT JOIN (SELECT * FROM settled WHERE NOT in_lake) AS s USING (source, feedback_id)""")
    for table in ("decided", "leaving", "shared", "settled"):
        con.execute(f"DROP TABLE {table}")

    alone = {name: f"r.{name}" for name in responses.DECIDES} | {
        "is_response_head": "true",
        # Without a rating a scale says nothing, and it could not be told from one that a response brings.
        "rating_scale": "CASE WHEN r.rating IS NULL THEN NULL ELSE r.rating_scale END",
        "issues": "coalesce(r.issues, '')",
    }
    value = {name: f"CASE WHEN f.is_settled THEN f.{name} ELSE {own} END" for name, own in alone.items()}
    value |= {"feedback_id": "f.feedback_id", "response_id": "f.response_id"}
    columns = ", ".join(f"{value.get(name, f'r.{name}')} AS {name}" for name in schema.STAGED.names)
    source = duck.parquet(con, staged, schema.STAGED, located=True)
    unsorted, rows = folder / "unsorted.parquet", folder / "rows.parquet"
    _copy(con, f"SELECT {columns} FROM {source} AS r JOIN final AS f ON r.part = f.part AND r.nr = f.nr", unsorted)
    con.execute("DROP TABLE final")
    _copy(con, f"FROM {duck.parquet(con, [unsorted], schema.STAGED)} ORDER BY feedback_date, source, feedback_id", rows)
    unsorted.unlink()
    for name in ("touched", "gone"):
        _copy(con, f"SELECT * FROM {name} ORDER BY old_date, source, feedback_id", folder / f"{name}.parquet")
    found = con.execute(f"""
        SELECT feedback_date, sum(rows)::BIGINT FROM (
            SELECT feedback_date, (score_status = 'scored')::INT AS rows FROM {duck.parquet(con, [rows], schema.STAGED)}
            UNION ALL SELECT old_date, 0 FROM gone
            UNION ALL SELECT feedback_date, 0 FROM touched)
        GROUP BY ALL ORDER BY ALL""").fetchall()
    return dict(found)


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    con.execute(f"COPY (FROM ({query})) TO {duck.literal(path)} (FORMAT parquet, ROW_GROUP_SIZE 2_048)")
