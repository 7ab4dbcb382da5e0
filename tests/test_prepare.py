import json
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest

from cx_nlp import schema
from cx_nlp.clean import CLEAN_VERSION
from cx_nlp.config import SourceConfig, load_config
from cx_nlp.date_plan import plan_dates
from cx_nlp.errors import SourceError, UsageError
from cx_nlp.identity import Hasher, customer_key, occurrence_id
from cx_nlp.prepare import prepare
from cx_nlp.rejects import COLUMNS, MAX_ROW
from cx_nlp.sources import csv
from tests.conftest import ROOT
from tests.nasty import NASTY

HASHER = Hasher(b"test key")
START = datetime(2026, 11, 22, 6, tzinfo=UTC)
MAPPING = {"feedback_id": "id", "customer_id": "customer", "submitted_at": "date", "text": "comment", "nps": "score"}
ROW = {"id": "r1", "customer": "C-1009", "date": "2026-03-04", "comment": "The staff were lovely", "score": "9"}


@dataclass
class Bad:
    position: str
    detail: str
    raw: str


@dataclass
class Piece:
    rows: pd.DataFrame
    positions: list[str]
    bad: list[Bad] = field(default_factory=list)


def chunk(*rows, bad=(), columns=None):
    frame = pd.DataFrame(
        list(rows), columns=columns or list(dict.fromkeys(k for row in rows for k in row)), dtype="str"
    )
    return Piece(frame, [f"s.csv:{line}" for line in range(2, len(rows) + 2)], list(bad))


def source(columns=None, **extra):
    return SourceConfig(kind="csv", path="x", columns=MAPPING if columns is None else columns, **extra)


def run(piece, config=None, **extra):
    config = config or source()
    return prepare(
        piece, **{"name": "survey", "source": config, "hasher": HASHER, "run_start": START, "file": "s.csv"} | extra
    )


def one(row, config=None, **extra):
    staged, rejects = run(chunk(row), config, **extra)
    assert len(staged) == 1, rejects.to_dict("records")
    return staged.iloc[0]


def reason(row, config=None):
    _, rejects = run(chunk(row), config)
    return rejects["reason"].iloc[0] if len(rejects) else None


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


# Reasons


def test_only_four_things_reject_a_row():
    assert reason(ROW) is None
    assert reason(ROW | {"date": "soon"}) == reason(ROW | {"date": None}) == "no_date"
    assert reason(ROW | {"comment": None, "score": None}) == "no_comment_or_rating"
    assert reason(ROW | {"comment": "  ", "score": "abc"}) == "no_comment_or_rating"
    assert reason(ROW | {"comment": "\u200b", "score": ""}) == "no_comment_or_rating"
    assert reason(ROW | {"comment": None}) is None
    assert reason(ROW | {"score": "abc"}) is None
    assert reason(ROW | {"id": None, "customer": None}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-11-24T06:00:00Z", None), ("2026-11-24T06:00:01Z", "date_in_future"), ("2027-01-01", "date_in_future")],
)
def test_more_than_two_days_ahead_is_the_future(text, expected):
    assert reason(ROW | {"date": text}) == expected


def test_rows_that_could_not_be_parsed_are_rejected_and_masked():
    bad = [Bad("s.csv:7", "5 fields, expected 4", "r9,jane@example.com,2026-03-04,hello,x,y")]
    staged, rejects = run(chunk(ROW, bad=bad), source({"submitted_at": "date", "text": "comment"}))
    record = rejects.iloc[0]
    assert len(staged) == 1
    assert (record["reason"], record["position"], record["detail"]) == (
        "unparseable",
        "s.csv:7",
        "5 fields, expected 4",
    )
    assert record["row"] == "r9,[EMAIL],2026-03-04,hello,x,y"
    assert record["feedback_id"] is None and record["customer_key"] is None
    again = run(chunk(ROW, bad=bad))[1]
    assert again["row_hash"].iloc[0] == record["row_hash"]


def broken_csv(tmp_path, line, *, header="id,customer,date,comment,score"):
    """What is stored of a broken line, through the CSV reader."""
    path = tmp_path / "s.csv"
    path.write_text(f"{header}\n{line}\n", encoding="utf-8", newline="")
    (piece,) = csv.read(path)
    assert len(piece.bad) == 1, piece
    return run(piece)[1]["row"].iloc[0]


@pytest.mark.parametrize(
    "line",
    [
        "r9,anna,2026-03-04,x", "r9,,anna,2026-03-04,x,9", "anna", "r9\tanna", '"r,9",anna,2026-03-04,x',
        'r9,"anna,2026-03-04,x,9', 'r9,anna,2026-03-04,"two\nlines"', 'r9,5" pipe,anna,6" pipe,x,y',
        '"He said "great", he did",anna,2026-03-04,x,9,9', "anna,x;y;z;w;v;u", "r9,anna,I am anna-7 C-1009,x",
    ],
)  # fmt: skip
def test_a_broken_line_keeps_no_customer_id(tmp_path, line):
    assert "anna" not in broken_csv(tmp_path, line).replace("anna-7", "")


@pytest.mark.parametrize("line", ["anna;x,y,z,w,v,u", "anna,x,y,z,w,v,u", "r9;x;anna", "x,y;z;w;anna;a,b,c;9"])
def test_commas_in_a_file_of_semicolons_are_no_delimiters(tmp_path, line):
    assert "anna" not in broken_csv(tmp_path, line, header="id;date;comment;customer;score")


def test_a_broken_line_keeps_its_other_fields(tmp_path):
    line = "r9,C-1009,2026-03-04,I am C-1009, call jane@example.com,9"
    assert broken_csv(tmp_path, line) == "r9,[NAME],[NAME],I am [NAME], call [EMAIL],9"


def test_a_line_that_cannot_be_counted_is_not_kept(tmp_path):
    for line in ("sep=^\nr9^anna^2026-03-04^a,b,c,d,e,f", 'r9,C-1009,"never closed'):
        header = "sep=^\nid^customer^date^comment^score" if line.startswith("sep") else "id,customer,date,comment,score"
        assert broken_csv(tmp_path, line.removeprefix("sep=^\n"), header=header) == ""


def broken_object(raw, column="customer"):
    config = SourceConfig(kind="jsonl", path="x", columns=MAPPING | {"customer_id": column})
    rows = chunk({column if key == "customer" else key: value for key, value in ROW.items()})
    return run(Piece(rows.rows, rows.positions, [Bad("s.jsonl:9", "broken", raw)]), config)[1]["row"].iloc[0]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"id": "r9", "customer": "anna", "x"', '{"id": "r9", "customer": [NAME]'),
        ('{"customer":"anna', '{"customer":[NAME]'),
        ('{"customer": anna}', '{"customer": [NAME]}'),
        ("{'id': '2', 'customer': 'C-1010', 'comment': 'ok'}", "{'id': '2', 'customer': [NAME], 'comment': 'ok'}"),
        ("""{'customer': "O'Brien", 'id': '2'}""", "{'customer': [NAME], 'id': '2'}"),
        ("{'customer': 'O'Brien', 'id': '2'}", "{'customer': [NAME]"),
        ('{id: 2, customer: C-1010, comment: "I am C-1010"}', '{id: 2, customer: [NAME], comment: "I am [NAME]"}'),
        ("{id: 2, customer: Anna Smith, comment: ok}", "{id: 2, customer: [NAME]"),
        ('{"id": "2", " Customer ": "C-1010",}', '{"id": "2", " Customer ": [NAME]'),
        ('{"CUSTOMER" : "C-1010", "id": 2', '{"CUSTOMER" : [NAME], "id": 2'),
        (json.dumps(json.dumps({"id": "2", "customer": "C-1010", "b": 1})),
         r'"{\"id\": \"2\", \"customer\": [NAME], \"b\": 1}"'),
        (json.dumps(json.dumps(json.dumps({"customer": "C-1010"}))), r'"\"{\\\"customer\\\": [NAME]}\""'),
        ('{"customer": {"id": "C-1010", "name": "anna"}, "id": 2', '{"customer": [NAME]'),
        ('{"customer": "C-1", "customer": "C-2", x}', '{"customer": [NAME], "customer": [NAME]'),
        ('{"id": "C-1010-1", "customer": "C-1010', '{"id": "[NAME]-1", "customer": [NAME]'),
    ],
)  # fmt: skip
def test_a_broken_object_keeps_what_is_not_the_customers_id(raw, expected):
    assert broken_object(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "2,C-1010,2026-03-04,ok", '["2", "C-1010", "customer: none"]', '"C-1010"', "C-1010", '{"id": "2", "C-1010"',
        '[{"customer": "C-1010"}]', '{"customer" "C-1010"}', '{"customer: "C-1010"}', '"id": 2, "customer": "C-1010"}',
        '{"comment": "x, customer: y, id: 1", "customer" "C-1010"}', r'{"custom\u0065r": "C-1010"', "",
        '{"customer=C-1010"', "customer: C-1010",
    ],
)  # fmt: skip
def test_a_broken_object_without_a_plain_customer_is_not_kept(raw):
    assert broken_object(raw) == ""


def test_columns_of_any_name_are_found_in_broken_objects():
    assert broken_object('{"name": "anna", x', "name") == '{"name": [NAME]'
    assert broken_object('{"cust. (id)": "anna", "x": 1,}', "cust. (id)") == '{"cust. (id)": [NAME], "x": 1,}'


@pytest.mark.parametrize("raw", ["{" + "\\" * 60_000, "{" + " " * 60_000, '{"customer":' + '"a' * 30_000,
                                 "{" + '"customer": "a", ' * 4_000, "{" + ",customer:a" * 5_000, "a," * 30_000])  # fmt: skip
def test_a_long_broken_line_takes_no_time(raw):
    started = time.perf_counter()
    broken_object(raw)
    run(chunk(ROW, bad=[Bad("s.csv:9", f"expected 5 fields, got {raw.count(',') + 1}", raw)]))
    assert time.perf_counter() - started < 5


def test_a_rejected_row_is_kept_as_masked_json():
    row = ROW | {"date": "31/31/2026", "comment": "mail jane@example.com, I am C-1009", "note": "C-1009", "late": None}
    _, rejects = run(chunk(row))
    record = rejects.iloc[0]
    assert json.loads(record["row"]) == {
        "id": "r1", "date": "31/31/2026", "comment": "mail [EMAIL], I am [NAME]", "score": "9"
    }  # fmt: skip
    assert record["detail"] == "not readable as a date: 31/31/2026"
    assert (record["feedback_id"], record["customer_key"]) == ("r1", customer_key(HASHER, "C-1009"))


@pytest.mark.parametrize("row", [{"comment": "word " * 10_000}, {f"column {n}": "x" * 60 for n in range(1_000)}])
def test_a_rejected_row_is_short_and_still_json(row):
    _, rejects = run(chunk(ROW | {"date": "never"} | row))
    assert len(rejects["row"].iloc[0]) <= MAX_ROW
    assert json.loads(rejects["row"].iloc[0])


# Values


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


# Identity


def test_rows_without_an_id_are_known_by_what_they_say():
    base = one(ROW | {"id": None})
    assert base["feedback_id"] == occurrence_id(HASHER, base["identity"], 0)
    assert not base["has_own_id"]
    assert one(ROW | {"id": "  ", "comment": "The  staff were\nlovely"})["feedback_id"] == base["feedback_id"]
    # A new score is a new version of the same feedback; another text, customer or date is other feedback.
    changed = one(ROW | {"id": None, "score": "3"})
    assert changed["feedback_id"] == base["feedback_id"] and changed["row_hash"] != base["row_hash"]
    for other in ({"comment": "x"}, {"customer": "C-2"}, {"date": "2026-03-05"}):
        assert one(ROW | {"id": None} | other)["feedback_id"] != base["feedback_id"]
    assert one(ROW | {"id": None}, name="other")["feedback_id"] != base["feedback_id"]


def test_row_hash_covers_mapped_fixed_and_attribute_values_as_read():
    base = one(ROW | {"store": "Leeds"})["row_hash"]
    for change in ({"comment": "the staff were lovely"}, {"score": "9.0"}, {"store": "York"}, {"customer": "C-1"}):
        assert one(ROW | {"store": "Leeds"} | change)["row_hash"] != base
    assert one(ROW | {"store": "Leeds"}, source(fixed={"channel": "web"}))["row_hash"] != base
    assert one(ROW | {"store": "Leeds", "new": None})["row_hash"] == base
    assert one({k: (ROW | {"store": "Leeds"})[k] for k in ("store", *reversed(ROW))})["row_hash"] == base
    assert one(ROW | {"store": "Leeds"}, hasher=Hasher(b"other"))["row_hash"] != base
    ignoring = source(attributes=False)
    assert one(ROW | {"store": "Leeds"}, ignoring)["row_hash"] == one(ROW | {"store": "York"}, ignoring)["row_hash"]


def test_ids_that_give_customers_away_are_hashed():
    columns = MAPPING | {"feedback_id": "customer", "response_id": "response"}
    found = one(ROW | {"response": "jane@example.com"}, source(columns))
    assert found["feedback_id"].startswith("h2-") and found["response_id"].startswith("h2-")
    assert found["has_own_id"]


def test_customers_without_an_id_have_no_key():
    assert pd.isna(one(ROW | {"customer": " "})["customer_key"])
    assert one(ROW, name="another")["customer_key"] == one(ROW)["customer_key"]


# Personal data


def test_every_stored_text_is_masked_and_no_customer_id_is_left():
    columns = MAPPING | {
        "question": "q",
        "channel": "ch",
        "touchpoint": "tp",
        "segment": "seg",
        "response_id": "response",
    }
    secret = "jane@example.com 07700 900123 C-1009"
    row = ROW | {
        "comment": f"I am {secret}", "q": f"Q {secret}", "ch": secret, "tp": "C-1009", "seg": secret,
        "response": "C-1009/1", "note jane@example.com": secret, "again": "c-1009", "customer 2": " C-1009 ",
    }  # fmt: skip
    staged, rejects = run(chunk(row, row | {"date": "never"}), source(columns))
    for frame in (staged, rejects):
        everything = frame.to_csv().casefold()
        for leak in ("jane", "example.com", "900123", "c-1009"):
            assert leak not in everything, (leak, everything)
    found = staged.iloc[0]
    assert found["text"] == "I am [EMAIL] [PHONE] [NAME]"
    assert pd.isna(found["touchpoint"])
    assert json.loads(found["attributes"]) == {"note [EMAIL]": "[EMAIL] [PHONE] [NAME]"}


def test_attributes_are_what_the_config_keeps():
    row = ROW | {"b": "2", "a": "1", "empty": "", "missing": None, "e1@x.co": "x", "e2@x.co": "y"}
    everything = json.loads(one(row)["attributes"])
    assert list(everything.items()) == [("[EMAIL]", "x"), ("[EMAIL] (2)", "y"), ("a", "1"), ("b", "2")]
    assert json.loads(one(row, source(attributes=["b"]))["attributes"]) == {"b": "2"}
    assert json.loads(one(row, source(attributes=["score", "customer"]))["attributes"]) == {"score": "9"}
    assert one(row, source(attributes=False))["attributes"] == "{}"


# Configuration


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


# The real thing


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
