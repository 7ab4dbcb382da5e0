"""A night from file to lake: the accounting, reruns, edits, order of files, and what a failure leaves."""

import pytest

from cx_nlp.errors import LakeError, SourceError
from tests import nights

EQUATION = 'read = "new" + replaced + unchanged + superseded + deleted + rejected'


@pytest.fixture
def config(tmp_path, tiny):
    (tmp_path / "in").mkdir()
    nights.write_csv(tmp_path / "in" / "a.csv", nights.ROWS[:5])
    nights.write_csv(tmp_path / "in" / "b.csv", nights.ROWS[5:])
    return nights.write_config(tmp_path, tiny)


@pytest.fixture
def lake(config):
    return config.parent / "lake"


def test_every_row_is_kept_or_rejected_with_its_reason(config, lake):
    counts = nights.run(config)["survey"]
    assert (counts["read"], counts["new"], counts["rejected"]) == (9, 7, 2)
    assert nights.query(lake, "SELECT position, reason FROM rejects ORDER BY position") == [
        ("b.csv:4", "no_date"),
        ("b.csv:5", "no_comment_or_rating"),
    ]
    assert nights.query(lake, "SELECT feedback_id, score_status, language FROM feedback ORDER BY 1") == [
        ("1", "scored", "en"),
        ("2", "scored", "en"),
        ("3", "no_text", None),
        ("4", "scored", "en"),
        ("5", "unreadable", None),
        ("6", "unsupported_language", "es"),
        ("7", "scored", "en"),
    ]
    assert nights.query(lake, f"SELECT count(*) FROM runs WHERE {EQUATION}") == [(1,)]


def test_a_bad_value_becomes_null_and_is_named(config, lake):
    nights.run(config)
    assert nights.query(lake, "SELECT nps, issues FROM feedback WHERE feedback_id = '7'") == [(None, "nps_invalid")]


def test_one_sentence_gives_each_theme_its_own_sentiment(config, lake):
    nights.run(config)
    found = dict(
        nights.query(
            lake,
            """SELECT mention, m.sentiment_label FROM theme_mentions m WHERE feedback_id = '1'""",
        )
    )
    assert found["delivery"] in ("negative", "neutral") and found["staff"] in ("positive", "neutral")
    ((label, mixed),) = nights.query(lake, "SELECT sentiment_label, is_mixed FROM feedback WHERE feedback_id = '1'")
    assert label in ("negative", "neutral", "positive") and mixed is not None


def test_mentions_index_the_stored_text(config, lake):
    nights.run(config)
    rows = nights.query(
        lake,
        """SELECT f.text, m.start, m."end", m.mention FROM theme_mentions m JOIN feedback f USING (source, feedback_id)
           WHERE m.mention_id >= 0""",
    )
    assert rows
    for text, start, end, mention in rows:
        assert text[start:end] == mention


def test_personal_data_is_nowhere_in_the_lake(config, lake):
    nights.run(config)
    stored = b"".join(p.read_bytes() for p in lake.rglob("*") if p.is_file())
    assert b"jo@example.com" not in stored
    assert nights.query(lake, "SELECT text FROM feedback WHERE feedback_id = '4'")[0][0].startswith(
        "Mail me at [EMAIL]"
    )
    keys = nights.query(
        lake, "SELECT count(*) FILTER (customer_key IN ('c1', 'c2')), count(customer_key) FROM feedback"
    )
    assert keys == [(0, 6)]


def test_one_head_a_response(config, lake):
    nights.run(config)
    heads = nights.query(lake, "SELECT response_id, count(*) FILTER (is_response_head) FROM feedback GROUP BY 1")
    assert len(heads) == 6 and all(n == 1 for _, n in heads)


def test_files_already_taken_are_not_read_again(config, lake):
    nights.run(config)
    before = nights.content(lake)
    assert nights.run(config)["survey"]["read"] == 0
    assert nights.content(lake) == before


def test_reading_every_row_again_changes_no_byte_outside_runs(config, lake):
    nights.run(config)
    before = nights.content(lake, without=("runs", "_lock"))
    counts = nights.run(config, reread=True)["survey"]
    assert (counts["read"], counts["unchanged"], counts["rejected"]) == (9, 7, 2)
    assert nights.content(lake, without=("runs", "_lock")) == before
    assert nights.query(lake, f"SELECT count(*) FROM runs WHERE {EQUATION}") == [(2,)]


def test_one_edited_row_replaces_exactly_one(config, lake):
    nights.run(config)
    before = nights.content(lake)
    edited = [*nights.ROWS[5:]]
    edited[1] = ["7", "r6", "2026-03-03 13:00", "2026-03-04 08:00", "c6", "The app is lovely now", "10", "use"]
    nights.write_csv(config.parent / "in" / "b.csv", edited)
    counts = nights.run(config)["survey"]
    assert (counts["read"], counts["replaced"], counts["unchanged"], counts["rejected"]) == (4, 1, 1, 2)
    assert nights.query(lake, "SELECT text, sentiment_label, nps, nps_group FROM feedback WHERE feedback_id = '7'") == [
        ("The app is lovely now", "positive", 10, "promoter")
    ]
    changed = {name for name, digest in nights.content(lake).items() if before.get(name) != digest}
    assert {name.split("/")[1] for name in changed if name.startswith(("feedback", "theme_mentions"))} == {
        "dt=2026-03-03"
    }


def test_a_row_whose_date_changed_leaves_its_partition(config, lake):
    nights.run(config)
    moved = [nights.ROWS[5], ["7", "r6", "2026-03-09 13:00", "2026-03-09 13:00", "c6", "The app is slow", "6", "use"]]
    nights.write_csv(config.parent / "in" / "b.csv", moved)
    nights.run(config)
    assert nights.query(lake, "SELECT feedback_date::VARCHAR, dt::VARCHAR FROM feedback WHERE feedback_id = '7'") == [
        ("2026-03-09", "2026-03-09")
    ]
    orphans = "FROM theme_mentions ANTI JOIN feedback USING (source, feedback_id, feedback_date)"
    assert nights.query(lake, orphans) == []


def test_another_order_of_files_gives_the_same_lake(tmp_path, tiny, monkeypatch):
    monkeypatch.setenv("CX_NLP_KEY", "one key for both lakes, as their hashes must agree")
    lakes = []
    for folder, names in (("one", ("a.csv", "b.csv")), ("two", ("z.csv", "c.csv"))):
        (tmp_path / folder / "in").mkdir(parents=True)
        for name, rows in zip(names, (nights.ROWS[:5], nights.ROWS[5:]), strict=True):
            nights.write_csv(tmp_path / folder / "in" / name, rows)
        nights.run(nights.write_config(tmp_path / folder, tiny))
        lakes.append(tmp_path / folder / "lake")
    for table, apart in (
        ("feedback", "run_id, scored_at"),
        ("theme_mentions", "run_id"),
        ("rejects", "run_id, position"),
    ):
        one, two = (sorted(map(str, nights.query(lake, f"SELECT * EXCLUDE ({apart}) FROM {table}"))) for lake in lakes)
        assert one and one == two


def test_one_date_is_taken_alone_and_moves_no_state(config, lake):
    import datetime as dt

    counts = nights.run(config, only_date=dt.date(2026, 3, 2))["survey"]
    assert (counts["read"], counts["new"]) == (2, 2)
    assert nights.run(config)["survey"]["read"] == 9


def test_another_key_stops_the_run(config, monkeypatch):
    nights.run(config)
    monkeypatch.setenv("CX_NLP_KEY", "another key")
    with pytest.raises(LakeError, match="holds key"):
        nights.run(config, reread=True)


def test_a_missing_column_is_named_with_its_neighbour(tmp_path, tiny):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("id,response,created,changed,customer,coment,nps,stage\n")
    with pytest.raises(SourceError, match="coment"):
        nights.run(nights.write_config(tmp_path, tiny))
    assert not list((tmp_path / "lake").rglob("*.parquet"))


def test_a_night_with_no_rows_is_a_night(tmp_path, tiny):
    (tmp_path / "in").mkdir()
    nights.write_csv(tmp_path / "in" / "a.csv", [])
    assert nights.run(nights.write_config(tmp_path, tiny))["survey"]["read"] == 0


def test_reading_two_versions_again_brings_back_no_older_one(tmp_path, tiny):
    """Without updated_at the later run's version stands, also when a reread sees both."""
    (tmp_path / "in").mkdir()
    config = nights.write_config(tmp_path, tiny)
    for number in range(6):
        old, new = (
            [f"{number}", f"r{number}", "2026-03-01 10:00", "", "c", text, "5", "buy"] for text in ("Old", "New")
        )
        nights.write_csv(tmp_path / "in" / f"a{number}.csv", [old])
        nights.write_csv(tmp_path / "in" / f"b{number}.txt", [new])
    nights.run(config)
    for number in range(6):
        (tmp_path / "in" / f"b{number}.txt").rename(tmp_path / "in" / f"b{number}.csv")
    assert nights.run(config)["survey"]["replaced"] == 6
    before = nights.content(tmp_path / "lake")
    counts = nights.run(config, reread=True)["survey"]
    assert (counts["read"], counts["unchanged"], counts["superseded"]) == (12, 6, 6)
    assert nights.content(tmp_path / "lake") == before
    assert nights.query(tmp_path / "lake", "SELECT DISTINCT text FROM feedback") == [("New",)]


def test_a_run_states_its_window(config, lake):
    nights.run(config)
    nights.run(config, reread=True)
    windows = nights.query(lake, "SELECT window_low, window_high FROM runs ORDER BY started_at")
    assert windows[0][0] is None and windows[1][0] == windows[0][1] is not None


def test_sentences_are_a_table_where_the_config_asks_for_it(config, lake):
    config.write_text(config.read_text() + "sentences: true\n")
    nights.run(config)
    rows = nights.query(
        lake,
        f"""SELECT f.text, s.start, s."end", s.sentence, s.sentiment_label FROM '{lake}/sentences/**/*.parquet' s
            JOIN feedback f USING (source, feedback_id) WHERE feedback_id IN ('2', '4') ORDER BY ALL""",
    )
    assert len(rows) == 2 and all(text[start:end] == text for text, start, end, _, _ in rows)
    assert sorted(label for *_, label in rows) == ["neutral", "positive"]


def test_a_night_writes_its_measures_and_a_rerun_keeps_them(config, lake):
    nights.run(config)
    found = nights.query(
        lake,
        """SELECT touchpoint, measure, n, value, suppressed FROM measures
           WHERE period = 'all' AND source = '(all)' AND channel = '(all)' AND segment = '(all)' AND theme_id = '(all)'
             AND measure IN ('nps', 'responses') ORDER BY 1, 2""",
    )
    assert found == [
        ("(all)", "nps", 5, None, True), ("(all)", "responses", 7, 6.0, False),
        ("buy", "nps", 2, None, True), ("buy", "responses", 2, 2.0, False),
        ("deliver", "nps", 1, None, True), ("deliver", "responses", 2, 1.0, False),
        ("use", "nps", 2, None, True), ("use", "responses", 3, 3.0, False),
    ]  # fmt: skip
    assert nights.query(lake, "SELECT DISTINCT as_of::VARCHAR FROM measures") == [("2026-03-03",)]
    before = nights.content(lake)
    nights.run(config, reread=True)
    assert nights.content(lake) == before


def test_measures_follow_the_config(config, lake):
    import yaml

    settings = yaml.safe_load(config.read_text())
    settings["measures"] = {
        "min_n": 1,
        "journey": ["use", "buy"],
        "known_shares": {"touchpoint": {"buy": 0.5, "use": 0.5}},
    }
    config.write_text(yaml.safe_dump(settings))
    nights.run(config)
    assert nights.query(lake, "SELECT touchpoint FROM journey WHERE outcome = 'nps' ORDER BY position") == [
        ("use",),
        ("buy",),
        ("deliver",),
    ]
    query = "SELECT value FROM measures WHERE period = 'all' AND measure = 'nps' AND touchpoint = 'deliver' AND theme_id = '(all)'"
    assert nights.query(lake, query) == [(100.0,)]
    assert nights.query(lake, "SELECT DISTINCT scheme FROM weighted ORDER BY 1") == [
        ("both",),
        ("commenters",),
        ("known_shares",),
    ]


def test_a_source_taken_again_leaves_nothing_of_the_first_try(config, lake):
    """As after a store that was away: by then it may hold fewer files."""
    from cx_nlp import night, store
    from cx_nlp.config import load_config

    settings = load_config(config)
    source = settings.sources["survey"].model_copy(update={"timezone": "UTC"})
    settings = settings.model_copy(update={"sources": {"survey": source, "survey-2": source}})
    this = night.new_night(settings, flow="test")
    paths = night.find_files(settings)["survey"]
    with store.locked(lake):
        store.open_lake(lake)
        other = night.take_source(this, "survey-2", paths)
        night.take_source(this, "survey", paths)
        taken = night.take_source(this, "survey", paths[1:])
        counts = night.resolve(this, [other, taken]).counts
    assert counts["survey"]["read"] == taken.rows + taken.rejects == 4
    assert counts["survey-2"]["read"] == other.rows + other.rejects == 9
