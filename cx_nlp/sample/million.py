"""python -m cx_nlp.sample.million: how long, and in how much memory, the measures of a million scored rows take.

The rows are made up column by column, without any relation between them: what is tried is the aggregation, and nothing
that was planted could be found in it. They are written as a lake's partitions are, and read back by the same functions
that a night uses, in a process of its own so that its peak memory is theirs alone.
"""

import json
import resource
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import click
import duckdb
import numpy as np
import pyarrow as pa

from cx_nlp import outcome_files, schema
from cx_nlp.store import duck, files

DAYS = 365
THEMES, OWNERS, TOUCHPOINTS = 40, 6, 7
_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN", "date32[day]": "DATE"}


def _lot(salt: int, size: int) -> str:
    """SQL: a number in 0..size-1 that looks drawn, and is the same for the same row."""
    return f"(hash(i * 1000 + {salt}) % {size})::INT"


def _real(salt: int) -> str:
    return f"({_lot(salt, 100_001)} / 100000.0)"


_LABEL = "['negative', 'neutral', 'positive'][1 + {}]"
_DATE = f"DATE '2025-04-01' + (i % {DAYS})::INT"
FEEDBACK = {
    "source": "'s' || (i % 3)", "feedback_id": "'f' || i", "row_hash": "'h' || i", "response_id": "'f' || i", "is_response_head": "true",
    "feedback_date": _DATE, "submitted_at": f"({_DATE})::TIMESTAMPTZ",
    "channel": f"'c' || {_lot(1, 4)}", "touchpoint": f"'t' || {_lot(2, TOUCHPOINTS)}", "segment": f"'g' || {_lot(3, 4)}",
    "respondent_role": "CASE WHEN i % 20 = 0 THEN 'employee' ELSE 'customer' END",
    "customer_key": f"md5({_lot(4, 400_000)}::VARCHAR)", "weight": "1.0",
    "nps": _lot(5, 11), "csat": f"1 + {_lot(6, 5)}", "ces": f"1 + {_lot(7, 7)}",
    "score_status": f"CASE WHEN {_lot(8, 10)} < 8 THEN 'scored' ELSE 'no_text' END", "text": "repeat('word ' || i || ' ', 12)",
    "sentiment_label": _LABEL.format(_lot(9, 3)), "sentiment_score": f"2 * {_real(10)} - 1", "is_mixed": f"{_lot(11, 10)} = 0",
    "is_uncertain": f"{_lot(12, 10)} = 0", "primary_emotion": f"['joy', 'anger', 'gratitude', 'sadness', 'neutral'][1 + {_lot(13, 5)}]",
    "is_emotional": f"{_lot(14, 10)} < 4", "emotional_intensity": _real(15), "issues": "''", "attributes": "'{}'",
    "clean_version": "'c'", "model_version": "'sentiment=m@0|emotion=m@0|aspect=m@0'", "run_id": "'r'",
}  # fmt: skip
# 1.3 mentions a row: a few texts name several themes.
MENTIONS = {
    "source": "'s' || (j % 3)", "feedback_id": "'f' || j", "feedback_date": "DATE '2025-04-01'",
    "mention_id": "i", "theme_id": f"'g/t' || {_lot(21, THEMES)}", "is_negated": "false", "method": "'pattern'",
    "run_id": "'r'", "sentiment_label": _LABEL.format(_lot(22, 3)), "sentiment_score": f"2 * {_real(23)} - 1",
    "p_negative": _real(24), "p_neutral": _real(25), "p_positive": _real(26), "primary_emotion": "'neutral'",
    "themes_version": "'t1'",
}  # fmt: skip


def make(folder: Path, rows: int) -> None:
    """Write feedback and mentions of so many rows into an empty folder."""
    with duck.session(folder, threads=1) as con:
        for table, to, columns, source in (
            ("feedback", schema.FEEDBACK, FEEDBACK, f"SELECT i, i AS j FROM range({rows}) t(i)"),
            ("theme_mentions", schema.THEME_MENTIONS, MENTIONS,
             f"SELECT i, (hash(i) % {rows})::BIGINT AS j FROM range({rows * 13 // 10}) t(i)"),
        ):  # fmt: skip
            named = ", ".join(
                f'({columns.get(field.name, "NULL")})::{_TYPES.get(str(field.type), "TIMESTAMPTZ")} AS "{field.name}"'
                for field in to
            )
            day = "i" if table == "feedback" else "j"
            con.execute(f"""
                COPY (SELECT {named}, strftime(DATE '2025-04-01' + ({day} % {DAYS})::INT, '%Y-%m-%d') AS dt FROM ({source}))
                TO {duck.literal(folder / table)}
                (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (dt), FILENAME_PATTERN 'part-{{i}}')""")


def measure(folder: Path) -> dict[str, object]:
    """All measure tables of the folder -> rows, and seconds (of the clock, of the processor) by table."""
    from cx_nlp import measures

    laps: dict[str, np.ndarray] = {}  # a table may come in parts
    started = [time.monotonic(), time.process_time()]
    finish = measures.finish

    def lap(name: str, *rest, **options) -> pa.Table:
        table = finish(name, *rest, **options)
        now = [time.monotonic(), time.process_time()]
        took = (now[0] - started[0], now[1] - started[1], table.num_rows)
        laps[name] = laps.get(name, np.zeros(3)) + took
        started[:] = now
        return table

    measures.finish = lap  # every table goes through it
    whole = time.monotonic(), time.process_time()
    (folder / "_spill").mkdir(exist_ok=True)  # DuckDB makes its own folder in it, and only once memory runs out
    try:
        with duck.session(folder / "_spill", threads=2) as con:
            feedback, mentions = (
                duck.parquet(con, sorted((folder / table).glob(f"dt=*/{files.PART}")), to)
                for table, to in (("feedback", schema.FEEDBACK), ("theme_mentions", schema.THEME_MENTIONS))
            )
            outcomes, loops = _beside(con, feedback)
            parents = {f"g/t{t}": f"g/p{t % OWNERS}" for t in range(THEMES)} | {f"g/p{p}": None for p in range(OWNERS)}
            _, made = measures.tables(
                con, feedback, mentions, parents, run_id="r", outcome_rows=outcomes, loop_rows=loops,
                owners={f"g/t{t}": f"owner {t % OWNERS}" for t in range(THEMES)}, known_shares={"segment": {"g0": 0.5, "g1": 0.5}},
            )  # fmt: skip
            for _, batches in made:
                deque(batches, maxlen=0)
            rows = duck.count(con, feedback)
    finally:
        measures.finish = finish
    took = time.monotonic() - whole[0], time.process_time() - whole[1]
    by_table = [
        {"table": n, "seconds": round(s, 1), "processor_seconds": round(c, 1), "rows": int(r)}
        for n, (s, c, r) in laps.items()
    ]
    return {"rows": rows, "seconds": round(took[0], 1), "processor_seconds": round(took[1], 1), "tables": by_table}


def _beside(con: duckdb.DuckDBPyConnection, feedback: str) -> tuple[pa.Table, pa.Table]:
    """An outcome for every fourth customer at the end of the year, and an answer to every third piece of feedback."""
    outcomes = f"""
        SELECT customer_key, DATE '2026-04-01' AS as_of, hash(customer_key) % 3 > 0 AS stayed,
               (hash(customer_key) % 500)::DOUBLE AS spend, hash(customer_key) % 2 = 0 AS recommended, NULL::VARCHAR AS persona
        FROM (SELECT DISTINCT customer_key FROM {feedback}) WHERE hash(customer_key) % 4 = 0"""
    loops = f"""
        SELECT source, feedback_id, submitted_at + INTERVAL 5 HOUR AS answered_at, hash(feedback_id) % 2 = 0 AS resolved
        FROM {feedback} WHERE hash(feedback_id) % 3 = 0"""
    read = (duck.arrow(con, outcomes).read_all(), duck.arrow(con, loops).read_all())
    return read[0].cast(outcome_files.OUTCOMES), read[1].cast(outcome_files.LOOPS)


@click.command()
@click.option("--rows", type=click.IntRange(1_000), default=1_000_000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="for the rows; is kept")
@click.option("--only-measure", is_flag=True, hidden=True)
def main(rows: int, folder: Path, only_measure: bool) -> None:
    """Make rows where the folder has none yet, measure them, and print seconds and peak memory as JSON.

    Example: python -m cx_nlp.sample.million --rows 1000000 --folder /tmp/million
    """
    if only_measure:
        click.echo(json.dumps(measure(folder)))
        return
    if not (folder / "feedback").exists():
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, rows)
    command = [sys.executable, "-m", "cx_nlp.sample.million", "--folder", str(folder), "--only-measure"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 2**30
    click.echo(json.dumps(found | {"peak_gib": round(peak, 2)}, indent=1))


if __name__ == "__main__":
    main()
