"""A group of dates that a run has built is not scored again, in this run and of this plan."""

import pytest

from cx_nlp import store
from tests.store import nights


@pytest.fixture
def plan(tmp_path):
    rows = [nights.row(str(k), f"the staff were kind {k}", f"2026-02-0{k}") for k in range(1, 4)]
    plan, _ = nights.prepare(tmp_path, "r1", rows)
    return plan


def never(rows):
    raise AssertionError("scored again")


def test_what_was_built_is_found_again_and_scored_once(plan):
    dates = list(plan.to_score)
    for number in range(2):
        group = dates[:2] if number == 0 else dates[2:]
        built = store.build(plan, group, never if built_before(plan, group) else nights.score)
        again = store.build(plan, group, never)
        assert again == built and built.writes and built.scored


def built_before(plan, dates) -> bool:
    return (plan.folder / "built" / f"{dates[0]}.json").exists() and len(dates) == 2  # `prepare` built groups of two


def test_a_file_that_is_gone_is_built_again(plan):
    dates = list(plan.to_score)[:2]
    built = store.build(plan, dates, nights.score)
    built.writes[0][0].unlink()
    with pytest.raises(AssertionError, match="scored again"):
        store.build(plan, dates, never)
    assert store.build(plan, dates, nights.score) == built and built.writes[0][0].exists()


def test_other_dates_and_another_plan_are_built_anew(plan, tmp_path):
    dates = list(plan.to_score)
    with pytest.raises(AssertionError, match="scored again"):
        store.build(plan, dates, never)
    same = store.plan(tmp_path, "r1", started_at=plan.started_at, occurrence_id=nights.occurrence_id)
    with pytest.raises(AssertionError, match="scored again"):
        store.build(same, dates[:2], never)


def test_a_torn_note_is_no_note(plan):
    dates = list(plan.to_score)[:2]
    note = plan.folder / "built" / f"{dates[0]}.json"
    note.write_text(note.read_text()[:20])
    with pytest.raises(AssertionError, match="scored again"):
        store.build(plan, dates, never)
