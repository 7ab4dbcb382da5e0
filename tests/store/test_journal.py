import json

import pyarrow as pa
import pytest

from cx_nlp import schema
from cx_nlp.errors import LakeError
from cx_nlp.store import files, journal
from tests.store import nights

DATES = [nights.dt.date(2026, 2, day) for day in (1, 2, 3)]


class Crash(BaseException):
    """Not an Exception: nothing may clean up after it, as nothing does after kill -9."""


def crash_at(number: int):
    steps = []

    def step(name: str) -> None:
        steps.append(name)
        if len(steps) == number:
            raise Crash(name)

    return step


def themes_of(run_id: str) -> pa.Table:
    row = {"theme_id": run_id, "theme": run_id, "kind": "taxonomy", "status": "active"}
    return pa.Table.from_pylist([row], schema=schema.THEMES)


def write(lake, run_id, dates=DATES, table="measures"):
    paths = [files.partition(lake, table, date) for date in dates] + [files.themes_file(lake)]
    return [(files.write_table(path, themes_of(run_id), schema.THEMES, run_id=run_id), path) for path in paths]


def states(lake) -> dict[str, str]:
    """What a plain glob reads: every file whole, with the run that wrote it."""
    return {
        path.relative_to(lake).as_posix(): files.read_table(path, schema.THEMES)["theme"][0].as_py()
        for path in sorted(lake.rglob("*.parquet"))
    }


@pytest.fixture
def lake(tmp_path):
    made = tmp_path / "lake"
    journal.commit(made, "one", write(made, "one"))
    return made


def second(lake, step=lambda name: None):
    """Replaces two dates and the themes, adds one, deletes one."""
    writes = write(lake, "two", [*DATES[:2], nights.dt.date(2026, 2, 9)])
    journal.commit(lake, "two", writes, [files.partition(lake, "measures", DATES[2])], step=step)


def expected(tmp_path) -> dict[str, dict[str, str]]:
    whole = tmp_path / "expected"
    journal.commit(whole, "one", write(whole, "one"))
    before = states(whole)
    second(whole)
    return {"before": before, "after": states(whole)}


def steps_of(lake) -> list[str]:
    steps: list[str] = []
    second(lake, steps.append)
    return steps


def test_a_commit_renames_deletes_and_leaves_nothing_behind(lake):
    steps = steps_of(lake)
    assert steps[:3] == ["synced", "journal written", "journal in place"] and steps[-1] == "journal removed"
    assert set(states(lake).values()) == {"two"} and len(states(lake)) == 4
    assert not (lake / "measures" / "dt=2026-02-03").exists()
    assert not list((lake / "_journal").iterdir())
    assert journal.heal(lake) == journal.Healed((), 0)


@pytest.mark.parametrize("number", range(1, 12))
def test_a_crash_after_any_step_is_healed_to_one_state(lake, tmp_path, number):
    want = expected(tmp_path)
    with pytest.raises(Crash) as crash:
        second(lake, crash_at(number))
    states(lake)  # a reader between crash and heal finds whole files
    healed = journal.heal(lake)
    late = str(crash.value) not in ("synced", "journal written")
    assert states(lake) == want["after" if late else "before"]
    assert healed.finished == (("two",) if late and str(crash.value) != "journal removed" else ())
    assert not journal.leftovers(lake) and not list((lake / "_journal").iterdir())
    assert journal.heal(lake) == journal.Healed((), 0)


def test_the_steps_of_the_crash_test_are_all(lake):
    assert len(steps_of(lake)) == 11


@pytest.mark.parametrize("number", range(1, 9))
def test_a_crash_while_healing_is_healed_too(lake, tmp_path, number):
    want = expected(tmp_path)
    with pytest.raises(Crash):
        second(lake, crash_at(4))
    with pytest.raises(Crash):
        journal.heal(lake, step=crash_at(number))
    journal.heal(lake)
    assert states(lake) == want["after"]
    assert not journal.leftovers(lake)


def test_a_lake_moved_after_a_crash_still_heals(lake, tmp_path):
    want = expected(tmp_path)
    with pytest.raises(Crash):
        second(lake, crash_at(5))
    moved = lake.rename(tmp_path / "moved")
    journal.heal(moved)
    assert states(moved) == want["after"]


def test_leftovers_of_dead_runs_are_swept_and_others_files_are_not(lake):
    write(lake, "dead")
    (lake / "_staging" / "dead" / "rows").mkdir(parents=True)
    (lake / "measures" / "dt=2026-05-05").mkdir()
    (lake / "notes.tmp").write_text("mine")
    (lake / "measures" / "readme.tmp").write_text("mine")
    before = states(lake)
    assert journal.heal(lake).swept == 4 + 1 + 1
    assert states(lake) == before
    assert (lake / "notes.tmp").exists() and (lake / "measures" / "readme.tmp").exists()
    assert not list(lake.glob("measures/dt=2026-05-05")) and not list(lake.glob("_staging/*"))


def test_a_lake_that_is_not_there_needs_no_healing(tmp_path):
    assert journal.heal(tmp_path / "none") == journal.Healed((), 0)


def test_a_broken_journal_stops_in_one_line(lake):
    (lake / "_journal" / "x.json").write_text("{")
    with pytest.raises(LakeError, match="not a journal"):
        journal.heal(lake)
    (lake / "_journal" / "x.json").write_text(json.dumps({"run_id": "x", "writes": [["a", "b"]], "deletes": []}))
    with pytest.raises(LakeError, match="both a and b are missing"):
        journal.heal(lake)


def test_a_missing_temporary_file_stops_before_anything_changes(lake):
    writes = write(lake, "two")
    writes[1][0].unlink()
    before = states(lake)
    with pytest.raises(LakeError, match="missing"):
        journal.commit(lake, "two", writes)
    assert states(lake) == before and not list((lake / "_journal").iterdir())


def test_an_empty_commit_does_nothing(tmp_path):
    journal.commit(tmp_path / "lake", "one", [])
    assert not (tmp_path / "lake").exists()
