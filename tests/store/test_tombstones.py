import pytest

from cx_nlp.errors import LakeError
from cx_nlp.store import tombstones
from tests.store import nights
from tests.store.nights import night, row


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


def tombstone(feedback_id, at=None):
    return row(feedback_id, "", is_deleted=True, updated_at=at, row_hash=f"gone-{feedback_id}")


def ids(lake):
    return [id for (id,) in nights.table(lake, "feedback", "feedback_id")]


def test_an_older_file_that_changes_later_brings_no_deleted_row_back(lake):
    night(lake, "r1", [row("1"), row("2")])
    night(lake, "r2", [tombstone("1", "2026-02-10T00:00:00")])
    assert ids(lake) == ["2"]
    plan = night(lake, "r3", [row("1"), row("2"), row("3")])
    assert ids(lake) == ["2", "3"]
    counts = plan.counts["survey"]
    assert (counts["read"], counts["superseded"], counts["unchanged"], counts["new"]) == (3, 1, 1, 1)
    nights.check_equation(plan)


def test_a_row_that_is_newer_than_its_tombstone_is_new(lake):
    night(lake, "r1", [tombstone("1", "2026-02-10T00:00:00")])
    night(lake, "r2", [row("1", updated_at="2026-02-10T00:00:00")])
    assert ids(lake) == []
    night(lake, "r3", [row("1", updated_at="2026-02-11T00:00:00")])
    assert ids(lake) == ["1"]
    # An old tombstone that is read again is older than the row, and stays known.
    night(lake, "r4", [tombstone("1", "2026-02-10T00:00:00")])
    assert ids(lake) == ["1"]


def test_a_tombstone_without_a_time_is_not_remembered(lake):
    night(lake, "r1", [row("1")])
    night(lake, "r2", [tombstone("1")])
    assert ids(lake) == [] and not tombstones.path(lake).exists()
    night(lake, "r3", [row("1")])
    assert ids(lake) == ["1"]


def test_the_latest_time_is_kept_and_nothing_is_written_twice(lake):
    night(lake, "r1", [tombstone("1", "2026-02-10T00:00:00"), tombstone("2", "2026-02-10T00:00:00")])
    first = tombstones.path(lake).read_bytes()
    night(lake, "r2", [tombstone("1", "2026-02-09T00:00:00")])
    assert tombstones.path(lake).read_bytes() == first
    night(lake, "r3", [tombstone("1", "2026-02-12T00:00:00")])
    night(lake, "r4", [row("1", updated_at="2026-02-11T00:00:00"), row("2", updated_at="2026-02-11T00:00:00")])
    assert ids(lake) == ["2"]


def test_keys_of_two_sources_are_apart(lake):
    night(lake, "r1", [tombstone("1", "2026-02-10T00:00:00")])
    night(lake, "r2", [row("1", source="other")])
    assert ids(lake) == ["1"]


def test_a_broken_file_is_one_line(lake):
    night(lake, "r1", [tombstone("1", "2026-02-10T00:00:00")])
    tombstones.path(lake).write_bytes(b"PAR1")
    with pytest.raises(LakeError, match=r"tombstones\.parquet"):
        night(lake, "r2", [row("1")])
