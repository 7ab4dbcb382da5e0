"""Real servers, for the nightly suite: PostgreSQL from the distribution's packages, and moto's S3.

python -m pytest -m nightly tests/sources/test_servers.py
"""

import datetime as dt
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from cx_nlp.errors import SourceError, TransientError
from cx_nlp.sources import remote, sql
from cx_nlp.sources.credentials import Filled, fill
from tests.one_source import COLUMNS, config, counts, ids, row, write

pytestmark = pytest.mark.nightly
WINDOW = {"since": dt.datetime(2026, 7, 2), "until": dt.datetime(2026, 7, 4)}
WORD = "s3cr3t/w@rd:"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """A server of its own in a temporary folder, which asks for passwords."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        # The server refuses to run as root.
        self.user = {"user": "postgres"} if os.geteuid() == 0 else {}
        if self.user:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        (folder / "password").write_text(WORD)
        shutil.chown(folder / "password", **self.user) if self.user else None
        self.run(
            "initdb", "-D", folder / "data", "-U", "reader", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"
        )

    def run(self, program, *arguments):
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
        command = [str(found[-1]) if found else program, *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, timeout=300, **self.user)

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self.run("pg_ctl", "-D", self.folder / "data", "-o", options, "-l", self.folder / "log", "-w", "start")

    def stop(self, how="immediate"):
        self.run("pg_ctl", "-D", self.folder / "data", "-m", how, "-w", "stop")

    def url(self, word="CX_WORD", database="postgres"):
        return f"postgresql://reader:${{{word}}}@127.0.0.1:{self.port}/{database}"

    def do(self, *statements):
        import psycopg

        place = {"host": "127.0.0.1", "port": self.port, "user": "reader", "password": WORD, "dbname": "postgres"}
        with psycopg.connect(**place, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("psycopg")
    if not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))):
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="cx-nlp-pg-"))
    server = Postgres(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def postgres(server, monkeypatch):
    monkeypatch.setenv("CX_WORD", WORD)
    monkeypatch.setenv("CX_WRONG", "s3cr3t-wrong")
    return server


def read(server, query, **options):
    url = fill(server.url(), where="sources.desk.url")
    return list(sql.read(url, query, **{"parameters": WINDOW, "label": "desk", "zone": "Europe/London"} | options))


def rows(chunks):
    return [tuple(None if v != v else v for v in row) for c in chunks for row in c.rows.itertuples(index=False)]


def test_every_type_is_text(postgres):
    query = """SELECT 1::bigint AS a, 5.0::float8 AS b, 1.50::numeric AS c, true AS d, DATE '2026-07-01' AS e,
        TIMESTAMP '2026-07-01 10:00' AS f, TIMESTAMPTZ '2026-07-01 10:00+01' AS g, '{"b": 1, "a": [2]}'::jsonb AS h,
        ARRAY['x', NULL] AS i, 'caf\u00e9 100%'::text AS j, NULL AS k, '\\x6869'::bytea AS l"""
    assert rows(read(postgres, query)) == [
        ("1", "5", "1.5", "true", "2026-07-01", "2026-07-01T10:00:00", "2026-07-01T09:00:00Z", '{"a": [2], "b": 1}',
         '["x", null]', "caf\u00e9 100%", None, "hi"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz"])
def test_bound_times_are_local_to_the_source(postgres, kind):
    instants = ["2026-07-01 23:59", "2026-07-02 00:00", "2026-07-03 23:59", "2026-07-04 00:00"]
    zoned = "+01" if kind == "timestamptz" else ""
    values = ", ".join(f"({n}, {kind} '{at}{zoned}')" for n, at in enumerate(instants))
    query = f"SELECT id FROM (VALUES {values}) AS t(id, at) WHERE at >= :since AND at < :until ORDER BY id"
    assert rows(read(postgres, query)) == [("1",), ("2",)]


def test_rows_are_streamed_from_a_cursor_of_the_server(postgres):
    import resource

    query = "SELECT n, repeat('word ', 200) AS text FROM generate_series(1, 300000) AS n"
    read(postgres, "SELECT n, repeat('word ', 200) AS text FROM generate_series(1, 10000) AS n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    url = fill(postgres.url(), where="u")
    assert sum(len(chunk.rows) for chunk in sql.read(url, query, parameters={})) == 300_000
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 80  # MB, of 300


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT * FROM nope", 'relation "nope" does not exist'), ("SELECT nope FROM pg_class", 'column "nope"'),
        ("SELEC", "syntax error"), ("CREATE TABLE x (a int)", "syntax error"),
        ("SELECT nextval('counted') AS n", "SQLSTATE 25006"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_permanent_and_one_line(postgres, query, says):
    postgres.do("CREATE SEQUENCE IF NOT EXISTS counted")
    with pytest.raises(SourceError, match=says) as caught:
        read(postgres, query)
    assert "\n" not in str(caught.value)


def test_an_error_quotes_no_row(postgres):
    with pytest.raises(SourceError, match=r"InvalidTextRepresentation \(SQLSTATE 22P02\)") as caught:
        read(postgres, "SELECT ('Jane ' || n)::int AS a FROM generate_series(1, 3) AS n")
    assert "Jane" not in str(caught.value)


def test_a_wrong_login_is_permanent_and_shows_no_password(postgres):
    from tests.sources.test_sql_source import shown

    for url, says in (
        (postgres.url("CX_WRONG"), "password authentication failed"),
        (postgres.url(database="none"), '"none"'),
    ):
        with pytest.raises(SourceError, match=says) as caught:
            list(sql.read(fill(url, where="u"), "SELECT 1 AS a", parameters={}, label="desk"))
        everything = shown(caught.value)
        assert "s3cr3t" not in everything and "w@rd" not in everything


def test_a_server_that_goes_in_mid_read_may_be_tried_again(postgres, tmp_path, tiny):
    postgres.do(
        "DROP TABLE IF EXISTS f",
        "CREATE TABLE f AS SELECT n AS id, repeat('word ', 500) AS t FROM generate_series(1, 50000) n",
    )
    chunks = sql.read(fill(postgres.url(), where="u"), "SELECT * FROM f", parameters={}, label="desk", chunk_rows=500)
    next(chunks)
    postgres.stop()
    try:
        with pytest.raises(TransientError, match="desk: cannot read on from the database") as caught:
            list(chunks)
        assert "\n" not in str(caught.value)
        with pytest.raises(TransientError, match="desk: cannot connect to the database"):
            read(postgres, "SELECT 1 AS a")
    finally:
        postgres.start()
    assert rows(read(postgres, "SELECT 1 AS a")) == [("1",)]


def test_nights_over_a_table_that_grows(postgres, tmp_path, tiny):
    assert COLUMNS["updated_at"] == "changed"
    postgres.do(
        "DROP TABLE IF EXISTS f",
        "CREATE TABLE f (id int, response int, created timestamptz, changed timestamptz, comment text, nps int, gone timestamptz)",
        "INSERT INTO f SELECT n, n, '2026-03-01'::timestamptz + n * interval '1 day', NULL, 'The delivery was late', 5"
        " FROM generate_series(1, 5) n",
    )  # fmt: skip
    query = (
        "SELECT * FROM f WHERE greatest(created, changed, gone) >= :since AND greatest(created, changed, gone) < :until"
    )
    path = config(
        tmp_path, tiny, kind="sql", url=postgres.url(), query=query, overlap="1d", tombstone={"column": "gone"}
    )
    assert counts(path) == {"read": 5, "new": 5}
    postgres.do(
        "UPDATE f SET gone = '2026-03-08 10:00+00' WHERE id = 1",
        "UPDATE f SET comment = 'Lovely', changed = '2026-03-07' WHERE id = 2",
    )
    assert counts(path) == {"read": 4, "deleted": 1, "replaced": 1, "unchanged": 2}
    assert ids(path) == ["2", "3", "4", "5"]
    stored = b"".join(p.read_bytes() for p in (tmp_path / "lake").rglob("*") if p.is_file())
    assert WORD.encode() not in stored


@pytest.fixture
def bucket(monkeypatch):
    server = pytest.importorskip("moto.server")
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("s3fs")
    port = free_port()
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=port)
    running.start()
    for name, value in (("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "s3cr3t"), ("CX_S3", f"http://127.0.0.1:{port}"),
                        ("AWS_DEFAULT_REGION", "us-east-1"), ("NO_PROXY", "127.0.0.1")):  # fmt: skip
        monkeypatch.setenv(name, value)
    system = fsspec.filesystem(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", skip_instance_cache=True, use_listings_cache=False
    )
    system.mkdir("exports")
    yield system
    system.rm("exports", recursive=True)
    running.stop()


def test_files_in_a_bucket_are_known_by_their_etag(bucket, tmp_path, tiny, monkeypatch):
    path = config(tmp_path, tiny, kind="csv", url="s3://exports/in/*.csv", options={"endpoint_url": "${CX_S3}"})
    for number in (1, 2):
        write(tmp_path / "x.csv", [row(number, "2026-03-01")])
        bucket.pipe(f"exports/in/{number}.csv", (tmp_path / "x.csv").read_bytes())
    assert counts(path) == {"read": 2, "new": 2}
    with monkeypatch.context() as patched:  # what did not change is not fetched
        patched.setattr(type(bucket), "get_file", None)
        assert counts(path) == {}
    write(tmp_path / "x.csv", [row(2, "2026-03-01", text="Much better now")])
    bucket.pipe("exports/in/2.csv", (tmp_path / "x.csv").read_bytes())
    assert counts(path) == {"read": 1, "replaced": 1}


def test_a_bucket_that_is_away_and_one_that_is_none(bucket, monkeypatch):
    place = {"endpoint_url": os.environ["CX_S3"]}
    with pytest.raises(SourceError, match=r"s: no (such file at|file matches) its url"):
        remote.listed(Filled("s3://nobody/x.csv"), place, label="s")
    away = {"endpoint_url": f"http://127.0.0.1:{free_port()}", "config_kwargs": {"retries": {"max_attempts": 0}}}
    with pytest.raises(TransientError, match="s: its url cannot be read") as caught:
        remote.listed(Filled("s3://exports/x.csv"), away, label="s")
    assert "\n" not in str(caught.value)


def test_a_lake_is_published_to_a_bucket(bucket, tmp_path):
    from cx_nlp.publish import publish, read_manifest
    from tests.store import nights
    from tests.store.nights import night

    lake, place = tmp_path / "lake", ("s3://exports/copy", {"endpoint_url": "${CX_S3}"})
    bucket.pipe("exports/copyright.txt", b"of others")
    night(lake, "r1", [nights.row("1"), nights.row("2", date="2026-02-02")])
    assert publish(lake, *place).generation == 1
    first = {one["path"]: one["bytes"] for one in read_manifest(*place)["files"]}
    assert {name: bucket.size(f"exports/copy/{name}") for name in first} == first
    assert publish(lake, *place).copied == 0
    for day in (2, 3):
        night(lake, f"r{day}", [nights.row(f"n{day}")], started_at=nights.START.replace(day=day))
        done = publish(lake, *place)
    assert done.generation == 3 and done.swept > 0
    listed = {key.removeprefix("exports/copy/") for key in bucket.find("exports/copy", refresh=True)}
    manifest = read_manifest(*place)
    assert listed == {"manifest.json", *manifest["previous"], *(one["path"] for one in manifest["files"])}
    assert bucket.cat("exports/copyright.txt") == b"of others"
