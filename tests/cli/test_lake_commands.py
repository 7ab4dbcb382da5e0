"""The commands on a lake as a user meets them. Flows themselves are tested in tests/pipelines."""

import json

import pytest

from cx_nlp import store
from cx_nlp.cli import flows
from tests import nights


@pytest.fixture
def config(tmp_path, tiny):
    return nights.survey(tmp_path, tiny)


@pytest.fixture
def lake(config):
    nights.run(config)
    return config.parent / "lake"


def test_forget_asks_first_and_says_what_went(cx, lake, monkeypatch):
    code, out, err = cx("forget", "--lake", lake, "--customer", "c1")  # nobody answers
    assert code == 1 and out == "" and "feedback: 2 rows to remove (survey 2)" in err and "Erase for good?" in err
    assert nights.query(lake, "SELECT count(*) FROM feedback WHERE feedback_id IN ('1', '2')") == [(2,)]
    code, out, _ = cx("forget", "--lake", lake, "--customer", "c1", "--customer", "c7", "--yes")
    assert code == 0 and "feedback: 2 rows removed (survey 2)" in out and "rejects: 1 rows removed" in out
    assert nights.query(lake, "SELECT count(*) FROM feedback WHERE feedback_id IN ('1', '2')") == [(0,)]
    code, out, _ = cx("forget", "--lake", lake, "--customer", "c1")
    assert code == 0 and "forgotten already" in out


def test_forget_on_a_held_lake_fails_in_one_line(cx, lake, monkeypatch):
    monkeypatch.setattr("cx_nlp.forget.LOCK_WAIT_SECONDS", 0.0)
    with store.locked(lake, holder="r9"):
        code, out, err = cx("forget", "--lake", lake, "--customer", "c1", "--yes")
    assert code == 1 and out == "" and err.splitlines()[-1].startswith("cx-nlp: lake") and "r9" in err


def test_publish_copies_and_then_has_nothing_to_do(cx, lake, config, tmp_path):
    code, out, _ = cx("publish", "--lake", lake, "--to", f"file://{tmp_path}/copy")
    assert code == 0 and out.startswith("generation 1: ") and (tmp_path / "copy" / "manifest.json").exists()
    config.write_text(config.read_text() + f"publish: file://{tmp_path}/copy\n")
    code, out, _ = cx("publish", "--lake", lake, "--config", config)
    assert code == 0 and ", 0 copied, 0 removed" in out


def test_doctor_finds_what_a_stopped_run_left(cx, lake):
    (lake / "_staging" / "r9").mkdir(parents=True)
    code, out, _ = cx("doctor", "--lake", lake)
    assert code == 1 and "PROBLEM: leftover: _staging/r9" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["backfill", "--config", "night.yaml", "--from", "2026-03-02", "--to", "2026-03-01"], "lies before --from"),
        (["backfill", "--config", "none.yaml", "--from", "2026-03-01", "--to", "2026-03-01"], "config not found"),
        (["backfill", "--config", "night.yaml", "--from", "March", "--to", "2026-03-01"], "Invalid value for '--from'"),
        (["rescore", "--lake", "none"], "no lake at none"),
        (["forget", "--lake", "none", "--customer", "c1"], "no lake at none"),
        (["publish", "--lake", "none", "--to", "file:///x"], "no lake at none"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(cx, config, arguments, says):
    code, out, err = cx(*arguments)
    assert code == 2 and out == "" and says in err.splitlines()[-1]


def test_publish_must_be_told_where_to(cx, lake, config):
    code, _, err = cx("publish", "--lake", lake)
    assert code == 2 and "where to?" in err
    code, _, err = cx("publish", "--lake", lake, "--to", "bucket/x")
    assert code == 2 and "expected a URL" in err


def test_rescore_of_a_lake_that_remembers_nothing_asks_for_a_config(cx, lake):
    (lake / "_state" / "settings.json").unlink()
    code, _, err = cx("rescore", "--lake", lake)
    assert code == 2 and "--config FILE" in err


def test_logs_are_json_lines_when_asked(cx, lake, monkeypatch):
    code, _, err = cx("--log", "json", "forget", "--lake", lake, "--customer", "c2", "--yes")
    found = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert code == 0 and found
    (one,) = [line for line in found if line.get("table") == "feedback"]
    assert one["stage"] == "forget" and one["removed"] == 1 and one["run_id"]


def test_a_flow_that_is_not_installed_is_one_line():
    with pytest.raises(Exception, match="the flow 'none' is not installed"):
        flows.find_flow("none")
