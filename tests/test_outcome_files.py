"""The files beside the feedback: what they may hold, and one line without a customer's id for what they may not."""

import datetime as dt

import pandas as pd
import pytest

from cx_nlp import beside, identity, outcome_files
from cx_nlp.errors import CxError
from tests import nights

HASHER = identity.Hasher(b"k")
SECRET = "alice-4711"


def written(tmp_path, text: str, name: str = "o.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_outcomes_are_typed_hashed_and_in_order(tmp_path):
    text = f"customer,as_of,stayed,spend,recommended,persona\n{SECRET},2026-03-05,yes,12.5,,saver\n\nb , 2026-03-01,0,,TRUE,\n"
    found = outcome_files.outcomes(written(tmp_path, "\ufeff" + text), HASHER)
    rows = {row["customer_key"]: row for row in found.to_pylist()}
    mine = rows[identity.customer_key(HASHER, SECRET)]
    assert (mine["as_of"], mine["stayed"], mine["spend"], mine["recommended"]) == (
        dt.date(2026, 3, 5),
        True,
        12.5,
        None,
    )
    assert rows[identity.customer_key(HASHER, "b")]["recommended"] is True
    assert SECRET not in str(found.to_pylist())
    assert found["customer_key"].to_pylist() == sorted(rows)
    assert outcome_files.personas(found).to_pylist() == [{"customer_key": mine["customer_key"], "persona": "saver"}]


def test_parquet_does_as_well(tmp_path):
    frame = pd.DataFrame({"customer": ["a", "b"], "as_of": [dt.date(2026, 3, 1)] * 2, "stayed": [True, False]})
    frame.to_parquet(tmp_path / "o.parquet")
    found = outcome_files.outcomes(tmp_path / "o.parquet", HASHER)
    assert sorted(found["stayed"].to_pylist()) == [False, True] and found["spend"].null_count == 2


def test_loops_read_times_and_dates(tmp_path):
    text = ("source,feedback_id,answered_at,resolved\nsurvey,1,2026-03-05T10:00:00+01:00,yes\n"
            "survey,2,2026-03-05,no\nsurvey,3,,\n")  # fmt: skip
    found = outcome_files.loops(written(tmp_path, text)).to_pylist()
    assert [row["answered_at"] for row in found] == [
        dt.datetime(2026, 3, 5, 9, tzinfo=dt.UTC), dt.datetime(2026, 3, 5, 23, 59, 59, tzinfo=dt.UTC), None,
    ]  # fmt: skip
    assert [row["resolved"] for row in found] == [True, False, None]


def test_empty_files_have_no_rows(tmp_path):
    assert outcome_files.outcomes(written(tmp_path, "customer,as_of\n"), HASHER).num_rows == 0
    assert outcome_files.loops(written(tmp_path, "source,feedback_id,answered_at\n")).num_rows == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("customr,as_of\n", "unknown column 'customr', did you mean 'customer'?"),
        ("customer,stayed\n", "lacks column as_of"),
        ("", "lacks column customer"),
        ("customer,as_of,as_of\n", "a column occurs twice"),
        (f"customer,as_of\n{SECRET},2026-03-01\nb,2026-03-01\n{SECRET} ,2026-03-01\n", "line 4: customer and as_of as in line 2"),
        (f"customer,as_of\n2026-03-01,{SECRET}\n", "line 2: as_of is not a date (YYYY-MM-DD)"),
        (f"customer,as_of\n{SECRET},2026-02-30\n", "line 2: as_of is not a date"),
        (f"customer,as_of\n{SECRET},\n", "line 2: as_of is empty"),
        ("customer,as_of\n ,2026-03-01\n", "line 2: customer is empty"),
        (f"customer,as_of,spend\nb,2026-03-01,{SECRET}\n", "line 2: spend is not a number"),
        ("customer,as_of,spend\nb,2026-03-01,nan\n", "line 2: spend is not a number"),
        (f"customer,as_of,stayed\nb,2026-03-01,{SECRET}\n", "line 2: stayed is not yes or no"),
        (f"customer,as_of\n{SECRET}\n", "line 2: 1 cells, expected 2"),
        (f'customer,as_of\n"{SECRET}x"y,2026-03-01\n', "not readable as UTF-8 CSV"),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_line_that_gives_nobody_away(tmp_path, text, says):
    with pytest.raises(CxError) as caught:
        outcome_files.outcomes(written(tmp_path, text), HASHER)
    assert says in str(caught.value) and "o.csv" in str(caught.value)
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_file_is_said(tmp_path):
    with pytest.raises(CxError, match="no file"):
        outcome_files.loops(tmp_path / "none.csv")
    with pytest.raises(CxError, match="not readable as Parquet"):
        outcome_files.loops(written(tmp_path, "x", "l.parquet"))
    path = tmp_path / "latin.csv"
    path.write_bytes("customer,as_of\nä,2026-03-01\n".encode("latin-1"))
    with pytest.raises(CxError, match="not readable as UTF-8 CSV"):
        outcome_files.outcomes(path, HASHER)


def config(tmp_path, tiny):
    import yaml

    path = nights.survey(tmp_path, tiny)
    raw = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(raw | {"measures": {"outcomes": "o.csv", "loops": "l.csv", "min_n": 1}}))
    return path


def test_a_night_joins_them_and_a_changed_file_makes_new_measures(tmp_path, tiny):
    path = config(tmp_path, tiny)
    written(tmp_path, "customer,as_of,stayed,persona\nc1,2026-03-09,yes,saver\nc3,2026-03-09,no,hunter\n")
    written(tmp_path, "source,feedback_id,answered_at,resolved\nsurvey,4,2026-03-02 12:30,yes\n", "l.csv")
    nights.run(path)
    lake = tmp_path / "lake"
    stayed = "SELECT term, value FROM outcomes WHERE outcome = 'stayed' AND kind = 'nps_group' AND n_term > 0 ORDER BY position"
    assert nights.query(lake, stayed) == [("promoter", 1.0), ("detractor", 0.0)]
    answered = "SELECT value, n FROM loops WHERE split = '(all)' AND measure = 'answered'"
    assert nights.query(lake, answered) == [(pytest.approx(1 / 6), 6)]
    assert nights.query(lake, "SELECT DISTINCT segment FROM measures WHERE segment LIKE 's%' OR segment LIKE 'h%' ORDER BY 1") == [
        ("hunter",), ("saver",),
    ]  # fmt: skip
    before = nights.content(lake, without=("runs", "_lock"))
    nights.run(path)
    assert nights.content(lake, without=("runs", "_lock")) == before, "nothing new, nothing written"
    written(tmp_path, "customer,as_of,stayed\nc1,2026-03-09,no\n")
    nights.run(path)
    assert nights.query(lake, stayed) == [("promoter", 0.0)]


def test_a_bad_file_stops_the_night_before_the_lake_is_touched(tmp_path, tiny):
    path = config(tmp_path, tiny)
    written(tmp_path, "customer,as_of\nc1,soon\n")
    written(tmp_path, "source,feedback_id,answered_at\n", "l.csv")
    with pytest.raises(CxError, match="as_of is not a date"):
        nights.run(path)
    assert not (tmp_path / "lake").exists()


def test_the_digest_follows_the_files_and_not_where_they_lie(tmp_path, tiny):
    from cx_nlp.config import load_config

    written(tmp_path, "customer,as_of\n")
    written(tmp_path, "source,feedback_id,answered_at\n", "l.csv")
    settings = load_config(config(tmp_path, tiny))
    one = beside.digest(settings, {})
    assert one == beside.digest(settings, {}) and len(one) == 16
    written(tmp_path, "customer,as_of\nc,2026-01-01\n")
    assert beside.digest(settings, {}) != one
