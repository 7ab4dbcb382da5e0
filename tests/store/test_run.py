import contextlib
import datetime as dt
import pickle
import random
import shutil

import pandas as pd
import pytest

from cx_nlp import schema, store
from cx_nlp.errors import LakeBusy, LakeError
from cx_nlp.store import building, duck, files
from tests.store import nights
from tests.store.nights import night, row, snapshot, table


class Crash(BaseException):
    """Not an Exception: nothing may clean up after it."""


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


FIRST = [
    row("1", csat=4, response_id="r", date="2026-02-03"),
    row("2", "bad wait", date="2026-02-02"),
    row("3", date="2026-02-04"),
]
# Replaces one, moves one, empties a partition, adds a row to a response.
SECOND = [
    row("4", csat=2, response_id="r", date="2026-02-01", updated_at="2026-02-09T00:00:00"),
    row("2", "bad bad wait", date="2026-02-02"),
    row("3", date="2026-02-05"),
]


TOMORROW = nights.START + dt.timedelta(days=1)
TAKEN = {"survey": {"b": "1"}}


def second(lake, **more):
    return night(lake, "r2", SECOND, [nights.reject("y")], started_at=TOMORROW, taken=TAKEN, **more)


def states(tmp_path):
    """Every byte of the lake before and after the second night."""
    lake = tmp_path / "reference"
    night(lake, "r1", FIRST, [nights.reject("x")])
    before = snapshot(lake, runs=True)
    second(lake)
    return before, snapshot(lake, runs=True)


def test_a_crash_at_any_step_of_the_commit_leaves_one_state(tmp_path):
    before, after = states(tmp_path)
    lake, copy = tmp_path / "lake", tmp_path / "copy"
    night(lake, "r1", FIRST, [nights.reject("x")])
    plan, built = nights.prepare(lake, "r2", SECOND, [nights.reject("y")], started_at=TOMORROW)
    lake.rename(copy)

    def commit(stop: int) -> list[str]:
        """The same commit from the same start, up to a crash after its step number `stop`; -> the steps reached."""
        shutil.rmtree(lake, ignore_errors=True)
        shutil.copytree(copy, lake)
        reached: list[str] = []

        def step(name):
            reached.append(name)
            if len(reached) == stop:
                raise Crash

        with contextlib.suppress(Crash):
            nights.commit(plan, built, taken=TAKEN, step=step)
        return reached

    steps = commit(0)
    assert snapshot(lake, runs=True) == after and len(steps) > 15
    for number in range(1, len(steps) + 1):
        name = commit(number)[-1]
        nights.table(lake, "feedback")
        with store.locked(lake):
            store.open_lake(lake)
        assert snapshot(lake, runs=True) == (before if name in ("synced", "journal written") else after), name


def test_a_crash_before_the_commit_changes_nothing_and_the_next_night_does_all(tmp_path):
    before, after = states(tmp_path)
    lake = tmp_path / "lake"
    night(lake, "r1", FIRST, [nights.reject("x")])

    def scorer(rows):
        raise Crash

    with pytest.raises(Crash):
        second(lake, scorer=scorer)
    assert {name: data for name, data in snapshot(lake, runs=True).items() if "_staging" not in name} == before
    second(lake)
    assert snapshot(lake, runs=True) == after


def test_a_failed_run_leaves_its_row_in_runs_and_nothing_else(tmp_path):
    lake = tmp_path / "lake"
    night(lake, "r1", FIRST)
    before = snapshot(lake)

    def scorer(rows):
        raise RuntimeError("model broke")

    with pytest.raises(RuntimeError):
        second(lake, scorer=scorer)
    with store.locked(lake):
        failed = {"source": "survey", "flow": "nightly", "started_at": nights.START, "error": "RuntimeError"}
        assert store.record_failure(lake, "r2", [failed]).swept > 0
    assert snapshot(lake) == before
    assert table(lake, "runs", "run_id, status, read, error") == [
        ("r1", "done", 3, None),
        ("r2", "failed", None, "RuntimeError"),
    ]


def test_two_runs_at_once_are_one_after_the_other(lake):
    with store.locked(lake, holder="r0"), pytest.raises(LakeBusy, match="run r0"):
        night(lake, "r1", FIRST)
    night(lake, "r1", FIRST)


def test_a_broken_partition_stops_the_run_in_one_line(lake):
    night(lake, "r1", FIRST)
    path = files.partition(lake, "feedback", dt.date(2026, 2, 2))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(LakeError, match=r"part-0\.parquet") as caught:
        second(lake)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_lake_of_another_schema_version_is_left_alone(lake):
    night(lake, "r1", FIRST)
    (lake / "_state" / "schema_version").write_text("0\n")
    before = snapshot(lake, runs=True)
    with pytest.raises(LakeError, match="schema version 0"):
        second(lake)
    assert snapshot(lake, runs=True) == before


def test_rejects_are_kept_once_under_the_day_that_first_saw_them(lake):
    late = dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5)))  # 2 March in UTC
    rejects = [nights.reject("x"), nights.reject("x", position="a.csv:12"), nights.reject("x", position="b.csv:2")]
    night(lake, "r1", [], rejects, started_at=late)
    night(lake, "r2", [], [*rejects, nights.reject("y")], started_at=late + dt.timedelta(days=1))
    found = table(lake, "rejects", "occurrence, position, run_id")
    assert found == [(0, "a.csv:9", "r1"), (0, "a.csv:9", "r2"), (1, "a.csv:12", "r1")]
    assert list(store.partitions(lake, "rejects")) == [dt.date(2026, 3, 2), dt.date(2026, 3, 3)]
    assert table(lake, "runs", "run_id, rejected") == [("r1", 3), ("r2", 4)]


def test_themes_know_when_they_were_seen_and_stay_when_they_retire(lake):
    night(lake, "r1", [row("1", "the staff", "2026-02-03"), row("2", "staff and wait", "2026-02-01"), row("3", "-")])
    columns = "theme_id, first_seen, last_seen, status"
    day = {number: dt.date(2026, 2, number) for number in range(1, 9)}
    assert table(lake, "themes", columns) == [
        ("general/people", day[1], day[3], "active"),
        ("general/staff", day[1], day[3], "active"),
        ("general/wait", day[1], day[1], "active"),
    ]
    night(lake, "r2", [row("2", "nothing", "2026-02-01")], themes=nights.THEMES[:2])
    assert table(lake, "themes", columns) == [
        ("general/people", day[3], day[3], "active"),
        ("general/staff", day[3], day[3], "active"),
        ("general/wait", None, None, "retired"),
    ]
    before = snapshot(lake)
    night(lake, "r3", [], themes=None)
    assert snapshot(lake) == before
    night(lake, "r4", [], themes=nights.THEMES)
    assert table(lake, "themes", "status") == [("active",)] * 3


def test_mentions_and_rows_scored_are_counted(lake):
    night(lake, "r1", [row("1", "staff wait"), row("2", ""), row("3", "-", date="2026-02-02")])
    assert table(lake, "runs", "scored, mentions, new") == [(2, 2, 3)]


def test_a_scorer_may_give_no_mentions_and_no_sentences(lake):
    night(lake, "r1", FIRST, scorer=lambda rows: (nights.score(rows)[0], None, None))
    assert store.summary(lake) == {"feedback": 3, "themes": 3, "runs": 1}
    # A row that is scored again without them loses the old ones.
    night(lake, "r2", [row("2", "staff wait", date="2026-02-02")])
    assert store.summary(lake)["theme_mentions"] == 2
    night(
        lake, "r3", [row("2", "the wait", date="2026-02-02")], scorer=lambda rows: (nights.score(rows)[0], None, None)
    )
    assert "theme_mentions" not in store.summary(lake) and not list(lake.glob("theme_mentions/*"))


def test_a_wrong_scorer_is_told_so(lake):
    with pytest.raises(ValueError, match="scorer gave 1 rows for 2"):
        night(lake, "r1", [row("1"), row("2")], scorer=lambda rows: (nights.score(rows)[0][:1], None, None))

    def stray(rows):
        scores, mentions, _ = nights.score(rows)
        return scores, mentions.assign(feedback_id="none"), None

    with pytest.raises(ValueError, match="not given"):
        night(lake, "r2", [row("1")], scorer=stray)


def test_rows_of_one_night_are_scored_in_bounded_slices(lake):
    sizes = []

    def scorer(rows):
        sizes.append(len(rows))
        return nights.score(rows)

    night(lake, "r1", [row(str(n), date=f"2026-02-0{n % 2 + 1}") for n in range(8)], scorer=scorer, group=100)
    assert sizes == [3, 3, 2]


def test_a_day_of_long_texts_is_sorted_beside_the_model(lake):
    """50 MB of text on one date: 128 MB of buffers, which are enough for most nights, would not do."""
    chance = random.Random(1)
    rows = [row(str(n), f"{n} {chance.randbytes(1_250).hex()}") for n in range(20_000)]
    night(lake, "r1", rows, group=20_000, slice_rows=5_000)
    night(lake, "r2", [row("one more")], group=20_000, slice_rows=5_000)
    assert store.rows(lake, "feedback") == 20_001


def test_the_memory_beside_the_model_grows_with_what_is_sorted():
    assert [duck.beside_model(held) for held in (0, 30 * 2**20, 10**12)] == ["128MB", "180MB", "384MB"]


def test_partitions_are_built_alike_however_they_are_grouped(tmp_path, monkeypatch):
    rows = [row(str(n), date=f"2026-02-0{n % 5 + 1}", response_id=f"r{n % 4}") for n in range(20)]
    late = [row(str(n), "bad staff", date=f"2026-02-0{n % 3 + 2}", response_id=f"r{n % 4}") for n in range(0, 30, 4)]
    want = None
    for name, span, group in (("one", building.SPAN_BYTES, 100), ("small", 1, 100), ("each", building.SPAN_BYTES, 1)):
        monkeypatch.setattr(building, "SPAN_BYTES", span)
        lake = tmp_path / name
        night(lake, "r1", rows, group=group)
        night(lake, "r2", late, group=group)
        want = want or snapshot(lake, runs=True)
        assert snapshot(lake, runs=True) == want


def test_a_plan_crosses_processes(lake):
    plan = night(lake, "r1", FIRST)
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_an_unknown_column_of_runs_is_refused(lake):
    with pytest.raises(KeyError, match="colour"):
        store.record_failure(lake, "r", [{"source": "s", "flow": "f", "started_at": nights.START, "colour": 1}])


def test_summary_counts_rows(lake):
    assert store.summary(lake) == {}
    night(lake, "r1", FIRST, [nights.reject("x")])
    assert store.summary(lake) == {
        "feedback": 3, "theme_mentions": 3, "sentences": 3, "themes": 3, "rejects": 1, "runs": 1,
    }  # fmt: skip
    assert set(store.summary(lake)) <= set(schema.TABLES)


def test_no_frame_is_changed(lake):
    frame = nights.frame(FIRST)
    copy = frame.copy(deep=True)
    with store.locked(lake):
        store.stage(lake, "r1", [(frame, pd.DataFrame())], name="a", file="a.csv")
    pd.testing.assert_frame_equal(frame, copy)
