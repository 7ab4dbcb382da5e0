"""Files on fsspec URLs, with fsspec's own memory file system; a real S3 server is for the nightly suite."""

import fsspec
import pytest

from cx_nlp.errors import SourceError, TransientError, UsageError
from cx_nlp.sources import remote
from cx_nlp.sources.credentials import Filled, fill


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    system.store.clear()
    for name in ("a", "b"):
        system.pipe(f"/exports/{name}.csv", f"id\n{name}\n".encode())
    system.pipe("/exports/notes.txt", b"x")
    yield system
    system.store.clear()


def names(url, **options):
    return [file.path.name for file in remote.listed(Filled(url), options, label="s")[1]]


def test_a_glob_and_one_file(memory):
    assert names("memory://exports/*.csv") == ["a.csv", "b.csv"]
    assert names("memory://exports/b.csv") == ["b.csv"]


def test_nothing_there_is_said_without_the_url(memory):
    for url in ("memory://exports/*.jsonl", "memory://exports/none.csv"):
        with pytest.raises(SourceError, match=r"^s: no (file matches|such file at) its url$"):
            names(url)


def test_a_copy_is_private_and_gone_afterwards(memory, tmp_path):
    system, (file, _) = remote.listed(Filled("memory://exports/*.csv"), {}, label="s")
    folder = tmp_path / "run" / "downloads"
    with remote.fetched(system, file, folder, Filled(""), label="s") as path:
        assert path.read_text() == "id\na\n" and path.name == "a.csv"
        assert path.stat().st_mode & 0o077 == 0 and folder.stat().st_mode & 0o077 == 0
    assert list(folder.iterdir()) == []
    with pytest.raises(RuntimeError), remote.fetched(system, file, folder, Filled(""), label="s"):
        raise RuntimeError
    assert list(folder.iterdir()) == []


def test_what_a_store_says_of_its_content_is_a_tag():
    assert remote._file("b/x.csv", {"size": 3, "ETag": '"abc"'}).tag == 'etag:"abc":3'
    assert remote._file("b/x.csv", {"size": 3, "created": "now"}).tag is None
    assert remote._file("https://h/a%20b.csv?sig=abc", {}).path.name == "a b.csv"
    assert remote._file("bucket/a%20b.csv", {}).path.name == "a%20b.csv", "beside which there may be an a b.csv"


def test_a_store_that_is_away_may_be_tried_again_and_shows_no_secret(memory, monkeypatch):
    monkeypatch.setenv("CX_WORD", "s3cr3t-w0rd")
    url = fill("memory://${CX_WORD}/x.csv", where="sources.s.url")

    class Odd(Exception):
        """What a store's own library raises, of no common base."""

    for raised, kind in ((OSError("cannot reach s3cr3t-w0rd"), TransientError), (Odd("s3cr3t-w0rd"), TransientError),
                         (PermissionError("s3cr3t-w0rd"), SourceError)):  # fmt: skip
        monkeypatch.setattr(type(memory), "info", lambda *args, raised=raised, **more: (_ for _ in ()).throw(raised))
        with pytest.raises(kind, match="s: its url cannot be read") as caught:
            remote.listed(url, {}, label="s")
        assert "s3cr3t" not in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_protocol_and_a_missing_package(monkeypatch):
    with pytest.raises(UsageError, match="unknown protocol 'nothing'"):
        names("nothing://bucket/x.csv")

    def missing(*args, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(UsageError, match=r"s3 needs pip install 'cx-nlp\[cloud\]'"):
        names("s3://bucket/x.csv")
