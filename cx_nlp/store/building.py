"""The new files of a date: rows the lake keeps, rows that moved, rows scored now, sorted by key.

All is streamed and sorted with spilling, so memory does not grow with the lake or with a single large date. All reads
see the committed lake: what is written here has temporary names until the commit.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cx_nlp import schema
from cx_nlp.schema import ScoreStatus
from cx_nlp.store import duck, files, responses, resuming
from cx_nlp.store.merge import Plan

# score(rows of STAGED with score_status "scored") -> three frames, see `build`.
Score = Callable[[pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame | None]]
SCORED = (*(name for name, _ in schema.SCORES), "model_version", "engine")
SPAN_BYTES = 64 * 2**20  # of present files (compressed) that are sorted together
_UNPACKED = 4  # bytes of a sort for one of a compressed file, about
_FILLED = ("feedback_date", "run_id")  # columns of mentions and sentences that the store knows and fills


@dataclass(frozen=True)
class Built:
    """Files that wait for the commit, and what was scored for them, by source."""

    writes: tuple[tuple[Path, Path], ...] = ()  # (temporary name, name)
    deletes: tuple[Path, ...] = ()
    scored: tuple[tuple[str, int], ...] = ()
    mentions: tuple[tuple[str, int], ...] = ()
    themeless: tuple[tuple[str, int], ...] = ()  # of the mentions, those that fit no theme
    discovered: tuple[tuple[str, int], ...] = ()  # of the themeless, those that got a theme after all


def build(
    plan: Plan,
    dates: Iterable[dt.date],
    score: Score,
    *,
    slice_rows: int = 5_000,  # their mentions and vectors are held at once: 10 kB a row
    threads: int = 2,
) -> Built:
    """Score the new rows of some dates together and write each date's partitions under temporary names.

    dates: a group of `plan.groups`; groups may be built in any order, or side by side.
    score gets at most slice_rows rows, `STAGED` columns, RangeIndex; it returns
        feedback   one row an input row, same order: columns SCORED;
        mentions   columns of THEME_MENTIONS without feedback_date and run_id, any number of rows a feedback; or None;
        sentences  columns of SENTENCES likewise; or None.
    It is not called where no row needs it, nor where this run has built these dates of this plan before. A partition that
    would keep its bytes is not written, one that is left without rows is deleted. Raises LakeError for a broken lake or a full disk, ValueError for a wrong scorer.
    """
    dates = list(dates)
    if not dates:
        return Built()
    known = resuming.recall(plan, dates)
    if known is not None:
        return Built(**known)
    scratch = files.staging(plan.lake, plan.run_id)
    folder = scratch / "scored" / dates[0].isoformat()
    writes: list[tuple[Path, Path]] = []
    deletes: list[Path] = []
    with duck.session(scratch, memory=duck.beside_model(_staged_bytes(plan, dates)), threads=threads) as con:
        counts = _score(con, plan, dates, score, folder, slice_rows)
    scored = {table: sorted(folder.glob(f"{table}.*.parquet")) for table in files.SCORED_TABLES}
    spans = list(_spans(plan, dates))
    largest = max(_bytes(plan, span) for span in spans) + _sizes(itertools.chain(*scored.values()))
    with duck.session(scratch, memory=duck.beside_model(_UNPACKED * largest), threads=threads) as con:
        for name in ("gone", "touched"):
            path = duck.literal(plan.folder / f"{name}.parquet")
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({path})")
        for span in spans:
            for table in files.SCORED_TABLES:
                written, emptied = _assemble(con, plan, span, table, scored[table])
                writes += written
                deletes += emptied
    built = Built(tuple(writes), tuple(deletes), *(tuple(sorted(count.items())) for count in counts))
    resuming.note(plan, dates, built)
    return built


def _score(
    con: duckdb.DuckDBPyConnection, plan: Plan, dates: list[dt.date], score: Score, folder: Path, slice_rows: int
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Score the dates' new rows slice by slice into files of final rows; -> rows scored, mentions, and mentions without
    a theme, by source.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.parquet"):
        stale.unlink()
    listed = ", ".join(f"DATE '{date.isoformat()}'" for date in dates)
    rows = duck.parquet(con, [plan.folder / "rows.parquet"], schema.STAGED)
    query = f"SELECT * FROM {rows} WHERE feedback_date IN ({listed}) ORDER BY feedback_date, source, feedback_id"
    scored: dict[str, int] = {}
    mentioned: dict[str, int] = {}
    themeless: dict[str, int] = {}
    for number, staged in enumerate(_slices(duck.arrow(con, query), slice_rows)):
        tables = score_slice(files.conform(staged, schema.STAGED), score, plan)
        with files.refusals(f"write in {folder}"):
            for table, frame in tables.items():
                pq.write_table(frame, folder / f"{table}.{number:06}.parquet", compression="zstd")
        readable = tables["feedback"].filter(pc.equal(tables["feedback"]["score_status"], ScoreStatus.SCORED))
        mentions = tables["theme_mentions"]
        without = mentions.filter(pc.is_null(mentions["theme_id"]))
        for counts, of in ((scored, readable), (mentioned, mentions), (themeless, without)):
            for item in of["source"].value_counts().to_pylist():
                counts[item["values"]] = counts.get(item["values"], 0) + item["counts"]
    return scored, mentioned, themeless


def score_slice(staged: pa.Table, score: Score, plan: Plan) -> dict[str, pa.Table]:
    """Staged rows -> rows of the three tables. Rows that cannot be read have no scores; one scored_at a run."""
    status = staged["score_status"].to_pylist()
    places = [row for row, value in enumerate(status) if value == ScoreStatus.SCORED]
    readable = staged.take(pa.array(places, pa.int64()))
    to = pa.schema([schema.FEEDBACK.field(name) for name in SCORED])
    scores, mentions, sentences = to.empty_table(), None, None
    if places:
        frame = readable.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
        scored, mentions, sentences = score(frame)
        if len(scored) != len(frame):
            raise ValueError(f"scorer gave {len(scored)} rows for {len(frame)}")
        scores = files.conform(pa.Table.from_pandas(scored[list(SCORED)], preserve_index=False), to)
    # Row n of the scores belongs to the n-th readable row; null takes nulls.
    place_of = {row: number for number, row in enumerate(places)}
    scores = scores.take(pa.array([place_of.get(row) for row in range(len(status))], pa.int64()))
    times = [plan.started_at if value == ScoreStatus.SCORED else None for value in status]
    columns = {name: staged[name] for name in staged.column_names}
    columns |= {name: scores[name] for name in SCORED}
    columns["run_id"] = pa.array([plan.run_id] * len(status), pa.string())
    columns["scored_at"] = pa.array(times, schema.FEEDBACK.field("scored_at").type)
    feedback = pa.table({name: columns[name] for name in schema.FEEDBACK.names})
    return {
        "feedback": files.conform(feedback, schema.FEEDBACK),
        "theme_mentions": _dated(mentions, readable, schema.THEME_MENTIONS, plan.run_id),
        "sentences": _dated(sentences, readable, schema.SENTENCES, plan.run_id),
    }


def _dated(frame: pd.DataFrame | None, readable: pa.Table, to: pa.Schema, run_id: str) -> pa.Table:
    """The scorer's rows with the date of their feedback and the run; each must belong to a row it was given."""
    if frame is None or not len(frame):
        return to.empty_table()
    given = pa.schema([field for field in to if field.name not in _FILLED])
    table = pa.Table.from_pandas(frame[given.names], schema=given, preserve_index=False)
    keys = zip(readable["source"].to_pylist(), readable["feedback_id"].to_pylist(), strict=True)
    date_of = dict(zip(keys, readable["feedback_date"].to_pylist(), strict=True))
    try:
        pairs = zip(table["source"].to_pylist(), table["feedback_id"].to_pylist(), strict=True)
        dates = [date_of[pair] for pair in pairs]
    except KeyError as error:
        raise ValueError(f"scorer gave a row for {error.args[0]}, which it was not given") from None
    table = table.append_column("feedback_date", pa.array(dates, pa.date32()))
    return files.conform(table.append_column("run_id", pa.array([run_id] * len(dates), pa.string())), to)


def _slices(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Tables of `rows` rows (the last may have fewer)."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        while sum(one.num_rows for one in held) >= rows:
            table = pa.Table.from_batches(held)
            yield table.slice(0, rows)
            held = table.slice(rows).to_batches()
    if held and sum(one.num_rows for one in held):
        yield pa.Table.from_batches(held)


def _assemble(
    con: duckdb.DuckDBPyConnection, plan: Plan, dates: list[dt.date], table: str, scored: list[Path]
) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Write the new state of some dates' partitions of a table -> (temporary, final) pairs, files to delete.

    One query for all of them, ordered by date and key and cut by date as it streams: a query costs as much as
    writing a small partition. The dates are neighbours in the plan, so a range of dates means exactly them.
    """
    to = schema.TABLES[table]
    final = {date: files.partition(plan.lake, table, date) for date in dates}
    within = f"BETWEEN DATE '{dates[0].isoformat()}' AND DATE '{dates[-1].isoformat()}'"
    columns = ", ".join(f'l."{name}"' for name in to.names)
    taken_over = responses.DECIDES if table == "feedback" else ("feedback_date",)
    # run_id tells which run wrote a row last, and a row's mentions carry the run_id of their feedback.
    new = {name: f"t.{name}" for name in taken_over} | {"run_id": duck.literal(plan.run_id)}
    renewed = ", ".join(new.get(name, f'l."{name}"') + f' AS "{name}"' for name in to.names)

    here = _existing(final.values(), to)
    origins = con.execute(f"SELECT DISTINCT old_date FROM touched WHERE feedback_date {within} ORDER BY ALL").fetchall()
    moved = _existing([files.partition(plan.lake, table, old) for (old,) in origins], to)
    rows = duck.arrow(
        con,
        f"""
        SELECT {columns} FROM {duck.parquet(con, here, to)} AS l
        ANTI JOIN (SELECT source, feedback_id FROM gone WHERE old_date {within}) USING (source, feedback_id)
        UNION ALL
        SELECT {renewed} FROM {duck.parquet(con, moved, to)} AS l
        JOIN (SELECT * FROM touched WHERE feedback_date {within}) AS t USING (source, feedback_id)
        UNION ALL
        SELECT {columns} FROM {duck.parquet(con, scored, to)} AS l WHERE feedback_date {within}
        ORDER BY feedback_date, {", ".join(f'"{name}" NULLS FIRST' for name in schema.KEYS[table])}""",
    )
    writes, stay = [], set()
    for date, pieces in itertools.groupby(_by_date(rows), key=lambda pair: pair[0]):
        stay.add(final[date])
        temporary = files.write_table(final[date], (piece for _, piece in pieces), to, run_id=plan.run_id)
        if files.same_bytes(temporary, final[date]):
            temporary.unlink()
        else:
            writes.append((temporary, final[date]))
    return writes, [path for path in here if path not in stay]


def _by_date(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[dt.date, pa.RecordBatch]]:
    """Batches in order of feedback_date, cut where it changes."""
    for batch in batches:
        runs = pc.run_end_encode(batch["feedback_date"])
        start = 0
        for date, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            yield date, batch.slice(start, end - start)
            start = end


def _spans(plan: Plan, dates: list[dt.date]) -> Iterator[list[dt.date]]:
    """Neighbouring dates whose present files are not too large to be sorted together."""
    span: list[dt.date] = []
    held = 0
    for date in dates:
        size = _bytes(plan, [date])
        if span and held + size > SPAN_BYTES:
            yield span
            span, held = [], 0
        span.append(date)
        held += size
    if span:
        yield span


def _bytes(plan: Plan, dates: Iterable[dt.date]) -> int:
    """Of the present files of these dates."""
    return _sizes(files.partition(plan.lake, table, date) for date in dates for table in files.SCORED_TABLES)


def _sizes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.exists())


def _staged_bytes(plan: Plan, dates: list[dt.date]) -> int:
    """Of the rows to score of these dates, unpacked, if rows of all dates are about as long."""
    found = pq.read_metadata(plan.folder / "rows.parquet")
    held = sum(found.row_group(group).total_byte_size for group in range(found.num_row_groups))
    return held * sum(plan.to_score[date] for date in dates) // max(found.num_rows, 1)


def _existing(paths: Iterable[Path], to: pa.Schema) -> list[Path]:
    """Those of the paths that are there, each checked to follow the schema."""
    found = [path for path in paths if path.exists()]
    for path in found:
        files.check_schema(path, to)
    return found
