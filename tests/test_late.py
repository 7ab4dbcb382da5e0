"""A night is late when the lake's table of runs says so."""

import datetime as dt

from cx_nlp import store
from cx_nlp.late import last_done, overdue

DUE = dt.datetime(2026, 3, 2, 3, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def run(lake, started: dt.datetime, *, status: str = "done", flow: str = "nightly") -> None:
    row = {
        "source": "survey", "flow": flow, "started_at": started, "status": status, "finished_at": started + HOUR / 2,
    }  # fmt: skip
    store.record_failure(lake, f"r{started:%d%H%M}{status}", [row])


def test_a_night_that_is_done_is_not_late(tmp_path):
    run(tmp_path, DUE - 24 * HOUR)
    assert overdue(tmp_path, due=DUE, allowed=HOUR, now=DUE + HOUR / 2) is None, "it may still be at work"
    line = overdue(tmp_path, due=DUE, allowed=HOUR, now=DUE + HOUR)
    assert line == "the night of 2026-03-02 03:00 UTC is late: 1:00:00 after its start no run is done"
    run(tmp_path, DUE + HOUR / 4)
    assert overdue(tmp_path, due=DUE, allowed=HOUR, now=DUE + HOUR) is None
    assert last_done(tmp_path, since=DUE) == DUE + HOUR * 3 / 4


def test_a_run_that_failed_or_is_of_another_flow_is_none(tmp_path):
    run(tmp_path, DUE, status="failed")
    run(tmp_path, DUE + HOUR / 4, flow="backfill")
    assert overdue(tmp_path, due=DUE, allowed=HOUR, now=DUE + HOUR) is not None
    assert last_done(tmp_path, since=DUE) is None


def test_a_lake_that_is_not_there_yet_has_no_night(tmp_path):
    assert overdue(tmp_path / "none", due=DUE, allowed=HOUR, now=DUE + HOUR) is not None
