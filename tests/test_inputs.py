"""Nights over what is no local file: queries with their watermark, and files far away."""

import datetime as dt
import sqlite3
from contextlib import closing

import fsspec
import pytest

from cx_nlp.errors import SourceError, UsageError
from tests import nights
from tests.one_source import config, counts, ids, row, write


class Database:
    """A SQLite table of feedback as a help desk would keep it."""

    def __init__(self, path):
        self.path = path
        self.run("CREATE TABLE f (id, response, created, changed, comment, nps, status)")

    def run(self, statement, *values):
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute(statement, values)
            connection.commit()

    def add(self, number, created, changed=None, text="The delivery was late", status="open"):
        self.run("INSERT INTO f VALUES (?, ?, ?, ?, ?, 5, ?)", number, number, created, changed, text, status)


@pytest.fixture
def database(tmp_path):
    return Database(tmp_path / "desk.db")


QUERY = "SELECT * FROM f WHERE coalesce(changed, created) >= :since AND coalesce(changed, created) < :until"


def test_a_query_is_read_from_the_watermark_with_its_overlap(tmp_path, tiny, database):
    path = config(tmp_path, tiny, kind="sql", url="sqlite:///desk.db", query=QUERY, overlap="2d")
    for number, day in enumerate(("2026-03-01", "2026-03-05", "2026-03-06 10:00"), start=1):
        database.add(number, day)
    assert counts(path) == {"read": 3, "new": 3}
    # Late by a day and a half, later than the overlap reaches, edited, and new.
    database.add(4, "2026-03-04 09:00")
    database.add(5, "2026-03-03 09:00")
    database.run("UPDATE f SET comment = 'It came at last', changed = '2026-03-07' WHERE id = 1")
    database.add(6, "2026-03-07 12:00")
    assert counts(path) == {"read": 5, "new": 2, "replaced": 1, "unchanged": 2}
    assert ids(path) == ["1", "2", "3", "4", "6"]
    assert nights.query(tmp_path / "lake", "SELECT window_low, window_high FROM runs ORDER BY started_at") == [
        (None, dt.datetime(2026, 3, 6, 10, tzinfo=dt.UTC)),
        (dt.datetime(2026, 3, 4, tzinfo=dt.UTC), dt.datetime(2026, 3, 7, 12, tzinfo=dt.UTC)),
    ]
    before = nights.content(tmp_path / "lake", without=("runs", "_lock"))
    assert counts(path) == {"read": 4, "unchanged": 4}
    assert nights.content(tmp_path / "lake", without=("runs", "_lock")) == before
    assert counts(path, reread=True) == {"read": 6, "new": 1, "unchanged": 5}


def test_a_failed_night_moves_no_watermark(tmp_path, tiny, database):
    path = config(tmp_path, tiny, kind="sql", url="sqlite:///desk.db", query=QUERY)
    database.add(1, "2026-03-01")
    counts(path)
    state = (tmp_path / "lake" / "_state" / "watermarks.json").read_bytes()
    database.add(2, "2026-03-09")
    database.run("ALTER TABLE f RENAME COLUMN comment TO remark")
    with pytest.raises(SourceError, match=r"no column 'comment' \(sources\.survey\.columns\.text\)"):
        nights.run(path)
    assert (tmp_path / "lake" / "_state" / "watermarks.json").read_bytes() == state
    database.run("ALTER TABLE f RENAME COLUMN remark TO comment")
    assert counts(path)["new"] == 1


def test_one_date_of_a_query_moves_no_watermark(tmp_path, tiny, database):
    path = config(tmp_path, tiny, kind="sql", url="sqlite:///desk.db", query=QUERY)
    for number, day in enumerate(("2026-03-01", "2026-03-02 23:59", "2026-03-03"), start=1):
        database.add(number, day)
    database.add(4, "2026-03-02", changed="2026-03-20")
    assert counts(path, only_date=dt.date(2026, 3, 2)) == {"read": 2, "new": 2}
    assert not (tmp_path / "lake" / "_state" / "watermarks.json").exists()
    assert counts(path) == {"read": 4, "new": 2, "unchanged": 2}


def test_a_duckdb_file_is_a_source(tmp_path, tiny):
    import duckdb

    with duckdb.connect(str(tmp_path / "mart.duckdb")) as con:
        con.execute("CREATE TABLE f AS SELECT 1 AS id, 1 AS response, TIMESTAMP '2026-03-01 10:00' AS created, "
                    "NULL::TIMESTAMP AS changed, 'The delivery was late' AS comment, 3 AS nps")  # fmt: skip
    path = config(tmp_path, tiny, kind="duckdb", path="mart.duckdb", query=QUERY)
    assert counts(path) == {"read": 1, "new": 1} and counts(path) == {"read": 1, "unchanged": 1}


def test_a_password_reaches_neither_lake_nor_log_nor_error(tmp_path, tiny, monkeypatch, caplog):
    """A night that fails writes its error into `runs`: not even there."""
    from cx_nlp import night, store
    from cx_nlp.config import load_config

    monkeypatch.setenv("CX_WORD", "s3cr3t-w0rd")
    path = config(tmp_path, tiny, kind="sql", url="sqlite:////nowhere/${CX_WORD}.db", query="SELECT 1 AS id")
    this = night.new_night(load_config(path), flow="test")
    with caplog.at_level("DEBUG"), store.locked(this.lake):
        with pytest.raises(SourceError) as caught:
            night.take_source(this, "survey", [])
        night.fail(this, caught.value)
    ((said, hash),) = nights.query(this.lake, "SELECT error, config_hash FROM runs")
    assert said.startswith("SourceError: survey: no such file") and hash == this.config.hash
    stored = b"".join(p.read_bytes() for p in this.lake.rglob("*") if p.is_file())
    assert b"s3cr3t" not in stored and "s3cr3t" not in caplog.text + said + repr(this.config)
    monkeypatch.delenv("CX_WORD")
    with pytest.raises(UsageError, match=r"sources\.survey\.url: environment variable CX_WORD is not set"):
        night.check(this.config)


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_files_far_away_are_tracked_as_local_ones_are(tmp_path, tiny, memory):
    path = config(tmp_path, tiny, kind="csv", url="memory://exports/*.csv")
    for name, number in (("a", 1), ("b", 2)):
        write(tmp_path / "x.csv", [row(number, "2026-03-01")])
        memory.pipe(f"/exports/{name}.csv", (tmp_path / "x.csv").read_bytes())
    assert counts(path) == {"read": 2, "new": 2}
    assert counts(path) == {}
    write(tmp_path / "x.csv", [row(2, "2026-03-01", text="Much better now")])
    memory.pipe("/exports/b.csv", (tmp_path / "x.csv").read_bytes())
    assert counts(path) == {"read": 1, "replaced": 1}
    assert nights.query(tmp_path / "lake", "SELECT DISTINCT error FROM runs") == [(None,)]
    assert not any("x.csv" in p.name or "downloads" in p.parts for p in (tmp_path / "lake").rglob("*"))


def test_a_snapshot_of_a_query(tmp_path, tiny, database):
    path = config(tmp_path, tiny, kind="sql", url="sqlite:///desk.db", query="SELECT * FROM f", snapshot=True)
    for number in range(1, 4):
        database.add(number, "2026-03-01")
    assert counts(path) == {"read": 3, "new": 3}
    database.run("DELETE FROM f WHERE id = 2")
    assert counts(path) == {"read": 2, "unchanged": 2, "removed": 1} and ids(path) == ["1", "3"]


def test_a_clock_that_is_set_back_loses_nothing_and_the_next_night_heals(tmp_path, tiny, database, monkeypatch):
    import dataclasses

    from cx_nlp import night

    path = config(tmp_path, tiny, kind="sql", url="sqlite:///desk.db", query=QUERY, overlap="1d")
    new_night = night.new_night

    def at(day):
        def started(*args, **options):
            moment = dt.datetime(2026, 3, day, 20, tzinfo=dt.UTC)
            return dataclasses.replace(new_night(*args, **options), started_at=moment)

        monkeypatch.setattr(night, "new_night", started)
        return counts(path)

    database.add(1, "2026-03-09 10:00:00")
    assert at(10) == {"read": 1, "new": 1}
    assert at(3) == {}  # a week back: nothing is asked for, and the watermark comes down to this moment
    database.add(2, "2026-03-04 08:00:00")
    database.add(3, "2026-03-10 21:00:00")
    assert at(11) == {"read": 3, "new": 2, "unchanged": 1}
    assert ids(path) == ["1", "2", "3"]
