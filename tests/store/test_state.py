import datetime as dt
import hashlib
import json

import pytest

from cx_nlp.errors import LakeError, SourceError
from cx_nlp.store import journal, state
from tests.store import nights


def names(found):
    return [file.name for file in found]


def keep(lake, taken, run_id="r", high=None):
    journal.commit(lake, run_id, state.write_state(lake, run_id, taken=taken, high=high or {}, started_at=nights.START))


@pytest.fixture
def exports(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(name)
    return folder


def test_new_and_changed_files_are_taken_and_others_are_not(tmp_path, exports):
    lake, paths = tmp_path / "lake", sorted(exports.iterdir())
    first = state.changed_files(lake, "survey", paths)
    assert names(first) == ["a.csv", "b.csv"]
    keep(lake, {"survey": {file.name: file.sha256 for file in first}})
    assert state.changed_files(lake, "survey", paths) == []
    assert names(state.changed_files(lake, "other", paths)) == ["a.csv", "b.csv"]
    assert names(state.changed_files(lake, "survey", paths, every=True)) == ["a.csv", "b.csv"]
    (exports / "b.csv").write_text("edited")
    (exports / "c.csv").write_text("c")
    assert names(state.changed_files(lake, "survey", sorted(exports.iterdir()))) == ["b.csv", "c.csv"]
    (exports / "a.csv").touch()  # another time, the same content
    assert names(state.changed_files(lake, "survey", paths)) == ["b.csv"]


def test_a_file_that_returns_to_older_content_is_taken_again(tmp_path, exports):
    lake, path = tmp_path / "lake", exports / "a.csv"
    for content in ("one", "two", "one"):
        path.write_text(content)
        found = state.changed_files(lake, "survey", [path])
        assert [(file.name, file.sha256) for file in found] == [("a.csv", hashlib.sha256(content.encode()).hexdigest())]
        keep(lake, {"survey": {file.name: file.sha256 for file in found}})
        assert state.changed_files(lake, "survey", [path]) == []


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    paths = [tmp_path / "x" / "1" / "a.csv", tmp_path / "y" / "1" / "a.csv", tmp_path / "b.csv"]
    assert list(state.name_files(paths)) == ["b.csv", "x/1/a.csv", "y/1/a.csv"]
    assert list(state.name_files([])) == []


def test_a_file_that_is_gone_is_one_line(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        state.changed_files(tmp_path, "survey", [tmp_path / "none.csv"])


def test_the_state_of_other_sources_and_files_stays(tmp_path):
    keep(tmp_path, {"a": {"1": "x"}, "b": {"1": "y"}})
    keep(tmp_path, {"a": {"2": "z"}}, "r2")
    assert json.loads((tmp_path / "_state" / "files.json").read_text()) == {"a": {"1": "x", "2": "z"}, "b": {"1": "y"}}
    assert state.write_state(tmp_path, "r3", taken={"a": {"1": "x"}}, high={}, started_at=nights.START) == []


def test_a_whole_source_without_files_forgets_those_that_it_had(tmp_path):
    keep(tmp_path, {"a": {"1": "x"}})
    whole = state.write_state(tmp_path, "r2", taken={"a": {}}, high={}, started_at=nights.START, whole=["a"])
    journal.commit(tmp_path, "r2", whole)
    assert state.known_files(tmp_path, "a") == {}
    assert state.write_state(tmp_path, "r3", taken={"a": {}}, high={}, started_at=nights.START, whole=["a"]) == []


def test_the_watermark_rises_and_never_passes_the_runs_start(tmp_path):
    hour = dt.timedelta(hours=1)
    assert state.watermark(tmp_path, "survey") is None
    keep(tmp_path, {}, "r1", {"survey": nights.START - 2 * hour})
    assert state.watermark(tmp_path, "survey") == nights.START - 2 * hour
    keep(tmp_path, {}, "r2", {"survey": nights.START - 3 * hour})
    assert state.watermark(tmp_path, "survey") == nights.START - 2 * hour
    keep(tmp_path, {}, "r3", {"survey": nights.START + hour, "other": nights.START - hour})
    assert state.watermark(tmp_path, "survey") == nights.START
    # A clock set back: the mark comes down with it, which reads some rows again and loses none.
    assert state.advanced(tmp_path, {}, nights.START - hour)["survey"] == nights.START - hour


def test_another_schema_version_stops(tmp_path):
    state.check_version(tmp_path)
    journal.commit(tmp_path, "r", state.write_version(tmp_path, "r"))
    state.check_version(tmp_path)
    assert state.write_version(tmp_path, "r") == []
    (tmp_path / "_state" / "schema_version").write_text("7\n")
    with pytest.raises(LakeError, match="schema version 7, this cx-nlp writes 1"):
        state.check_version(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_broken_state_is_one_line(tmp_path, text):
    (tmp_path / "_state").mkdir()
    (tmp_path / "_state" / "files.json").write_text(text)
    with pytest.raises(LakeError, match=r"files\.json: not readable"):
        state.changed_files(tmp_path, "survey", [])
