import json
from datetime import date, datetime

import pandas as pd
import pyarrow as pa
import pytest

from cx_nlp import schema
from cx_nlp.clean import CLEAN_VERSION
from cx_nlp.config import SourceConfig, load_config
from cx_nlp.date_plan import plan_dates
from cx_nlp.errors import SourceError, UsageError
from cx_nlp.identity import customer_key
from cx_nlp.prepare import prepare
from cx_nlp.rejects import COLUMNS
from tests.conftest import ROOT
from tests.nasty import NASTY
from tests.pieces import HASHER, MAPPING, ROW, START, Piece, chunk, one, run, source


def test_a_row_becomes_a_staged_row():
    row = one(ROW | {"store": "Leeds"}, source(fixed={"channel": "survey"}))
    assert row["source"] == "survey"
    assert row["feedback_id"] == row["response_id"] == "r1"
    assert row["has_own_id"]
    assert row["text"] == "The staff were lovely"
    assert (row["score_status"], row["language"]) == ("scored", "en")
    assert (row["nps"], row["nps_group"]) == (9, "promoter")
    assert row["feedback_date"] == date(2026, 3, 4)
    assert row["submitted_at"] == pd.Timestamp("2026-03-04", tz="UTC")
    assert (row["respondent_role"], row["weight"], row["channel"]) == ("customer", 1.0, "survey")
    assert row["customer_key"] == customer_key(HASHER, "C-1009")
    assert json.loads(row["attributes"]) == {"store": "Leeds"}
    assert (row["issues"], row["clean_version"], row["position"], row["file"]) == (
        "",
        CLEAN_VERSION,
        "s.csv:2",
        "s.csv",
    )
    assert pd.isna(row["is_response_head"]) and pd.isna(row["updated_at"]) and pd.isna(row["rating_scale"])


@pytest.mark.parametrize("rows", [[], [ROW], [ROW, {"id": "r2"}]])
def test_both_frames_fit_their_schemas_whatever_is_in_them(rows):
    staged, rejects = run(chunk(*rows, columns=list(ROW)))
    assert schema.as_table(staged, schema.STAGED).num_rows == min(len(rows), 1)
    assert list(rejects.columns) == COLUMNS
    expected = pa.schema([f for f in schema.REJECTS if f.name in COLUMNS])
    pa.Table.from_pandas(rejects, schema=expected, preserve_index=False)
    assert len(staged) + len(rejects) == len(rows)


def test_the_input_is_left_untouched():
    piece = chunk(ROW, ROW | {"score": "abc", "date": "soon"})
    before = piece.rows.copy(deep=True)
    run(piece)
    pd.testing.assert_frame_equal(piece.rows, before)


def test_order_and_chunks_do_not_change_a_row():
    rows = [ROW | {"id": f"r{n}", "comment": text} for n, text in enumerate(NASTY.values()) if text.isprintable()]
    together, _ = run(chunk(*rows))
    apart = pd.concat([run(chunk(row))[0] for row in rows[::-1]])
    drop = ["position"]
    pd.testing.assert_frame_equal(
        together.drop(columns=drop).sort_values("feedback_id", ignore_index=True),
        apart.drop(columns=drop).sort_values("feedback_id", ignore_index=True),
    )


def test_every_nasty_text_ends_in_exactly_one_table():
    rows = [
        ROW | {"id": str(n), "comment": text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "score": ""}
        for n, text in enumerate(NASTY.values())
    ]
    staged, rejects = run(chunk(*rows))
    assert sorted([*staged["feedback_id"], *rejects["feedback_id"]]) == sorted(str(n) for n in range(len(NASTY)))
    names = dict(enumerate(NASTY))
    assert {names[int(n)] for n in rejects["feedback_id"]} == {"empty", "blank"}
    status = {names[int(n)]: s for n, s in zip(staged["feedback_id"], staged["score_status"], strict=True)}
    assert status["punctuation"] == "unreadable"
    assert status["emoji_only"] == "scored"
    assert status["chinese"] == status["right_to_left"] == "unsupported_language"
    assert status["plain"] == status["long"] == "scored"
    assert len(staged.loc[staged["feedback_id"] == str(list(NASTY).index("long")), "text"].iloc[0].split()) == 10_000


def test_bad_values_become_null_and_are_named_sorted():
    columns = MAPPING | {"csat": "csat", "ces": "ces", "rating": "stars", "weight": "w", "respondent_role": "role"}
    columns |= {"updated_at": "changed", "may_quote": "quote", "may_contact": "contact"}
    row = ROW | {"score": "11", "csat": "0", "ces": "7.5", "stars": "abc", "w": "x", "role": "robot"}
    row |= {"changed": "then", "quote": "maybe", "contact": "?"}
    found = one(row, source(columns))
    assert found["issues"] == (
        "ces_invalid|csat_invalid|may_contact_invalid|may_quote_invalid|nps_invalid|rating_invalid|role_invalid|"
        "updated_at_invalid|weight_invalid"
    )
    assert found[["nps", "csat", "ces", "rating", "may_quote", "may_contact", "updated_at", "nps_group"]].isna().all()
    assert (found["respondent_role"], found["weight"]) == ("customer", 1.0)
    assert set(found["issues"].split("|")) <= set(schema.Issue)


def test_good_values_are_typed():
    columns = MAPPING | {"rating": "stars", "weight": "w", "may_quote": "quote", "updated_at": "changed"}
    config = source(columns, scales={"rating": {"low": 1, "high": 5, "reverse": True, "name": "FFT 1-5"}})
    found = one(ROW | {"stars": "2", "w": "0.5", "quote": "Y", "changed": "2026-03-05T10:00Z"}, config)
    assert (found["rating"], found["rating_scale"], found["weight"], found["may_quote"]) == (4.0, "FFT 1-5", 0.5, True)
    assert found["updated_at"] == pd.Timestamp("2026-03-05T10:00Z")
    assert pd.isna(one(ROW | {"stars": "6", "w": "1", "quote": "", "changed": ""}, config)["rating_scale"])


@pytest.mark.parametrize(
    ("changed", "issue"),
    [("2026-11-24T06:00:00Z", ""), ("2026-11-24T06:00:01Z", "updated_at_invalid"), ("2099-01-01", "updated_at_invalid")],
)  # fmt: skip
def test_an_update_from_the_future_is_none(changed, issue):
    found = one(ROW | {"changed": changed}, source(MAPPING | {"updated_at": "changed"}))
    assert found["issues"] == issue
    assert pd.isna(found["updated_at"]) == bool(issue)


def test_fixed_values_fill_what_the_source_does_not_give():
    columns = MAPPING | {"touchpoint": "stage"}
    fixed = {"touchpoint": "shop", "respondent_role": "employee", "weight": 2, "may_quote": True, "segment": "b2b"}
    given, missing = (one(ROW | {"stage": stage}, source(columns, fixed=fixed)) for stage in ("web", None))
    assert (given["touchpoint"], missing["touchpoint"]) == ("web", "shop")
    assert (given["respondent_role"], given["weight"], given["may_quote"], given["segment"]) == (
        "employee",
        2.0,
        True,
        "b2b",
    )


@pytest.mark.parametrize("value", ["2026-03-04", date(2026, 3, 4), datetime(2026, 3, 4)])
def test_a_fixed_date_is_every_rows_date(value):
    columns = {key: column for key, column in MAPPING.items() if key != "submitted_at"}
    assert one(ROW, source(columns, fixed={"submitted_at": value}))["feedback_date"] == date(2026, 3, 4)


@pytest.mark.parametrize(
    "fixed", [{"submitted_at": "soon"}, {"respondent_role": "robot"}, {"weight": -1}, {"may_quote": "?"}]
)
def test_fixed_values_that_cannot_be_meant_stop_the_run(fixed):
    with pytest.raises(UsageError, match=f"fixed.{next(iter(fixed))}"):
        run(chunk(ROW), source(fixed=fixed))


def test_local_dates_and_utc():
    found = one(ROW | {"date": "2026-07-04"}, source(timezone="Europe/London"))
    assert (found["feedback_date"], found["submitted_at"]) == (date(2026, 7, 4), pd.Timestamp("2026-07-03T23:00Z"))


@pytest.mark.parametrize(
    ("comment", "status", "language"),
    [
        ("Did not answer", "no_text", None), (" DID NOT  answer ", "no_text", None), ("", "no_text", None),
        (None, "no_text", None), ("...", "unreadable", None), ("[EMAIL]", "unreadable", None),
        ("a@b.co", "unreadable", None), ("👍", "scored", "en"), ("ok", "scored", "en"),
        ("Did not answer the phone", "scored", "en"),
        ("Die Lieferung kam zu spät und der Karton war beschädigt.", "unsupported_language", "de"),
    ],
)  # fmt: skip
def test_score_status(comment, status, language):
    found = one(ROW | {"comment": comment}, source(no_comment=["Did not answer"]))
    assert found["score_status"] == status
    assert (None if pd.isna(found["language"]) else found["language"]) == language
    if status == "no_text":
        assert found["text"] == ""


def test_supported_languages_are_the_callers_to_name():
    german = ROW | {"comment": "Die Lieferung kam zu spät und der Karton war beschädigt."}
    assert one(german, supported={"en", "de"})["score_status"] == "scored"
    assert one(ROW | {"comment": "ok"}, source(language="de"))["score_status"] == "unsupported_language"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            source({"submitted_at": "date", "text": "coment"}),
            r"no column 'coment' \(sources.survey.columns.text\), did you mean 'comment'\?",
        ),
        (source(attributes=["shop"]), r"no column 'shop' \(sources.survey.attributes\)"),
        (source(date_sequence="nr"), r"no column 'nr' \(sources.survey.date_sequence\)"),
    ],
)  # fmt: skip
def test_a_missing_column_is_one_line_with_its_nearest_neighbour(config, message):
    with pytest.raises(SourceError, match=message) as error:
        run(chunk(ROW), config)
    assert "\n" not in str(error.value)


def test_a_file_without_a_header_line_shows_no_row_of_it():
    row = ["17", "C-1009", "Jane Doe", "2026-03-04", "jane@example.com", "The staff were lovely", "comments"]
    with pytest.raises(SourceError) as error:
        run(chunk(columns=row), source())
    assert str(error.value) == (
        "s.csv: no column 'id' (sources.survey.columns.feedback_id), found 7 columns, is there a header line?"
    )


def test_a_wrong_scale_stops_the_run():
    with pytest.raises(UsageError, match=r"scales\.nps"):
        run(chunk(ROW), source(scales={"nps": {"low": 1, "high": 10}}))


def test_nhs_feedback_is_all_there(data_root):
    config = load_config(ROOT / "configs" / "nhs.yaml").sources["nhs"]
    frame = pd.read_csv(data_root / "feedback" / "nhs_patient_feedback.csv", dtype=str)
    piece = Piece(frame, [f"nhs.csv:{line}" for line in range(len(frame))])
    staged, rejects = run(piece, config, name="nhs", date_plan=plan_dates([piece], config))
    assert len(staged) + len(rejects) == len(frame) == 5096
    assert rejects["reason"].value_counts().to_dict() == {"no_comment_or_rating": 24}
    assert staged["issues"].value_counts().to_dict() == {
        "": 4802, "date_order_resolved": 215, "rating_invalid": 54, "date_order_suspect": 1
    }  # fmt: skip
    assert staged["score_status"].value_counts().to_dict() == {"scored": 3893, "no_text": 1177, "unreadable": 2}
    assert staged.groupby("response_id")["feedback_date"].nunique().max() == 1
    assert staged["customer_key"].isna().all()
    # 1 was best: most patients were satisfied.
    assert staged["rating"].value_counts().to_dict() == {5.0: 3568, 4.0: 805, 1.0: 245, 3.0: 223, 2.0: 177}
    schema.as_table(staged, schema.STAGED)


def test_a_json_object_may_leave_out_what_is_optional_but_not_its_text(caplog):
    source = SourceConfig(
        kind="jsonl", path="x", columns={"submitted_at": "at", "text": "body", "nps": "score"}, attributes=["shop"]
    )
    rows = pd.DataFrame({"at": ["2026-01-02"], "body": ["Good"]}, dtype="str")
    chunk = Piece(rows=rows, positions=["a.jsonl:1"])
    options = {"name": "s", "source": source, "hasher": HASHER, "run_start": START, "file": "a.jsonl"}
    staged, rejects = prepare(chunk, **options)
    assert staged["nps"].isna().all() and staged["attributes"].tolist() == ["{}"] and rejects.empty
    assert "no object has 'score', 'shop'" in caplog.text
    with pytest.raises(SourceError, match="no column 'body'"):
        prepare(Piece(rows=rows.drop(columns="body"), positions=["a.jsonl:1"]), **options)
