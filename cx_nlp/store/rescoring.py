"""Which rows of a lake other versions have scored, and the plan that scores them again from their stored text.

What is compared is all that a score follows from: model and engine of the row's language, the version of themes, whether
sentences are wanted, and whether the language can be read at all. A row without mentions names no version of themes; the
run that scored it does: `scored_at` is that run's `started_at`.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from cx_nlp import schema
from cx_nlp.schema import ScoreStatus
from cx_nlp.store import counting, duck, files, responses
from cx_nlp.store.merge import Dates, Plan

DATES_AT_ONCE = 31  # partitions compared together: memory follows from them, not from the lake


@dataclass(frozen=True)
class Wanted:
    """What a scorer would write today. by_language: language -> (model_version, engine, whether mentions are found)."""

    by_language: Mapping[str, tuple[str, str, bool]]
    themes_version: str
    sentences: bool


def languages(lake: Path, scratch: Path) -> list[str]:
    """Languages of the lake's feedback, sorted."""
    with duck.session(scratch) as con:
        known = duck.parquet(con, files.partitions(lake, "feedback").values(), schema.FEEDBACK)
        found = con.execute(f"SELECT DISTINCT language FROM {known} WHERE language IS NOT NULL ORDER BY 1").fetchall()
    return [language for (language,) in found]


def stale(lake: Path, scratch: Path, wanted: Wanted, *, dates: Dates | None = None) -> dict[dt.date, int]:
    """feedback_date -> rows that other versions have scored, in order; dates without any are left out."""
    found: dict[dt.date, int] = {}
    with duck.session(scratch) as con:
        for some in _spans(lake, dates):
            query = _stale(con, lake, some, wanted)
            found |= dict(
                con.execute(f"SELECT feedback_date, count(*) FROM ({query}) GROUP BY 1 ORDER BY 1").fetchall()
            )
    return found


def plan(
    lake: Path, run_id: str, *, started_at: dt.datetime, wanted: Wanted, dates: Dates, memory: str = duck.MEMORY
) -> Plan:
    """A plan that replaces the scores of the stale rows of some dates and nothing else; nothing is read or counted."""
    folder = files.staging(lake, run_id) / "plan"
    folder.mkdir(parents=True, exist_ok=True)
    to_score: dict[dt.date, int] = {}
    with duck.session(folder.parent, memory=memory) as con:
        con.execute("CREATE TABLE key (source VARCHAR, feedback_id VARCHAR, feedback_date DATE, score_status VARCHAR)")
        for some in _spans(lake, dates):
            con.execute(f"INSERT INTO key {_stale(con, lake, some, wanted)}")
        within = [path for date, path in files.partitions(lake, "feedback").items() if dates[0] <= date <= dates[1]]
        known = duck.parquet(con, within, schema.FEEDBACK)
        value = {
            "score_status": "key.score_status", "file": "''", "position": "''", "has_own_id": "true", "identity": "NULL",
            "is_deleted": "false",
        }  # fmt: skip
        columns = ", ".join(f'{value.get(name, f"f.{name}")} AS "{name}"' for name in schema.STAGED.names)
        order = "ORDER BY feedback_date, source, feedback_id"
        _copy(
            con,
            f"SELECT {columns} FROM {known} AS f JOIN key USING (source, feedback_id) {order}",
            folder / "rows.parquet",
        )
        gone = f"SELECT source, feedback_id, feedback_date AS old_date FROM key {order}"
        _copy(con, gone, folder / "gone.parquet")
        touched = pa.schema(
            [schema.FEEDBACK.field(name) for name in ("source", "feedback_id", *responses.DECIDES)]
            + [pa.field("old_date", pa.date32())]
        )
        con.register("none_touched", touched.empty_table())
        _copy(con, "SELECT * FROM none_touched", folder / "touched.parquet")
        counted = f"SELECT feedback_date, count(*) FILTER (score_status = '{ScoreStatus.SCORED}') FROM key GROUP BY 1"
        to_score |= dict(con.execute(f"{counted} ORDER BY 1").fetchall())
        sources = con.execute("SELECT DISTINCT source FROM key ORDER BY 1").fetchall()
    counts = {source: dict.fromkeys(counting.COUNTED, 0) for (source,) in sources}
    return Plan(lake, run_id, started_at, dates, counts, to_score, {})


def _spans(lake: Path, dates: Dates | None) -> Iterator[list[dt.date]]:
    known = [date for date in files.partitions(lake, "feedback") if not dates or dates[0] <= date <= dates[1]]
    for at in range(0, len(known), DATES_AT_ONCE):
        yield known[at : at + DATES_AT_ONCE]


def _stale(con: duckdb.DuckDBPyConnection, lake: Path, dates: list[dt.date], wanted: Wanted) -> str:
    """SQL for source, feedback_id, feedback_date of the stale rows, and the score_status that they shall have."""
    rows = [(language, *versions) for language, versions in sorted(wanted.by_language.items())]
    names = ("language", "model_version", "engine", "has_spans")
    kinds = (pa.string(), pa.string(), pa.string(), pa.bool_())
    columns = {
        name: pa.array([row[at] for row in rows], kind)
        for at, (name, kind) in enumerate(zip(names, kinds, strict=True))
    }
    con.register("wanted", pa.table(columns))
    here = {
        table: duck.parquet(
            con,
            [path for date in dates if (path := files.partition(lake, table, date)).exists()],
            schema.TABLES[table],
        )
        for table in files.SCORED_TABLES
    }
    runs = duck.parquet(con, files.partitions(lake, "runs").values(), schema.RUNS)
    scored, unsupported = (duck.literal(status) for status in (ScoreStatus.SCORED, ScoreStatus.UNSUPPORTED_LANGUAGE))
    lacks_sentences = "s.source IS NULL" if wanted.sentences else "false"
    return f"""
        SELECT f.source, f.feedback_id, f.feedback_date,
               CASE WHEN w.language IS NULL THEN {unsupported} ELSE {scored} END AS score_status
        FROM {here["feedback"]} AS f
        LEFT JOIN wanted AS w USING (language)
        LEFT JOIN (SELECT source, feedback_id, min(themes_version) AS low, max(themes_version) AS high
                   FROM {here["theme_mentions"]} WHERE method <> 'discovered' GROUP BY ALL) AS m
             ON m.source = f.source AND m.feedback_id = f.feedback_id
        LEFT JOIN (SELECT DISTINCT source, feedback_id FROM {here["sentences"]}) AS s
             ON s.source = f.source AND s.feedback_id = f.feedback_id
        LEFT JOIN (SELECT source, started_at, max(themes_version) AS version FROM {runs}
                   WHERE status = 'done' GROUP BY ALL) AS r
             ON r.source = f.source AND r.started_at = f.scored_at
        WHERE f.score_status IN ({scored}, {unsupported}) AND CASE
            WHEN w.language IS NULL THEN f.score_status = {scored}
            ELSE f.score_status <> {scored}
                 OR f.model_version IS DISTINCT FROM w.model_version OR f.engine IS DISTINCT FROM w.engine
                 OR (w.has_spans AND (coalesce(m.low, r.version) IS DISTINCT FROM {duck.literal(wanted.themes_version)}
                                      OR coalesce(m.high, r.version) IS DISTINCT FROM {duck.literal(wanted.themes_version)}
                                      OR ({lacks_sentences})))
            END"""


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    con.execute(f"COPY ({query}) TO {duck.literal(path)} (FORMAT parquet, ROW_GROUP_SIZE 10_000)")
