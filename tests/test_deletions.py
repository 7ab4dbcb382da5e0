"""What takes rows out of a lake, and what must not: tombstones, snapshots, and files with too much that is wrong."""

import datetime as dt

import pytest
import yaml

from cx_nlp.errors import RunStopped
from tests import nights
from tests.one_source import config, counts, ids, row, write


@pytest.mark.parametrize(
    ("tombstone", "marked"),
    [({"column": "gone"}, "2026-03-20"), ({"column": "gone", "values": ["Deleted"]}, "deleted"), ({"column": "gone", "values": [True]}, "true")],
)  # fmt: skip
def test_a_tombstone_removes_its_row_and_an_empty_partition(tmp_path, tiny, tombstone, marked):
    path = config(tmp_path, tiny, kind="csv", path="in.csv", tombstone=tombstone)
    write(
        tmp_path / "in.csv",
        [row(1, "2026-03-01", gone=""), row(2, "2026-03-02", gone=""), row(3, "2026-03-02", gone="")],
    )
    assert counts(path) == {"read": 3, "new": 3}
    write(
        tmp_path / "in.csv",
        [row(1, "", text="", nps="", gone=marked), row(2, "2026-03-02", gone=marked), row(3, "2026-03-02", gone="")],
    )
    assert counts(path) == {"read": 3, "deleted": 2, "unchanged": 1}
    lake = tmp_path / "lake"
    assert ids(path) == ["3"]
    for table in ("feedback", "theme_mentions"):
        assert not (lake / table / "dt=2026-03-01").exists()
    assert nights.query(lake, "FROM theme_mentions ANTI JOIN feedback USING (source, feedback_id)") == []
    before = nights.content(lake, without=("runs", "_lock"))
    assert counts(path, reread=True) == {"read": 3, "deleted": 2, "unchanged": 1}
    assert nights.content(lake, without=("runs", "_lock")) == before


def test_a_tombstone_beside_its_row_wins_unless_the_row_is_newer(tmp_path, tiny):
    path = config(tmp_path, tiny, kind="csv", path="in.csv", tombstone={"column": "gone"})
    rows = [
        row(1, "2026-03-01", changed="2026-03-05 10:00", gone=""), row(1, "2026-03-01", gone="yes"),
        row(2, "2026-03-01", changed="2026-03-05 10:00", gone=""), row(2, "2026-03-01", gone="2026-03-05"),
        row(3, "2026-03-01", changed="2026-03-05 10:00", gone=""), row(3, "2026-03-01", gone="2026-03-04"),
    ]  # fmt: skip
    for order in (rows, rows[::-1]):
        write(tmp_path / "in.csv", order)
        counts(path)
        assert ids(path) == ["3"]
    # The deletion is older than what the lake has.
    write(tmp_path / "in.csv", [row(3, "2026-03-01", gone="2026-03-04")])
    assert counts(path) == {"read": 1, "deleted": 1} and ids(path) == ["3"]
    # Said without a tombstone again: the row was restored.
    write(tmp_path / "in.csv", [row(1, "2026-03-01", gone="")])
    assert counts(path) == {"read": 1, "new": 1} and ids(path) == ["1", "3"]


def test_a_deleted_row_gives_its_response_back(tmp_path, tiny):
    path = config(tmp_path, tiny, kind="csv", path="in.csv", tombstone={"column": "gone"})
    both = [
        row(1, "2026-03-02", nps="9", response="r", gone=""),
        row(2, "2026-03-01", changed="2026-03-03", nps="2", response="r", gone=""),
    ]
    write(tmp_path / "in.csv", both)
    counts(path)
    columns = "SELECT feedback_id, nps, is_response_head, issues, feedback_date::VARCHAR FROM feedback ORDER BY 1"
    assert [one[1] for one in nights.query(tmp_path / "lake", columns)] == [2, 2]
    write(tmp_path / "in.csv", [both[0], both[1] | {"gone": "x"}])
    assert counts(path) == {"read": 2, "deleted": 1, "unchanged": 1}
    assert nights.query(tmp_path / "lake", columns) == [("1", 9, True, "", "2026-03-02")]


def test_one_date_brings_back_no_deleted_row(tmp_path, tiny):
    path = config(tmp_path, tiny, kind="csv", path="*.csv", tombstone={"column": "gone"})
    write(tmp_path / "a.csv", [row(1, "2026-03-01", gone=""), row(2, "2026-03-01", gone="")])
    write(tmp_path / "b.csv", [row(1, "", gone="x")])
    assert counts(path)["new"] == 1
    assert counts(path, only_date=dt.date(2026, 3, 1)) == {"read": 3, "deleted": 1, "superseded": 1, "unchanged": 1}
    assert ids(path) == ["2"]


def test_a_full_snapshot_removes_what_it_no_longer_holds(tmp_path, tiny):
    path = config(tmp_path, tiny, kind="csv", path="*.csv", snapshot=True)
    rows = [row(number, f"2026-03-0{number}") for number in range(1, 5)]
    write(tmp_path / "a.csv", rows[:2])
    write(tmp_path / "b.csv", rows[2:])
    assert counts(path) == {"read": 4, "new": 4}
    assert counts(path) == {}
    write(tmp_path / "b.csv", rows[2:3])
    assert counts(path) == {"read": 3, "unchanged": 3, "removed": 1}
    assert ids(path) == ["1", "2", "3"] and not (tmp_path / "lake" / "feedback" / "dt=2026-03-04").exists()
    # A rejected row is there, and stays as it was; one date removes nothing; a file that is gone takes its rows along.
    write(tmp_path / "a.csv", [rows[0], rows[1] | {"created": "soon"}])
    assert counts(path) == {"read": 3, "unchanged": 2, "rejected": 1} and ids(path) == ["1", "2", "3"]
    assert counts(path, only_date=dt.date(2026, 3, 1)) == {"read": 1, "unchanged": 1}
    (tmp_path / "b.csv").unlink()
    assert counts(path) == {"read": 2, "unchanged": 1, "rejected": 1, "removed": 1} and ids(path) == ["1", "2"]
    assert counts(path) == {}


def test_a_snapshot_removes_rows_of_its_own_source_alone(tmp_path, tiny):
    path = config(tmp_path, tiny, kind="csv", path="a.csv", snapshot=True)
    settings = yaml.safe_load(path.read_text())
    settings["sources"]["other"] = settings["sources"]["survey"] | {"path": "b.csv", "snapshot": False}
    path.write_text(yaml.safe_dump(settings))
    write(tmp_path / "a.csv", [row(1, "2026-03-01"), row(2, "2026-03-01"), row(3, "2026-03-01")])
    write(tmp_path / "b.csv", [row(9, "2026-03-01")])
    counts(path)
    write(tmp_path / "a.csv", [row(1, "2026-03-01"), row(2, "2026-03-01")])
    assert counts(path) == {"read": 2, "unchanged": 2, "removed": 1} and ids(path) == ["1", "2", "9"]


@pytest.mark.parametrize("left", [0, 1])
def test_a_snapshot_that_is_far_too_small_stops_the_run(tmp_path, tiny, left):
    path = config(tmp_path, tiny, kind="csv", path="in.csv", snapshot=True)
    rows = [row(number, "2026-03-01") for number in range(1, 5)]
    write(tmp_path / "in.csv", rows)
    counts(path)
    before = nights.content(tmp_path / "lake")
    write(tmp_path / "in.csv", rows[:left])
    with pytest.raises(
        RunStopped, match=rf"survey: the snapshot holds {left} of the 4 rows in the lake, expected at least 50%"
    ):
        nights.run(path)
    assert nights.content(tmp_path / "lake", without=("runs", "quality", "_state", "_lock", "_staging")) == before
    path = config(tmp_path, tiny, kind="csv", path="in.csv", snapshot=True, snapshot_min=0)
    assert counts(path)["removed"] == 4 - left


def test_too_many_rejected_rows_stop_the_run(tmp_path, tiny):
    path = config(tmp_path, tiny, kind="csv", path="in.csv", max_rejected=0.3)
    write(tmp_path / "in.csv", [row(1, "2026-03-01"), row(2, "2026-03-01"), row(3, "soon")])
    with pytest.raises(RunStopped, match=r"survey: 1 of 3 rows rejected \(no_date 1\), expected at most 30%"):
        nights.run(path)
    assert not list((tmp_path / "lake").glob("feedback/**/*.parquet"))
    write(tmp_path / "in.csv", [row(number, "2026-03-01") for number in range(1, 4)] + [row(4, "soon")])
    assert counts(path) == {"read": 4, "new": 3, "rejected": 1}
