"""People who asked to be forgotten: nothing of them stays, and nothing comes back."""

import datetime as dt
import shutil

import pytest

from cx_nlp import forget, identity, measures, store
from cx_nlp.doctor import check_lake
from cx_nlp.errors import LakeBusy, LakeError, UsageError
from cx_nlp.store import files, journal
from tests import nights

pytestmark = pytest.mark.usefixtures("one_figure")
EQUATION = 'read = "new" + replaced + unchanged + superseded + deleted + rejected'
# Two customers share response r1; c7 and c8 have nothing but rejected rows.
ROWS = [*nights.ROWS, ["10", "r1", "2026-02-28 10:00", "", "c9", "The staff were rude", "3", "use"]]

ALL_FIGURES = measures.tables


@pytest.fixture
def config(tmp_path, tiny):
    path = nights.survey(tmp_path, tiny, ROWS)
    nights.run(path)
    return path


@pytest.fixture
def lake(config):
    return config.parent / "lake"


def key_of(lake, customer):
    return identity.customer_key(identity.Hasher(identity.load_key(lake)), customer)


def everything(lake):
    return b"".join(path.read_bytes() for path in lake.rglob("*") if path.is_file())


def test_a_person_is_erased_from_every_table(config, lake):
    key = key_of(lake, "c1")
    assert nights.query(lake, f"SELECT count(*) FROM feedback WHERE customer_key = '{key}'") == [(2,)]
    found = forget.erase(lake, ["c1"])
    assert found.rows["feedback"] == {"survey": 2} and found.rows["theme_mentions"]["survey"] >= 2
    assert nights.query(lake, "SELECT feedback_id FROM feedback WHERE feedback_id IN ('1', '2', '10')") == [("10",)]
    assert nights.query(lake, "SELECT count(*) FROM theme_mentions WHERE feedback_id IN ('1', '2')") == [(0,)]
    # What they shared with others is settled anew: response r1 has one row, its head, with its own rating and date.
    head = "SELECT is_response_head, nps, issues, feedback_date::VARCHAR FROM feedback WHERE feedback_id = '10'"
    assert nights.query(lake, head) == [(True, 3, "", "2026-02-28")]
    assert nights.query(lake, "SELECT removed, read FROM runs WHERE flow = 'forget'") == [(2, 0)]
    assert key.encode() not in everything(lake).replace((lake / "_state/forgotten.json").read_bytes(), b"")
    assert journal.leftovers(lake) == [] and check_lake(lake) == []


def test_figures_of_past_days_no_longer_count_them(config, lake, monkeypatch):
    monkeypatch.setattr(measures, "tables", ALL_FIGURES)
    shutil.rmtree(lake / "measures")
    nights.run(config, reread=True)
    later = [*ROWS, ["11", "r11", "2026-03-05 10:00", "", "c11", "The delivery was late", "4", "use"]]
    nights.write_csv(config.parent / "in" / "a.csv", later)
    nights.run(config)
    responses = "SELECT as_of::VARCHAR, n FROM measures WHERE measure = 'responses' AND period = 'all' AND theme_id = '(all)' AND (source, channel, touchpoint, segment) = ('(all)', '(all)', '(all)', '(all)') ORDER BY 1"
    before = nights.query(lake, responses)
    assert [day for day, _ in before] == ["2026-03-03", "2026-03-05"]
    forget.erase(lake, ["c2"])
    assert nights.query(lake, responses) == [(day, n - 1) for day, n in before]
    # As if they had never been there.
    forget.erase(lake, ["c11"])
    assert nights.query(lake, responses) == [("2026-03-03", before[0][1] - 1)]
    assert check_lake(lake) == []


def test_rejected_rows_go_too(config, lake):
    assert nights.query(lake, "SELECT count(*) FROM rejects") == [(2,)]
    found = forget.erase(lake, ["c7", "c8"])
    assert found.rows == {"rejects": {"survey": 2}}
    assert not list((lake / "rejects").rglob("*.parquet"))
    assert nights.query(lake, "SELECT removed FROM runs WHERE flow = 'forget'") == [(0,)]
    assert check_lake(lake) == []


def test_an_old_export_does_not_bring_them_back(config, lake):
    forget.erase(lake, ["c1", "c7"])
    before = nights.query(lake, "SELECT * EXCLUDE (run_id, scored_at) FROM feedback ORDER BY ALL")
    counts = nights.run(config, reread=True)["survey"]
    # Two rows of c1 and the rejected one of c7 are deletions now; c8's stays a rejected row.
    assert {name: n for name, n in counts.items() if n} == {"read": 10, "deleted": 3, "unchanged": 6, "rejected": 1}
    assert nights.query(lake, "SELECT * EXCLUDE (run_id, scored_at) FROM feedback ORDER BY ALL") == before
    assert nights.query(lake, f"SELECT count(*) FROM runs WHERE NOT ({EQUATION})") == [(0,)]
    assert nights.backfill(config, dt.date(2026, 3, 1), dt.date(2026, 3, 1))["survey"]["deleted"] == 2
    assert nights.run(config, only_date=dt.date(2026, 3, 1))["survey"]["deleted"] == 2
    key = key_of(lake, "c1").encode()
    assert key not in everything(lake).replace((lake / "_state/forgotten.json").read_bytes(), b"")
    assert check_lake(lake) == []


def test_forgetting_again_changes_no_byte(config, lake):
    forget.erase(lake, ["c1"])
    before = nights.content(lake, without=("_lock",))
    found = forget.erase(lake, ["c1"])
    assert found.is_known and found.total == 0 and nights.content(lake, without=("_lock",)) == before


def test_somebody_who_is_not_there_is_kept_out_all_the_same(config, lake):
    assert forget.erase(lake, ["nobody yet"]).total == 0
    nights.write_csv(
        config.parent / "in" / "b.csv", [["20", "r20", "2026-03-04 10:00", "", "nobody yet", "Late", "1", "use"]]
    )
    assert nights.run(config)["survey"]["deleted"] == 1
    assert nights.query(lake, "SELECT count(*) FROM feedback WHERE feedback_id = '20'") == [(0,)]


def test_one_source_alone(config, lake):
    assert forget.erase(lake, ["c1"], source="other").total == 0
    assert nights.query(lake, "SELECT count(*) FROM feedback WHERE feedback_id IN ('1', '2')") == [(2,)]
    assert nights.run(config, reread=True)["survey"]["deleted"] == 0
    assert forget.erase(lake, ["c1"], source="survey").rows["feedback"] == {"survey": 2}
    assert nights.run(config, reread=True)["survey"]["deleted"] == 2


def test_a_crash_leaves_all_of_them_or_none(config, lake, monkeypatch):
    class Crash(BaseException):
        pass

    real = journal._carry_out

    def crash(lake, entry, path, step):
        raise Crash

    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr(journal, "_carry_out", crash)
        forget.erase(lake, ["c1"])
    assert journal._carry_out is real
    with store.locked(lake):
        assert store.open_lake(lake).finished  # the journal was in place: the next run finishes it
    assert nights.query(lake, "SELECT count(*) FROM feedback WHERE feedback_id IN ('1', '2')") == [(0,)]
    assert check_lake(lake) == []


def test_wrong_calls_are_one_line(config, lake, tmp_path):
    with pytest.raises(UsageError, match="blank"):
        forget.erase(lake, [" "])
    with pytest.raises(LakeError, match="no lake at"):
        forget.erase(tmp_path / "none", ["c1"])
    assert not (tmp_path / "none").exists()
    with store.locked(lake, holder="r9"), pytest.raises(LakeBusy, match="r9"):
        forget.LOCK_WAIT_SECONDS, kept = 0.0, forget.LOCK_WAIT_SECONDS
        try:
            forget.erase(lake, ["c1"])
        finally:
            forget.LOCK_WAIT_SECONDS = kept


def test_a_lake_without_settings_is_erased_with_a_warning(config, lake, caplog):
    (lake / "_state" / "settings.json").unlink()
    assert forget.erase(lake, ["c1"]).total
    assert "usual settings" in caplog.text
    assert files.partitions(lake, "measures")
