"""Backfill and rescore: what they take, what they leave, and where they go on after they were stopped."""

import datetime as dt
import shutil

import pytest

from cx_nlp import history, remembered, store
from cx_nlp.config import load_config
from cx_nlp.doctor import check_lake
from tests import nights, tiny_model

pytestmark = pytest.mark.usefixtures("one_figure")
MARCH = (dt.date(2026, 3, 1), dt.date(2026, 3, 31))
EQUATION = 'read = "new" + replaced + unchanged + superseded + deleted + rejected'


class Stopped(BaseException):
    """As a kill: nothing cleans up after it."""


@pytest.fixture
def config(tmp_path, tiny):
    return nights.survey(tmp_path, tiny)


@pytest.fixture
def lake(config):
    return config.parent / "lake"


@pytest.fixture
def renamed(tiny, tmp_path):
    """The same model under another name: every version differs, no score does."""
    folder = tmp_path / "renamed"
    shutil.copytree(tiny, folder)
    tiny_model.write_settings(folder, name="renamed")
    return folder


def rows(lake, table="feedback", columns="* EXCLUDE (run_id, scored_at, dt)", where="true"):
    return nights.query(lake, f"SELECT {columns} FROM {table} WHERE {where} ORDER BY ALL")


def test_a_backfill_takes_the_rows_of_its_dates_and_moves_no_state(config, lake):
    counts = nights.backfill(config, dt.date(2026, 3, 1), dt.date(2026, 3, 2))["survey"]
    assert (counts["read"], counts["new"], counts["rejected"]) == (4, 4, 0)
    assert [date for (date,) in rows(lake, columns="DISTINCT feedback_date::VARCHAR")] == ["2026-03-01", "2026-03-02"]
    assert store.watermark(lake, "survey") is None and store.known_files(lake, "survey") == {}
    assert rows(lake, "runs", "flow, read, scored", EQUATION) == [("backfill", 4, 3)]
    assert rows(lake, "measures", "DISTINCT as_of::VARCHAR") == [("2026-03-02",)]
    assert check_lake(lake) == []
    # The night takes the rest; what the backfill has brought changes nothing.
    assert nights.run(config)["survey"]["unchanged"] == 4


def test_groups_of_dates_give_what_one_run_gives(config, lake, monkeypatch):
    # All but what is hashed with the lake's own key, or names the run.
    named = {
        "feedback": "* EXCLUDE (run_id, scored_at, dt, row_hash, customer_key)",
        "theme_mentions": "* EXCLUDE (run_id, dt)",
        "measures": "* EXCLUDE (run_id, dt)",
    }
    nights.run(config)
    whole = {table: rows(lake, table, columns) for table, columns in named.items()}
    shutil.rmtree(lake)
    monkeypatch.setattr(history, "COMMIT_ROWS", 1)
    counts = nights.backfill(config, *MARCH)["survey"]
    assert (counts["read"], counts["new"]) == (7, 7)
    assert {table: rows(lake, table, columns) for table, columns in named.items()} == whole
    assert rows(lake, "runs", "count(*), count(DISTINCT run_id), sum(read)::INT") == [(3, 3, 7)]
    assert check_lake(lake) == []


def test_a_backfill_that_was_stopped_goes_on_and_scores_nothing_twice(config, lake, monkeypatch):
    monkeypatch.setattr(history, "COMMIT_ROWS", 1)
    real, seen = history._commit, []

    def commit(*args, **options):
        if len(seen) == 2:
            raise Stopped
        seen.append(args)
        return real(*args, **options)

    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(history, "_commit", commit)
        nights.backfill(config, *MARCH)
    assert rows(lake, "runs", "sum(scored)::INT") == [(3,)] and rows(lake, "runs", "count(seconds_measure)") == [(0,)]
    assert {finding.check for finding in check_lake(lake)} == {"leftover", "due"}
    counts = nights.backfill(config, *MARCH)["survey"]
    assert (counts["read"], counts["new"], counts["unchanged"]) == (7, 3, 4)
    assert rows(lake, "runs", "sum(scored)::INT") == [(4,)]  # 1, 2, 4 and 7: each once
    assert check_lake(lake) == []


def test_figures_that_a_stopped_backfill_owes_come_with_the_next_run(config, lake, monkeypatch):
    def stop(*args):
        raise Stopped

    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(history, "_settle", stop)
        nights.backfill(config, *MARCH)
    assert store.owed(lake) == store.Due(tuple(dt.date(2026, 3, day) for day in (1, 2, 3)))
    assert not (lake / "measures").exists()
    counts = nights.backfill(config, *MARCH)["survey"]
    assert (counts["new"], counts["unchanged"]) == (0, 7)
    assert store.owed(lake) is None and rows(lake, "measures", "count(*)") != [(0,)]


def test_a_backfill_of_dates_without_feedback_changes_nothing(config, lake):
    nights.run(config)
    before = nights.content(lake, without=("_lock",))
    assert nights.backfill(config, dt.date(2020, 1, 1), dt.date(2020, 2, 1)) == {"survey": {}}
    assert nights.content(lake, without=("_lock",)) == before


def test_a_rescore_renews_only_what_other_versions_have_scored(config, lake, renamed):
    nights.run(config)
    settings = remembered.recall(lake)
    before = nights.content(lake, without=("_lock",))
    assert nights.rescore(settings) == 0
    assert nights.content(lake, without=("_lock",)) == before

    scores = rows(lake, columns="feedback_id, sentiment_score, primary_emotion, is_mixed, text, nps, is_response_head")
    (as_of,) = rows(lake, "measures", "DISTINCT as_of::VARCHAR")
    one_day = (dt.date(2026, 3, 1), dt.date(2026, 3, 1))
    other = settings.model_copy(update={"model": str(renamed)})
    assert nights.rescore(other, dates=one_day) == 2
    assert nights.rescore(other) == 2  # the rest
    assert nights.rescore(other) == 0
    assert rows(lake, columns="count(*)", where="model_version LIKE '%renamed@%'") == [(4,)]
    assert (
        rows(lake, columns="feedback_id, sentiment_score, primary_emotion, is_mixed, text, nps, is_response_head")
        == scores
    )
    assert rows(lake, "runs", "flow, read, scored", where="flow = 'rescore'") == [("rescore", 0, 2), ("rescore", 0, 2)]
    assert rows(lake, "runs", "count(*)", where=f"NOT ({EQUATION})") == [(0,)]
    assert rows(lake, "measures", "DISTINCT as_of::VARCHAR") == [as_of]
    assert rows(lake, "measures", "count(*)", where="model_version NOT LIKE '%renamed@%'") == [(0,)]
    assert check_lake(lake) == []


def test_a_rescore_that_was_stopped_goes_on(config, lake, renamed, monkeypatch):
    nights.run(config)
    other = remembered.recall(lake).model_copy(update={"model": str(renamed)})
    monkeypatch.setattr(history, "COMMIT_ROWS", 1)
    real, seen = history._commit, []

    def commit(*args, **options):
        if seen:
            raise Stopped
        seen.append(args)
        return real(*args, **options)

    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(history, "_commit", commit)
        nights.rescore(other)
    assert rows(lake, columns="count(*)", where="model_version LIKE '%renamed@%'") == [(2,)]
    assert nights.rescore(other) == 2
    assert store.owed(lake) is None and check_lake(lake) == []


def test_a_rescore_follows_a_taxonomy_also_where_nothing_was_mentioned(config, lake, tmp_path):
    nights.run(config)
    own = tmp_path / "own.yaml"
    own.write_text("taxonomy: own\nversion: 1\nthemes:\n  - {id: app, name: The app, patterns: [app]}\n")
    settings = remembered.recall(lake).model_copy(update={"taxonomies": [str(own)]})
    assert nights.rescore(settings) == 4
    assert rows(lake, "theme_mentions", "DISTINCT theme_id", "theme_id IS NOT NULL") == [("own/app",)]
    assert rows(lake, "themes", "count(*)", "status = 'active'") == [(1,)]
    assert nights.rescore(settings) == 0  # "Thanks, great service" may name nothing: its run says by what it was read
    assert check_lake(lake) == []


def test_a_rescore_writes_sentences_once_they_are_wanted(config, lake):
    nights.run(config)
    settings = remembered.recall(lake).model_copy(update={"sentences": True})
    assert nights.rescore(settings) == 4 and rows(lake, "sentences", "count(DISTINCT feedback_id)") == [(4,)]
    assert nights.rescore(settings) == 0


def test_a_language_that_can_no_longer_be_read_is_said_so(config, lake, tmp_path, tiny):
    nights.run(config)
    foreign = tmp_path / "foreign"
    shutil.copytree(tiny, foreign)
    tiny_model.write_settings(foreign, name="foreign", languages=["es"])
    settings = remembered.recall(lake).model_copy(update={"model": str(foreign)})
    assert nights.rescore(settings) == 5  # four English rows lose their scores, one Spanish row gets some
    found = rows(lake, columns="feedback_id, score_status, sentiment_score IS NULL", where="language IS NOT NULL")
    assert [row[1:] for row in found if row[0] == "6"] == [("scored", False)]
    assert {row[1:] for row in found if row[0] != "6"} == {("unsupported_language", True)}
    assert rows(lake, "theme_mentions", "DISTINCT feedback_id") in ([("6",)], [])
    assert nights.rescore(settings) == 0 and check_lake(lake) == []


def test_every_past_day_of_figures_is_brought_to_the_new_version(config, lake, renamed):
    nights.write_csv(config.parent / "in" / "a.csv", nights.ROWS[:4])
    nights.run(config)
    nights.write_csv(config.parent / "in" / "a.csv", nights.ROWS)
    nights.run(config)
    days = rows(lake, "measures", "DISTINCT as_of::VARCHAR")
    assert days == [("2026-03-02",), ("2026-03-03",)]
    counts = rows(lake, "measures", "as_of, source, theme_id, n", "measure = 'comments' AND period = 'all'")
    nights.rescore(load_config(config).model_copy(update={"model": str(renamed)}))
    assert rows(lake, "measures", "DISTINCT as_of::VARCHAR") == days
    assert rows(lake, "measures", "as_of, source, theme_id, n", "measure = 'comments' AND period = 'all'") == counts
    assert rows(lake, "measures", "count(*)", where="model_version NOT LIKE '%renamed@%'") == [(0,)]
