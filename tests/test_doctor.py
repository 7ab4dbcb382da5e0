import datetime as dt
import json

import pyarrow as pa
import pytest

from cx_nlp import schema, store
from cx_nlp.doctor import check_lake
from cx_nlp.errors import LakeBusy, LakeError
from cx_nlp.store import files, journal
from tests.store import nights
from tests.store.nights import night, row

DAY = dt.date(2026, 2, 1)


@pytest.fixture
def lake(tmp_path):
    made = tmp_path / "lake"
    rows = [
        row("1", csat=4, response_id="r"),
        row("2", "bad wait", csat=2, response_id="r"),
        row("3", date="2026-02-02"),
    ]
    night(made, "r1", rows, [nights.reject("x")])
    night(made, "r2", [*rows, row("4", "", nps=3)])
    return made


def rewrite(lake, table, dt, change):
    """Put other rows into a partition, as a hand or a defect would."""
    path = files.partition(lake, table, dt)
    rows = change(files.read_table(path, schema.TABLES[table]).to_pylist())
    changed = pa.Table.from_pylist(rows, schema=schema.TABLES[table])
    files.write_table(path, changed, schema.TABLES[table], run_id="x").replace(path)


def checks(lake):
    return [finding.check for finding in check_lake(lake)]


def test_a_whole_lake_has_no_findings(lake):
    before = nights.snapshot(lake, runs=True)
    assert check_lake(lake) == []
    assert nights.snapshot(lake, runs=True) == before


def test_an_empty_lake_is_whole_and_none_is_an_error(tmp_path):
    assert check_lake(tmp_path) == []
    with pytest.raises(LakeError, match="no lake at"):
        check_lake(tmp_path / "none")


def test_a_lake_at_work_is_busy(lake):
    with store.locked(lake, holder="r3"), pytest.raises(LakeBusy, match="run r3"):
        check_lake(lake)


def test_a_doubled_key_is_found(lake):
    rewrite(lake, "feedback", DAY, lambda rows: rows + [row for row in rows if row["feedback_id"] == "4"])
    found = check_lake(lake)
    assert {finding.check for finding in found} == {"key", "response", "accounting"}
    assert str(found[0]) == "key: feedback: 1 keys stand twice: survey/4"


def test_a_lost_row_is_found(lake):
    rewrite(lake, "feedback", DAY, lambda rows: [row for row in rows if row["feedback_id"] != "4"])
    (found,) = check_lake(lake)
    assert (found.check, found.where) == ("accounting", "feedback")


def test_a_mention_without_its_feedback_is_found(lake):
    rewrite(lake, "theme_mentions", DAY, lambda rows: [*rows, rows[0] | {"feedback_id": "gone"}])
    assert checks(lake) == ["orphan"]


def test_a_theme_without_its_row_is_found(lake):
    rewrite(lake, "theme_mentions", DAY, lambda rows: [row | {"theme_id": "general/none"} for row in rows])
    assert checks(lake) == ["orphan"]


def test_a_response_without_a_head_or_with_two_is_found(lake):
    for head in (True, False):
        rewrite(lake, "feedback", DAY, lambda rows, head=head: [row | {"is_response_head": head} for row in rows])
        assert checks(lake) == ["response"]


def test_a_row_in_another_dates_partition_is_found(lake):
    other = dt.date(2026, 2, 7)
    rewrite(lake, "feedback", dt.date(2026, 2, 2), lambda rows: [row | {"feedback_date": other} for row in rows])
    found = check_lake(lake)
    assert "date: feedback/dt=2026-02-02: 1 rows of another feedback_date" in map(str, found)
    assert "orphan" in {finding.check for finding in found}


def test_an_equation_that_does_not_hold_is_found(lake):
    rewrite(lake, "runs", nights.START.date(), lambda rows: [row | {"read": 99} for row in rows])
    assert checks(lake) == ["accounting"]


def test_a_flipped_byte_a_cut_file_and_another_schema_are_found(lake):
    path = files.partition(lake, "feedback", DAY)
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + bytes([whole[200] ^ 255]) + whole[201:])
    assert checks(lake) == ["corrupt"]
    path.write_bytes(whole[:100])
    assert checks(lake) == ["schema"]
    files.write_table(path, schema.THEMES.empty_table(), schema.THEMES, run_id="x").replace(path)
    (found,) = check_lake(lake)
    assert (
        found.where == "feedback/dt=2026-02-01/part-0.parquet" and "columns differ from table feedback" in found.detail
    )


def test_a_file_that_a_glob_reads_but_the_lake_does_not_know_is_found(lake):
    path = files.partition(lake, "feedback", DAY)
    (path.parent / "part-1.parquet").write_bytes(path.read_bytes())
    (found,) = check_lake(lake)
    assert (found.check, found.where) == ("layout", "feedback/dt=2026-02-01/part-1.parquet")


def test_what_a_crash_left_is_found_and_gone_after_the_next_run(lake):
    files.write_table(
        files.partition(lake, "feedback", DAY), schema.FEEDBACK.empty_table(), schema.FEEDBACK, run_id="x"
    )
    (lake / "_staging" / "x").mkdir(parents=True)
    assert checks(lake) == ["leftover", "leftover"]
    entry = {"run_id": "y", "writes": [], "deletes": ["feedback/dt=2020-01-01/part-0.parquet"]}
    (lake / "_journal" / "y.json").write_text(json.dumps(entry))
    assert checks(lake)[0] == "journal"
    journal.heal(lake)
    assert check_lake(lake) == []


def test_a_journal_that_cannot_be_read_is_found(lake):
    (lake / "_journal" / "y.json").write_text("{")
    assert checks(lake) == ["journal", "journal"]


def test_an_open_key_a_broken_state_and_another_version_are_found(lake):
    (lake / "_key").write_text("secret")
    (lake / "_key").chmod(0o644)
    (lake / "_state" / "watermarks.json").write_text("{")
    (lake / "_state" / "schema_version").write_text("0\n")
    found = check_lake(lake)
    assert [finding.check for finding in found] == ["key", "state", "state"]
    assert "secret" not in "".join(map(str, found)) and "mode 0644, expected 0600" in str(found[0])
    (lake / "_key").chmod(0o600)
    assert checks(lake) == ["state", "state"]


def test_figures_that_are_owed_are_found(lake):
    (lake / "_state" / "due.json").write_text('{"dates": ["2026-02-01"], "every": false}')
    (found,) = check_lake(lake)
    assert found.check == "due" and "1 changed dates" in found.detail
    (lake / "_state" / "due.json").write_text("{}]")
    assert checks(lake) == ["state"]


def test_a_row_of_a_run_that_is_not_known_is_found(lake):
    rewrite(lake, "feedback", DAY, lambda rows: [row | {"run_id": "r9"} for row in rows])
    (found,) = check_lake(lake)
    assert str(found) == "run: feedback: 1 runs of its rows that `runs` does not know as done: survey/r9"


def test_a_reject_under_another_day_than_its_runs_is_found(lake):
    (path,) = files.partitions(lake, "rejects").values()
    other = files.partition(lake, "rejects", dt.date(2026, 1, 1))
    other.parent.mkdir()
    path.rename(other)
    path.parent.rmdir()
    assert [str(finding) for finding in check_lake(lake)] == [
        "date: rejects/dt=2026-01-01: 1 rows of a run of another date"
    ]


def test_a_row_of_somebody_who_is_forgotten_is_found(lake):
    rewrite(lake, "feedback", DAY, lambda rows: [row | {"customer_key": f"k{row['feedback_id']}"} for row in rows])
    assert check_lake(lake) == []
    listed = lake / "_state" / "forgotten.json"
    listed.write_text(json.dumps({"elsewhere": ["k1"], "survey": ["k2"], "*": ["k4", "k5"]}))
    (found,) = check_lake(lake)
    assert (found.check, found.where) == ("forgotten", "feedback") and found.detail.startswith("2 rows of people")


def test_a_broken_list_of_tombstones_is_found(lake):
    (lake / "_state" / "tombstones.parquet").write_bytes(b"no Parquet")
    assert checks(lake) == ["state"]
