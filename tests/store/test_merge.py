import datetime as dt
import itertools

import pytest

from cx_nlp import schema, store
from tests.store import nights
from tests.store.nights import content, frame, night, row, snapshot, table

FEB = [dt.date(2026, 2, day) for day in range(1, 10)]


def counts(plan, source="survey"):
    nights.check_equation(plan)
    return {name: count for name, count in plan.counts[source].items() if count}


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


def test_a_first_night_is_all_new_and_a_second_changes_no_byte(lake):
    rows = [row("1"), row("2", date="2026-02-02"), row("3", ""), row(None), row(None, file="b.csv")]
    rejects = [nights.reject("x")]
    assert counts(night(lake, "r1", rows, rejects)) == {"read": 6, "new": 4, "superseded": 1, "rejected": 1}
    before = snapshot(lake)
    plan = night(lake, "r2", rows, rejects, started_at=nights.START + dt.timedelta(days=1))
    assert counts(plan) == {"read": 6, "unchanged": 4, "superseded": 1, "rejected": 1}
    assert snapshot(lake) == before
    assert len(table(lake, "runs")) == 2


def test_one_edited_row_replaces_exactly_one(lake):
    rows = [row("1"), row("2"), row("3", date="2026-02-02")]
    night(lake, "r1", rows)
    before = snapshot(lake)
    plan = night(lake, "r2", [rows[0], row("2", "bad wait"), rows[2]])
    assert counts(plan) == {"read": 3, "replaced": 1, "unchanged": 2}
    assert list(plan.to_score.items()) == [(FEB[0], 1)]
    assert table(lake, "feedback", "feedback_id, text, run_id") == [
        ("1", "the staff were kind", "r1"),
        ("2", "bad wait", "r2"),
        ("3", "the staff were kind", "r1"),
    ]
    assert table(lake, "theme_mentions", "feedback_id, theme_id", "feedback_id = '2'") == [("2", "general/wait")]
    changed = {name for name, data in snapshot(lake).items() if before.get(name) != data}
    assert {name for name in changed if "02-02" in name} == set()


def test_the_newer_version_of_a_key_wins_within_a_run(lake):
    versions = [
        row("1", "old", updated_at="2026-02-03T00:00:00"),
        row("1", "new", updated_at="2026-02-04T00:00:00"),
        row("1", "undated"),
        row("2", "low", row_hash="a"),
        row("2", "high", row_hash="b"),
    ]
    for number, order in enumerate(itertools.permutations(range(5))):
        if number % 17:
            continue
        other = lake.with_name(f"lake{number}")
        plan = night(other, "r1", [versions[place] for place in order])
        assert counts(plan) == {"read": 5, "new": 2, "superseded": 3}
        assert table(other, "feedback", "feedback_id, text") == [("1", "new"), ("2", "high")]


def test_between_runs_an_older_version_loses_and_a_tie_goes_to_the_later_run(lake):
    night(lake, "r1", [row("1", "a", updated_at="2026-02-05T00:00:00"), row("2", "a"), row("3", "a", row_hash="z")])
    plan = night(
        lake,
        "r2",
        [row("1", "older", updated_at="2026-02-04T00:00:00"), row("2", "b"), row("3", "b", row_hash="a")],
    )
    assert counts(plan) == {"read": 3, "replaced": 2, "superseded": 1}
    assert table(lake, "feedback", "feedback_id, text") == [("1", "a"), ("2", "b"), ("3", "b")]


def test_a_known_version_beside_a_newer_one(lake):
    first, second = row("1", "a", updated_at="2026-02-04T00:00:00"), row("1", "b", updated_at="2026-02-05T00:00:00")
    night(lake, "r1", [first])
    assert counts(night(lake, "r2", [first, second])) == {"read": 2, "replaced": 1, "superseded": 1}
    assert counts(night(lake, "r3", [first, second])) == {"read": 2, "unchanged": 1, "superseded": 1}
    assert counts(night(lake, "r4", [first])) == {"read": 1, "superseded": 1}


def test_equal_rows_without_an_id_are_pieces_within_a_file_and_one_across_files(lake):
    rows = [row(None, row_hash=name, attributes=f'{{"n":"{name}"}}') for name in "ab"] + [
        row(None, file="b.csv", row_hash="a", attributes='{"n":"a"}')
    ]
    assert counts(night(lake, "r1", rows)) == {"read": 3, "new": 2, "superseded": 1}
    found = table(lake, "feedback", "feedback_id, response_id, attributes")
    identity = rows[0]["identity"]
    ids = [nights.occurrence_id(identity, number) for number in (0, 1)]
    assert found == sorted([(ids[0], ids[0], '{"n":"a"}'), (ids[1], ids[1], '{"n":"b"}')])
    assert counts(night(lake, "r2", [rows[2], rows[1], rows[0]])) == {"read": 3, "unchanged": 2, "superseded": 1}


def test_the_order_of_files_and_rows_does_not_matter(tmp_path):
    rows = [
        row("1", csat=4, response_id="r", date="2026-02-03"),
        row("2", "bad wait", csat=1, response_id="r", file="b.csv"),
        row("2", "bad wait again", csat=2, response_id="r", file="c.csv"),
        row(None, file="b.csv"),
        row(None, file="c.csv"),
        row("3", "", nps=9, file="c.csv", date="2026-02-02"),
    ]
    # Equal in all mapped values, different in what is passed through.
    twins = [row("4", row_hash="t", attributes=f'{{"a":"{n}"}}', file=f"{n}.csv") for n in "abc"]
    rejects = [nights.reject("x", position="b.csv:3"), nights.reject("x"), nights.reject("x", position="a.csv:2")]
    want = None
    for number, turn in enumerate((1, -1, 2)):
        lake = tmp_path / str(number)
        shuffled = (rows + twins)[::turn] if turn != 2 else twins + rows[3:] + rows[:3]
        plan = night(lake, f"r{number}", shuffled, rejects)
        found = content(lake), plan.counts
        want = want or found
        assert found == want
    assert len(want[0]["feedback"]) == 5 and len(want[0]["rejects"]) == 2


def test_a_changed_date_moves_the_row_with_all_that_hangs_on_it(lake):
    night(lake, "r1", [row("1"), row("2")])
    plan = night(lake, "r2", [row("1", date="2026-02-05")])
    assert list(plan.to_score) == [FEB[0], FEB[4]]
    for name in ("feedback", "theme_mentions", "sentences"):
        assert table(lake, name, "feedback_id, feedback_date") == [("1", FEB[4]), ("2", FEB[0])]
    night(lake, "r3", [row("2", date="2026-02-05")])
    assert list(store.partitions(lake, "feedback")) == [FEB[4]]
    assert not (lake / "feedback" / "dt=2026-02-01").exists()


def test_a_late_row_settles_its_response_and_unchanged_rows_keep_their_scores(lake):
    first = row("1", csat=4, response_id="r", date="2026-02-03")
    night(lake, "r1", [first, row("9", date="2026-02-03")])
    calls = []

    def scorer(rows):
        calls.extend(rows["feedback_id"])
        return nights.score(rows)

    late = row("2", "bad wait", csat=2, response_id="r", date="2026-02-01", submitted_at="2026-02-04T00:00:00")
    plan = night(lake, "r2", [first, late], scorer=scorer)
    assert counts(plan) == {"read": 2, "new": 1, "unchanged": 1} and calls == ["2"]
    columns = "feedback_id, feedback_date, csat, is_response_head, issues, n_tokens, run_id"
    assert table(lake, "feedback", columns) == [
        ("1", FEB[0], 2, False, "rating_conflict|csat_was_4|feedback_date_was_2026-02-03", 4, "r2"),
        ("2", FEB[0], 2, True, "rating_conflict", 2, "r2"),
        ("9", FEB[2], None, True, "", 4, "r1"),
    ]
    assert table(lake, "theme_mentions", "feedback_id, feedback_date, run_id") == [
        ("1", FEB[0], "r2"),
        ("2", FEB[0], "r2"),
        ("9", FEB[2], "r1"),
    ]
    before = snapshot(lake)
    assert counts(night(lake, "r3", [first, late])) == {"read": 2, "unchanged": 2}
    assert snapshot(lake) == before
    # The late row leaves for another response: the first gets its own rating and date back.
    moved = row("2", "bad wait", csat=2, response_id="s", date="2026-02-01", submitted_at="2026-02-04T00:00:00")
    assert counts(night(lake, "r4", [moved])) == {"read": 1, "replaced": 1}
    assert table(lake, "feedback", "feedback_id, response_id, feedback_date, csat, is_response_head, issues") == [
        ("1", "r", FEB[2], 4, True, ""),
        ("2", "s", FEB[0], 2, True, ""),
        ("9", "9", FEB[2], None, True, ""),
    ]


def test_rows_of_one_response_in_two_nights_or_in_one(tmp_path):
    rows = [
        row("1", csat=4, response_id="r", date="2026-02-03"),
        row("2", csat=2, response_id="r", date="2026-02-05"),
        row("3", nps=7, response_id="r", date="2026-02-04"),
    ]
    together = tmp_path / "together"
    night(together, "r", rows)
    for number, order in enumerate(itertools.permutations(rows)):
        apart = tmp_path / str(number)
        for place, one in enumerate(order):
            night(apart, f"r{place}", [one])
        assert content(apart) == content(together)


def test_settling_in_buckets_gives_the_same(tmp_path, monkeypatch):
    rows = [row(str(n), csat=n % 5 + 1, response_id=f"r{n // 3}", date=f"2026-02-0{n % 4 + 1}") for n in range(30)]
    night(tmp_path / "one", "r", rows)
    monkeypatch.setattr("cx_nlp.store.merge.RESPONSE_ROWS", 4)
    night(tmp_path / "many", "r", rows)
    assert content(tmp_path / "many") == content(tmp_path / "one")


def test_one_date_takes_its_rows_alone_and_leaves_the_state(lake):
    rows = [row("1"), row("2", date="2026-02-02"), row("3", date="2026-02-03")]
    taken = {"survey": {"a.csv": "0" * 64}}
    plan = night(lake, "r1", rows, [nights.reject("x")], only_date="2026-02-02", taken=taken)
    assert counts(plan) == {"read": 1, "new": 1}
    assert table(lake, "feedback", "feedback_id") == [("2",)]
    assert store.watermark(lake, "survey") is None and not (lake / "_state" / "files.json").exists()
    assert not (lake / "rejects").exists()
    assert counts(night(lake, "r2", rows, [nights.reject("x")], taken=taken)) == {
        "read": 4, "new": 2, "unchanged": 1, "rejected": 1,
    }  # fmt: skip
    assert (lake / "_state" / "files.json").exists()


def test_sources_are_counted_apart_and_an_empty_night_counts_zero(lake):
    plan = night(lake, "r1", [row("1", source="app"), row("1")])
    assert counts(plan, "app") == counts(plan) == {"read": 1, "new": 1}
    empty = night(lake, "r2", [])
    assert empty.counts == {"survey": dict.fromkeys(("read", *schema.ACCOUNTED, "removed"), 0)}
    assert empty.groups() == [] and empty.to_score == {}
    assert table(lake, "runs", "run_id, source, status, read") == [
        ("r1", "app", "done", 1), ("r1", "survey", "done", 1), ("r2", "survey", "done", 0),
    ]  # fmt: skip


def test_groups_join_dates_until_there_is_enough_to_score(lake):
    plan = night(lake, "r1", [row(str(n), date=f"2026-02-0{n % 5 + 1}") for n in range(10)])
    assert plan.groups(1) == [[date] for date in FEB[:5]]
    assert plan.groups(3) == [FEB[0:2], FEB[2:4], FEB[4:5]]
    assert plan.groups(1000) == [FEB[:5]]


def test_without_a_rating_a_scale_is_not_kept(lake):
    night(lake, "r1", [row("1", rating_scale="stars 1-5"), row("2", rating=4.0, rating_scale="stars 1-5")])
    assert table(lake, "feedback", "feedback_id, rating, rating_scale") == [("1", None, None), ("2", 4.0, "stars 1-5")]


def test_all_columns_reach_the_lake(lake):
    full = row(
        "1", question="Why?", channel="web", touchpoint="visit", segment="s", respondent_role="employee",
        customer_key="c", weight=2.5, may_quote=True, may_contact=False, nps=9, csat=5, ces=7, rating=3.5,
        rating_scale="stars 1-5", issues="weight_invalid", attributes='{"a":"b"}', updated_at="2026-02-02T00:00:00",
        response_id="r",
    )  # fmt: skip
    night(lake, "r1", [full])
    (found,) = store.read_table(store.partition(lake, "feedback", FEB[0]), schema.FEEDBACK).to_pylist()
    staged = [name for name in schema.STAGED.names if name in schema.FEEDBACK.names and name != "is_response_head"]
    assert {name: found[name] for name in staged} == {name: full[name] for name in staged}
    assert found["scored_at"] == nights.START and found["n_tokens"] == 4 and found["engine"] == "fake fp32"


def test_a_row_that_cannot_be_read_has_no_scores(lake):
    night(lake, "r1", [row("1", "", nps=3), row("2", "xx", score_status="unsupported_language")])
    columns = "score_status, n_tokens, p_negative, model_version, engine, scored_at"
    assert table(lake, "feedback", columns) == [("no_text", *[None] * 5), ("unsupported_language", *[None] * 5)]


def test_staging_a_file_again_replaces_what_the_first_try_left(lake):
    with store.locked(lake):
        chunks = [(frame([row(str(n))]), frame([])) for n in range(3)]
        store.stage(lake, "r1", chunks, name="in/1", file="a.csv")
        store.stage(lake, "r1", [(frame([row("8")]), frame([]))], name="in/10", file="b.csv")
        assert store.stage(lake, "r1", chunks[:1], name="in/1", file="a.csv") == store.Staged(1, 0)
        plan = store.plan(lake, "r1", started_at=nights.START, occurrence_id=nights.occurrence_id)
    assert counts(plan) == {"read": 2, "new": 2}
