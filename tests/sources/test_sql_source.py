import datetime as dt
import logging
import sqlite3
import traceback
from contextlib import closing

import pytest

from cx_nlp.errors import CxError, SourceError, TransientError, UsageError
from cx_nlp.sources import sql
from cx_nlp.sources.credentials import Filled, fill

WINDOW = {"since": dt.datetime(2026, 3, 2), "until": dt.datetime(2026, 3, 4)}
SECRET = "s3cr3t-w0rd"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "feedback.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE f (id INTEGER, text TEXT, sent TEXT, score REAL, raw BLOB)")
        rows = [
            (1, "a", "2026-03-01", 5.0, None), (2, "b", "2026-03-02", 4.5, b"bytes"),
            (3, None, "2026-03-02 00:00:00", None, None), (4, "d", "2026-03-03T23:59:59Z", 1.0, None),
            (5, "e", "2026-03-04", 2.0, None),
        ]  # fmt: skip
        connection.executemany("INSERT INTO f VALUES (?, ?, ?, ?, ?)", rows)
        connection.commit()
    return path


def read(path, query="SELECT * FROM f", **options):
    return list(sql.read(Filled(f"sqlite:///{path}"), query, **{"parameters": WINDOW, "label": "crm"} | options))


def rows(chunks):
    return [tuple(None if v != v else v for v in row) for c in chunks for row in c.rows.itertuples(index=False)]


def test_every_value_is_text(path):
    found = read(path)
    assert list(found[0].rows.columns) == ["id", "text", "sent", "score", "raw"]
    assert rows(found)[:3] == [
        ("1", "a", "2026-03-01", "5", None),
        ("2", "b", "2026-03-02", "4.5", "bytes"),
        ("3", None, "2026-03-02 00:00:00", None, None),
    ]
    assert found[0].positions[0] == "crm:row 1"


def test_rows_come_in_chunks_and_none_show_their_columns(path):
    assert [len(chunk.rows) for chunk in read(path, chunk_rows=2)] == [2, 2, 1]
    (chunk,) = read(path, "SELECT id, text FROM f WHERE id > 99")
    assert list(chunk.rows.columns) == ["id", "text"] and len(chunk.rows) == 0


def test_bound_times_take_all_forms_of_a_day(path):
    found = read(path, "SELECT id FROM f WHERE sent >= :since AND sent < :until ORDER BY id")
    assert rows(found) == [("2",), ("3",), ("4",)]


def test_colons_that_are_no_names_stay(path):
    assert rows(read(path, "SELECT '12:30' AS a, ':since' AS b FROM f WHERE id = 1 -- :x")) == [("12:30", ":since")]


def test_memory_does_not_grow_with_the_result(tmp_path):
    import resource

    path = tmp_path / "large.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE f AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 150000)"
                           " SELECT i, printf('%01000d', i) AS text FROM n")  # fmt: skip
        connection.commit()
    read(path, "SELECT * FROM f LIMIT 10000")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = sum(len(c.rows) for c in sql.read(Filled(f"sqlite:///{path}"), "SELECT * FROM f", parameters={}))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert size == 150_000 and grown < 60  # MB, of 150


def test_text_that_is_not_utf8(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE f SET text = CAST(x'636166e9' AS TEXT) WHERE id = 1")
        connection.commit()
    assert rows(read(path, "SELECT text FROM f WHERE id = 1")) == [("caf\ufffd",)]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT * FROM g", "no such table: g"), ("SELECT nope FROM f", "no such column: nope"), ("SELEC", "syntax error"),
        ("DELETE FROM f", "readonly"), ("SELECT id, id FROM f", "duplicate column names: 'id'"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_permanent_and_one_line(path, query, says):
    with pytest.raises(SourceError, match=says) as caught:
        read(path, query)
    assert str(caught.value).startswith("crm: ") and "\n" not in str(caught.value)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM f").fetchone() == (5,)


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(SourceError, match=r"no such file: .*none\.db"):
        read(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x.db").write_text("id,text\n" * 100)
    with pytest.raises(SourceError, match="not a database"):
        read(tmp_path / "x.db")


def test_a_locked_database_may_be_tried_again(path):
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TransientError, match=r"crm: cannot .* database is locked"):
            list(sql.read(Filled(f"sqlite:///{path}?timeout=0.1"), "SELECT * FROM f", parameters={}, label="crm"))


def test_a_database_that_goes_in_mid_read_may_be_tried_again(path, monkeypatch):
    """A driver's cursor that fails after the first rows, as one does whose server went away."""
    real = sqlite3.Cursor

    class Failing(real):
        def fetchone(self):
            found = super().fetchone()
            if not found or len(found) < 5 or found[0] in (1, 2):
                return found
            error = sqlite3.OperationalError(f"disk I/O error near 'Jane', {SECRET}")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    class Connection(sqlite3.Connection):
        def cursor(self, factory=Failing):
            return super().cursor(factory)

    connect = sqlite3.dbapi2.connect
    monkeypatch.setattr(sqlite3.dbapi2, "connect", lambda *a, **k: connect(*a, **k | {"factory": Connection}))
    chunks = sql.read(
        Filled(f"sqlite:///{path}", (SECRET,)), "SELECT * FROM f", parameters={}, label="crm", chunk_rows=2
    )
    assert len(next(chunks).rows) == 2
    with pytest.raises(TransientError, match="crm: cannot read on from the database: OperationalError") as caught:
        list(chunks)
    assert "Jane" not in str(caught.value) and SECRET not in str(caught.value)


def shown(error):
    """All that a log could show of an error: its text, its chain, its traceback."""
    texts = ["".join(traceback.format_exception(error)), repr(error.args)]
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
        texts.append(f"{error!r} {error}")
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://${CX_USER}:${CX_WORD}@127.0.0.1:1/none", TransientError),
        ("postgresql://${CX_USER}:${CX_WORD}@127.0.0.1:port/none", UsageError),
        ("nothing+known://${CX_USER}:${CX_WORD}@host/none", UsageError),
        ("oracle+oracledb://${CX_USER}:${CX_WORD}@host/none", UsageError),
        ("${CX_WHOLE}", UsageError),
        ("sqlite:////nowhere/${CX_WORD}.db", SourceError),
    ],
)
def test_no_credential_shows_in_any_error(url, error, monkeypatch, caplog):
    if "127.0.0.1:1" in url:
        pytest.importorskip("psycopg")
    monkeypatch.setenv("CX_USER", "s3cr3t-us3r")
    monkeypatch.setenv("CX_WORD", SECRET)
    monkeypatch.setenv("CX_WHOLE", f"postgresql://reader:a@{SECRET}@127.0.0.1/x")
    with caplog.at_level(logging.DEBUG), pytest.raises(CxError) as caught:
        list(sql.read(fill(url, where="sources.crm.url"), "SELECT 1 AS a", parameters={}, label="crm"))
    assert isinstance(caught.value, error), caught.value
    everything = shown(caught.value) + caplog.text
    assert "s3cr3t" not in everything and "\n" not in str(caught.value)


def test_a_missing_driver_names_what_brings_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"needs the package psycopg: pip install 'cx-nlp\[postgres\]'"):
        list(sql.read(Filled("postgresql://h/d"), "SELECT 1", parameters={}))
