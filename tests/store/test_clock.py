import datetime as dt

from cx_nlp.store import clock, known_files
from tests.store import nights
from tests.store.nights import night, row

BACK = nights.START - dt.timedelta(days=10)
TAKEN = {"survey": {"a.csv": "1", "b.csv": "2"}}


def future(file):
    return nights.reject("x", position=f"{file}:3") | {"reason": "date_in_future"}


def test_a_file_with_rows_of_the_future_is_left_for_the_next_run_if_the_clock_is_behind(tmp_path):
    lake = tmp_path / "lake"
    night(lake, "r1", [row("1")])
    rows = [row("2", file="a.csv"), row("3", file="b.csv")]
    night(lake, "r2", rows, [future("b.csv")], started_at=BACK, taken=TAKEN)
    assert known_files(lake, "survey") == {"a.csv": "1"}
    # The clock is right again: the file is read, and its row is no longer of the future.
    night(lake, "r3", [*rows, row("4", file="b.csv")], started_at=nights.START + dt.timedelta(days=1), taken=TAKEN)
    assert known_files(lake, "survey") == TAKEN["survey"]
    assert [id for (id,) in nights.table(lake, "feedback", "feedback_id")] == ["1", "2", "3", "4"]


def test_under_a_right_clock_a_wrong_date_does_not_make_a_file_new_each_night(tmp_path):
    lake = tmp_path / "lake"
    assert not clock.is_behind(lake, nights.START)
    night(lake, "r1", [row("1")])
    assert clock.is_behind(lake, BACK) and not clock.is_behind(lake, nights.START)
    later = nights.START + dt.timedelta(days=1)
    night(lake, "r2", [row("2", file="a.csv")], [future("a.csv")], started_at=later, taken={"survey": {"a.csv": "1"}})
    assert known_files(lake, "survey") == {"a.csv": "1"}
