"""What is wrong with a lake: each finding one line, none if it is whole.

Everything is looked at, whatever was found before; nothing is changed.
"""

import contextlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cx_nlp import schema
from cx_nlp.errors import LakeError

SHOWN = 3  # examples in a finding


@dataclass(frozen=True)
class Finding:
    """check: a stable name to count by; where: path or table; detail: what was found, never text of a row."""

    check: str
    where: str
    detail: str

    def __str__(self) -> str:
        return f"{self.check}: {self.where}: {self.detail}"


def check_lake(lake: Path, *, wait: float = 0.0) -> list[Finding]:
    """Check files, schemas, keys, dates, responses, accounting and what crashes leave.

    The lake's lock is held meanwhile, so that no run changes it: raises LakeBusy if one is at work, LakeError if there
    is no lake at the path.
    """
    from cx_nlp import store

    if not lake.is_dir():
        raise LakeError(f"no lake at {lake}")
    with store.locked(lake, wait=wait, holder="doctor"):
        found = [*_leftovers(lake), *_state(lake), *_layout(lake)]
        broken = list(_files(lake))
        # Figures over files that cannot be read would say nothing.
        return found + (broken or list(_contents(lake)))


def _leftovers(lake: Path) -> Iterator[Finding]:
    """Journals, temporary files and staging folders: no run is at work, so a crash left them."""
    from cx_nlp.store import journal

    for path in sorted((lake / "_journal").glob("*.json")):
        yield Finding("journal", _name(lake, path), "a commit was cut short; the next run finishes it")
    try:
        for path in journal.leftovers(lake):
            yield Finding("leftover", _name(lake, path), "left by a run that died; the next run sweeps it")
    except (ValueError, KeyError, TypeError):
        yield Finding("journal", "_journal", "not readable")


def _state(lake: Path) -> Iterator[Finding]:
    from cx_nlp.store import due, state, tombstones

    key = lake / "_key"
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Finding("key", "_key", f"mode {stat.S_IMODE(key.stat().st_mode):04o}, expected 0600: others can read it")
    for check in (state.check_version, state.check_readable, tombstones.check_readable):
        try:
            check(lake)
        except LakeError as error:
            yield Finding("state", "_state", str(error))
    with contextlib.suppress(LakeError):  # said above
        if (owed := due.known(lake)) is not None:
            said = f"figures of {len(owed.dates)} changed dates are not computed yet; the next run that ends well does"
            yield Finding("due", "_state/due.json", said)


def _layout(lake: Path) -> Iterator[Finding]:
    """Parquet files that a glob would read but the lake does not know."""
    from cx_nlp.store import files

    for table in schema.TABLES:
        known = set(files.partitions(lake, table).values()) if table != "themes" else {files.themes_file(lake)}
        for path in sorted((lake / table).rglob("*.parquet")):
            if path not in known:
                yield Finding("layout", _name(lake, path), "no file of the lake's, but a glob reads it")


def _files(lake: Path) -> Iterator[Finding]:
    """Each file whole, to its last page, and of its table's schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cx_nlp.store import files

    for table, path in _paths(lake):
        try:
            files.check_schema(path, schema.TABLES[table])
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                for _ in file.iter_batches():
                    pass
        except LakeError as error:
            yield Finding("schema", _name(lake, path), str(error).removeprefix(f"{path}: "))
        except (OSError, pa.ArrowException) as error:
            yield Finding("corrupt", _name(lake, path), " ".join(str(error).split())[:200])


def _contents(lake: Path) -> Iterator[Finding]:
    """What holds between rows, in DuckDB and in bounded memory."""
    import tempfile

    from cx_nlp.store import duck

    # Not in the lake: whoever may only read it can check it.
    with tempfile.TemporaryDirectory() as scratch, duck.session(Path(scratch)) as con:
        for table in schema.TABLES:
            paths = [path for name, path in _paths(lake) if name == table]
            con.execute(f"CREATE VIEW {table} AS SELECT * FROM {duck.parquet(con, paths, schema.TABLES[table])}")
        con.register("forgotten", _forgotten(lake))
        for check, where, detail, query in _checks():
            rows = con.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0]
            if rows:
                some = con.execute(f"SELECT * FROM ({query}) ORDER BY ALL LIMIT {SHOWN}").fetchall()
                shown = "; ".join("/".join("null" if value is None else str(value) for value in row) for row in some)
                yield Finding(check, where, f"{rows} {detail}: {shown}{'; …' if rows > SHOWN else ''}")
        rejected = duck.parquet(con, [p for name, p in _paths(lake) if name == "rejects"], schema.REJECTS, located=True)
        query = f"""SELECT dt, count(*) FROM {rejected} AS r JOIN runs USING (run_id, source)
                    WHERE {_DATED["runs"]} <> dt GROUP BY dt ORDER BY dt"""
        for dt, other in con.execute(query).fetchall():
            yield Finding("date", f"rejects/dt={dt}", f"{other} rows of a run of another date")
        for table, column in _DATED.items():
            paths = [path for name, path in _paths(lake) if name == table]
            rows = duck.parquet(con, paths, schema.TABLES[table], located=True)
            query = f"SELECT dt, count(*) FROM {rows} WHERE {column} IS DISTINCT FROM dt GROUP BY dt ORDER BY dt"
            for dt, other in con.execute(query).fetchall():
                yield Finding("date", f"{table}/dt={dt}", f"{other} rows of another {column}")


def _forgotten(lake: Path):
    """source ("*" for all) and customer_key of those who must not be in the lake."""
    import pyarrow as pa

    from cx_nlp.store import state

    try:
        known = state.read_json(lake, "forgotten")
    except LakeError:  # a finding of its own
        known = {}
    pairs = [(source, key) for source, keys in sorted(known.items()) for key in keys]
    columns = {name: pa.array([pair[at] for pair in pairs], pa.string()) for at, name in enumerate(("source", "key"))}
    return pa.table(columns)


# `rejects` holds no date of its own; AT TIME ZONE makes the UTC wall clock, whatever the session's zone.
_DATED = {
    "feedback": "feedback_date",
    "theme_mentions": "feedback_date",
    "sentences": "feedback_date",
    "runs": "CAST(started_at AT TIME ZONE 'UTC' AS DATE)",
    "quality": "CAST(started_at AT TIME ZONE 'UTC' AS DATE)",
    **dict.fromkeys(schema.MEASURE_TABLES, "as_of"),
}


def _checks() -> Iterator[tuple[str, str, str, str]]:
    """(check, table, what a row of the query is, query whose rows are wrong)."""
    for table, key in schema.KEYS.items():
        columns = ", ".join(f'"{name}"' for name in key)
        yield "key", table, "keys stand twice", f"SELECT {columns} FROM {table} GROUP BY {columns} HAVING count(*) > 1"
    for table in ("theme_mentions", "sentences"):
        yield (
            "orphan",
            table,
            "feedback ids without a feedback row of their date",
            f"SELECT DISTINCT source, feedback_id, feedback_date FROM {table} "
            "ANTI JOIN feedback USING (source, feedback_id, feedback_date)",
        )
    yield (
        "orphan",
        "theme_mentions",
        "themes without a row in themes",
        "SELECT DISTINCT theme_id FROM theme_mentions WHERE theme_id IS NOT NULL AND theme_id NOT IN "
        "(SELECT theme_id FROM themes)",
    )
    yield (
        "response",
        "feedback",
        "responses without exactly one head",
        "SELECT source, response_id FROM feedback GROUP BY ALL HAVING count(*) FILTER (is_response_head) <> 1",
    )
    yield (
        "response",
        "feedback",
        "responses of several dates",
        "SELECT source, response_id FROM feedback GROUP BY ALL HAVING count(DISTINCT feedback_date) > 1",
    )
    for table in ("feedback", "theme_mentions", "sentences", "rejects"):
        yield (
            "run",
            table,
            "runs of its rows that `runs` does not know as done",
            f"SELECT DISTINCT source, run_id FROM {table} "
            "ANTI JOIN (SELECT source, run_id FROM runs WHERE status = 'done') USING (source, run_id)",
        )
    for table in ("feedback", "rejects"):
        yield (
            "forgotten",
            table,
            "rows of people who are forgotten",
            f"SELECT t.source, t.row_hash FROM {table} AS t JOIN forgotten AS f "
            "ON t.customer_key = f.key AND f.source IN ('*', t.source)",
        )
    total = " + ".join(schema.ACCOUNTED)
    yield (
        "accounting",
        "runs",
        f"runs where read is not {total}",
        f"SELECT run_id, source FROM runs WHERE status = 'done' AND (read = {total}) IS DISTINCT FROM true",
    )
    # A tombstone may name a row that was never there, so `deleted` settles nothing.
    yield (
        "accounting",
        "feedback",
        "sources whose rows are not those that the runs added",
        "SELECT source, coalesce(rows, 0), coalesce(added, 0) FROM (SELECT source, count(*) AS rows FROM feedback "
        "GROUP BY source) FULL JOIN (SELECT source, sum(new - coalesce(removed, 0)) AS added, sum(deleted) AS deleted "
        "FROM runs WHERE status = 'done' GROUP BY source) USING (source) "
        "WHERE coalesce(rows, 0) <> coalesce(added, 0) AND coalesce(deleted, 0) = 0",
    )


def _paths(lake: Path) -> list[tuple[str, Path]]:
    """(table, file) of all tables' files, in order."""
    from cx_nlp.store import files

    found = []
    for table in schema.TABLES:
        paths = [files.themes_file(lake)] if table == "themes" else list(files.partitions(lake, table).values())
        found += [(table, path) for path in paths if path.exists()]
    return found


def _name(lake: Path, path: Path) -> str:
    return path.relative_to(lake).as_posix()
