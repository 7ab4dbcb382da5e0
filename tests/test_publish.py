"""A published copy: whole at every moment, unchanged files left alone, nothing of other people's touched."""

import hashlib
import json
import re

import pytest

from cx_nlp import publish as publishing
from cx_nlp import store
from cx_nlp.errors import LakeBusy, LakeError, SourceError, UsageError
from cx_nlp.publish import publish, read_manifest
from cx_nlp.publish_config import PublishConfig
from tests.conftest import ROOT
from tests.store import nights
from tests.store.nights import night, row


@pytest.fixture
def lake(tmp_path):
    made = tmp_path / "lake"
    night(made, "r1", [row("1"), row("2", date="2026-02-02")], [nights.reject("x")])
    return made


@pytest.fixture
def url(tmp_path):
    return f"file://{tmp_path}/copy"


def rows_of(tmp_path, url, table="feedback"):
    """As a reader of the manifest sees a table; every file is checked against its checksum."""
    found = []
    for one in read_manifest(url)["files"]:
        data = (tmp_path / "copy" / one["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == one["sha256"] and len(data) == one["bytes"]
        if one["table"] == table:
            import pyarrow.parquet as pq

            rows = pq.ParquetFile(tmp_path / "copy" / one["path"]).read().to_pylist()
            assert len(rows) == one["rows"]
            found += [row["feedback_id"] for row in rows]
    return sorted(found)


def names(tmp_path):
    return {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*") if path.is_file()}


def test_a_copy_holds_the_tables_and_nothing_else(lake, tmp_path, url):
    done = publish(lake, url)
    assert (done.generation, done.copied, done.swept) == (1, done.files, 0)
    assert rows_of(tmp_path, url) == ["1", "2"]
    manifest = read_manifest(url)
    assert manifest["run_id"] == "r1" and {one["table"] for one in manifest["files"]} == {
        "feedback", "theme_mentions", "sentences", "themes", "rejects", "runs",
    }  # fmt: skip
    assert names(tmp_path) == {"manifest.json", *(one["path"] for one in manifest["files"])}


def test_only_what_changed_is_copied_and_one_older_generation_stays(lake, tmp_path, url):
    publish(lake, url)
    first = names(tmp_path)
    assert publish(lake, url) == publishing.Published(1, len(first) - 1, 0, 0)
    night(lake, "r2", [row("3")], started_at=nights.START.replace(day=2))
    done = publish(lake, url)
    assert done.generation == 2 and 0 < done.copied < done.files and done.swept == 0
    assert rows_of(tmp_path, url) == ["1", "2", "3"]
    assert first < names(tmp_path)  # readers of the first manifest can go on
    second = {one["path"] for one in read_manifest(url)["files"]}
    night(lake, "r3", [row("4", date="2026-02-05")], started_at=nights.START.replace(day=3))
    assert publish(lake, url).swept == len(first - second - {"manifest.json"}) > 0
    assert names(tmp_path) >= second and not (first - second - {"manifest.json"}) & names(tmp_path)


def test_a_crash_in_mid_copy_leaves_the_old_state_whole(lake, tmp_path, url, monkeypatch):
    publish(lake, url)
    before = (tmp_path / "copy" / "manifest.json").read_bytes()
    night(lake, "r2", [row("3"), row("4", date="2026-02-07")], started_at=nights.START.replace(day=2))

    class Crash(BaseException):
        pass

    for stop in range(1, 4):
        put, copied = publishing._Place.put, []

        def cut(self, path, name, put=put, copied=copied, stop=stop):
            copied.append(name)
            if len(copied) == stop:
                (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "copy" / name).write_bytes(path.read_bytes()[:50])
                raise Crash
            put(self, path, name)

        with monkeypatch.context() as patched, pytest.raises(Crash):
            patched.setattr(publishing._Place, "put", cut)
            publish(lake, url)
        assert (tmp_path / "copy" / "manifest.json").read_bytes() == before
        assert rows_of(tmp_path, url) == ["1", "2"]
    publish(lake, url)
    assert rows_of(tmp_path, url) == ["1", "2", "3", "4"]


def test_a_copy_that_lost_a_file_gets_it_back(lake, tmp_path, url):
    publish(lake, url)
    lost = tmp_path / "copy" / read_manifest(url)["files"][0]["path"]
    lost.unlink()
    assert publish(lake, url).copied == 1 and lost.exists()


def test_files_of_others_in_the_folder_stay(lake, tmp_path, url):
    (tmp_path / "copy" / "feedback").mkdir(parents=True)
    theirs = [tmp_path / "copy" / "notes.txt", tmp_path / "copy" / "feedback" / "part-0.parquet"]
    for path in theirs:
        path.write_text("mine")
    for day in (1, 2, 3):
        night(lake, f"n{day}", [row(f"n{day}")], started_at=nights.START.replace(day=day))
        publish(lake, url)
    assert all(path.read_text() == "mine" for path in theirs)


def test_whoever_was_forgotten_leaves_the_older_generation_at_once(lake, tmp_path, url):
    publish(lake, url)
    first = names(tmp_path)
    # As `forget` does: another state of the rows, and of the list.
    night(lake, "r2", [row("1", is_deleted=True), row("9")], started_at=nights.START.replace(day=2))
    (lake / "_state" / "forgotten.json").write_text(json.dumps({"*": ["k"]}))
    publish(lake, url)
    manifest = read_manifest(url)
    assert manifest["previous"] == [] and "k" not in manifest["forgotten"]
    assert names(tmp_path) == {"manifest.json", *(one["path"] for one in manifest["files"])} != first


def test_what_cannot_be_published_is_one_line(lake, tmp_path, url, monkeypatch):
    with pytest.raises(LakeError, match="no lake at"):
        publish(tmp_path / "none", url)
    with pytest.raises(SourceError, match="no manifest"):
        read_manifest(url)
    with store.locked(lake, holder="r9"), pytest.raises(LakeBusy, match="r9"):
        publish(lake, url, wait=0)
    with pytest.raises(UsageError, match="unknown protocol 'nowhere'"):
        publish(lake, "nowhere://x/y")
    with pytest.raises(UsageError, match="environment variable CX_NONE is not set"):
        publish(lake, "s3://${CX_NONE}/y")
    (tmp_path / "a-file").touch()
    with pytest.raises(SourceError, match=r"publish: its url cannot be (read|written)"):
        publish(lake, f"file://{tmp_path}/a-file/below")
    (lake / "_journal" / "r3.json").write_text("{}")
    with pytest.raises(LakeError, match="cut short"):
        publish(lake, url)


def test_a_config_names_a_place_and_never_a_secret():
    from cx_nlp.publish_config import short

    assert PublishConfig.model_validate(short("s3://bucket/x")).url == "s3://bucket/x"
    with pytest.raises(UsageError, match="password in plain text"):
        PublishConfig.model_validate({"url": "ftp://me:secret@host/x"})
    with pytest.raises(UsageError, match=r"options\.secret is in plain text"):
        PublishConfig.model_validate({"url": "s3://b/x", "options": {"secret": "hunter2"}})
    with pytest.raises(UsageError, match="expected a URL"):
        PublishConfig.model_validate({"url": "bucket/x"})


def test_the_example_of_the_docs_reads_a_copy(lake, url, capsys):
    publish(lake, url)
    text = (ROOT / "docs" / "history.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert "s3://bucket/feedback" in example
    exec(example.replace("s3://bucket/feedback", url), {})
    assert "2026-02-02" in capsys.readouterr().out
