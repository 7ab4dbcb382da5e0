"""What a disk refuses: in the middle of a commit, behind it, in the scratch folder, while partitions are written."""

import shutil
from pathlib import Path

import pytest

from cx_nlp import store
from cx_nlp.errors import LakeError
from cx_nlp.store import building, files
from tests.store import nights
from tests.store.nights import night, snapshot, table
from tests.store.test_run import FIRST, SECOND, TOMORROW, second


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


def refusing(code, text):
    def refuse(*_, **__):
        raise OSError(code, text)

    return refuse


def at(place, code, text):
    """A `step` of a commit that the disk refuses at one place."""
    refuse = refusing(code, text)
    return lambda name: refuse() if name == place else None


def test_a_run_that_fails_inside_its_commit_is_finished_not_failed(lake):
    night(lake, "r1", FIRST)

    with pytest.raises(LakeError, match="No space left on device; the next run repairs the lake"):
        second(lake, step=at("journal in place", 28, "No space left on device"))
    with store.locked(lake):
        rows = [{"source": "survey", "flow": "nightly", "started_at": nights.START}]
        assert store.record_failure(lake, "r2", rows).finished == ("r2",)
    assert table(lake, "runs", "run_id, status") == [("r1", "done"), ("r2", "done")]


def test_a_committed_run_is_never_written_down_as_failed(lake):
    """Whatever goes wrong behind its commit, and whatever is told of it then."""
    night(lake, "r1", FIRST)

    with pytest.raises(LakeError, match="Input/output error"):
        second(lake, step=at("journal removed", 5, "Input/output error"))
    shutil.rmtree(lake / "_staging" / "r2")
    before = snapshot(lake, runs=True)
    with store.locked(lake):
        rows = [{"source": "survey", "flow": "nightly", "started_at": TOMORROW, "error": "LakeError"}]
        store.record_failure(lake, "r2", rows)
    assert snapshot(lake, runs=True) == before
    assert table(lake, "runs", "run_id, status, read") == [("r1", "done", 3), ("r2", "done", 4)]


def test_a_staging_folder_that_stays_is_left_to_the_next_run(lake, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refusing(39, "Directory not empty"))
        night(lake, "r1", FIRST)
    assert table(lake, "runs", "run_id, status") == [("r1", "done")] and (lake / "_staging" / "r1").exists()
    with store.locked(lake):
        assert store.open_lake(lake).swept == 1
    assert not (lake / "_staging" / "r1").exists()


@pytest.mark.parametrize("part", ["slice", "note"])
def test_a_full_disk_in_the_scratch_folder_is_one_line(lake, monkeypatch, part):
    night(lake, "r1", FIRST)

    patched = (building.pq, "write_table") if part == "slice" else (Path, "write_text")
    with store.locked(lake), monkeypatch.context() as patch:
        plan, _ = nights.prepare(lake, "r2", SECOND, started_at=TOMORROW)
        shutil.rmtree(plan.folder / "built")
        patch.setattr(*patched, refusing(28, "No space left on device"))
        with pytest.raises(LakeError, match="No space left on device"):
            store.build(plan, list(plan.to_score), nights.score)


def test_a_full_disk_while_building_is_one_line(lake, monkeypatch):
    night(lake, "r1", FIRST)
    before = snapshot(lake)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", refusing(28, "No space left on device"))
        with pytest.raises(LakeError, match=r"cannot write .*: No space left on device"):
            second(lake)
    with store.locked(lake):
        store.open_lake(lake)
    assert snapshot(lake) == before
