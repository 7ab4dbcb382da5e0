import datetime as dt

import duckdb
import pytest

from cx_nlp.errors import SourceError, TransientError
from cx_nlp.sources.duckdb import read

WINDOW = {"since": dt.datetime(2026, 7, 2), "until": dt.datetime(2026, 7, 4)}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "feedback.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("""
            CREATE TABLE f AS SELECT * FROM (VALUES
                (1, 'a', TIMESTAMP '2026-07-01 10:00', TIMESTAMPTZ '2026-07-01 22:30+00', 5.0::DOUBLE, ['x']),
                (2, NULL, TIMESTAMP '2026-07-02 00:00', TIMESTAMPTZ '2026-07-01 23:30+00', 4.5, NULL),
                (3, 'c', TIMESTAMP '2026-07-03 23:59', TIMESTAMPTZ '2026-07-03 22:59+00', NULL, []),
                (4, 'd', TIMESTAMP '2026-07-04 00:00', TIMESTAMPTZ '2026-07-03 23:00+00', 1.0, NULL)
            ) AS t(id, text, sent, sent_utc, score, tags)""")
    return path


def rows(chunks):
    return [tuple(None if v != v else v for v in row) for c in chunks for row in c.rows.itertuples(index=False)]


def test_every_value_is_text(path):
    found = list(read(path, "SELECT * FROM f ORDER BY id", parameters=WINDOW, label="mart"))
    assert rows(found)[0] == ("1", "a", "2026-07-01T10:00:00", "2026-07-01T22:30:00Z", "5", '["x"]')
    assert found[0].positions[0] == "mart:row 1"


@pytest.mark.parametrize("column", ["sent", "sent_utc", "CAST(sent AS DATE)"])
def test_bound_times_are_local_to_the_source(path, column):
    query = f"SELECT id FROM f WHERE {column} >= :since AND {column} < :until ORDER BY id"
    assert rows(read(path, query, parameters=WINDOW, zone="Europe/London")) == [("2",), ("3",)]


def test_rows_come_in_chunks_and_none_show_their_columns(path):
    found = list(read(path, "SELECT range AS n FROM range(5)", parameters={}, chunk_rows=2))
    assert rows(found) == [(str(n),) for n in range(5)] and max(len(c.rows) for c in found) == 2
    (chunk,) = read(path, "SELECT id, text FROM f WHERE id > 9", parameters={})
    assert list(chunk.rows.columns) == ["id", "text"] and len(chunk.rows) == 0


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT * FROM g", "Table with name g does not exist"), ("SELECT nope FROM f", '"nope" not found'),
        ("SELEC", "syntax error"), ("DROP TABLE f", "mart: feedback.duckdb"),
        ("SELECT 1 AS a, 2 AS a", "duplicate column names: 'a'"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_permanent_and_one_line(path, query, says):
    with pytest.raises(SourceError, match=says) as caught:
        list(read(path, query, parameters=WINDOW, label="mart"))
    assert "\n" not in str(caught.value)
    assert rows(read(path, "SELECT count(*) AS n FROM f", parameters={})) == [("4",)]


def test_a_reading_that_is_given_up_blocks_no_other(path):
    """As when a mapped column is missing: the error keeps the first reading alive."""
    first = read(path, "SELECT range AS n FROM range(1_000_000)", parameters={}, chunk_rows=2)
    next(first)
    first.close()
    assert len(list(read(path, "SELECT * FROM f", parameters={}))) == 1


def test_an_error_quotes_no_row(path):
    with pytest.raises(SourceError) as caught:
        list(read(path, "SELECT CAST('Jane ' || text AS INTEGER) AS n FROM f", parameters={}, label="mart"))
    assert "Jane" not in str(caught.value) and str(caught.value).startswith("mart: ")


def test_files_that_are_none(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        list(read(tmp_path / "none.duckdb", "SELECT 1", parameters={}))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x.duckdb").write_text("id,text\n" * 1000)
    with pytest.raises(SourceError, match=r"x\.duckdb"):
        list(read(tmp_path / "x.duckdb", "SELECT 1", parameters={}))


def test_a_file_that_another_process_writes_may_be_tried_again(path):
    import subprocess
    import sys

    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as held:
        assert held.stdout.readline() == "held\n"
        with pytest.raises(TransientError, match=r"feedback\.duckdb"):
            list(read(path, "SELECT * FROM f", parameters={}))
        held.stdin.close()
