import json
import time

import pytest

from cx_nlp.config import SourceConfig
from cx_nlp.identity import customer_key
from cx_nlp.rejects import MAX_ROW
from cx_nlp.sources import csv
from tests.pieces import HASHER, MAPPING, ROW, Bad, Piece, chunk, reason, run, source


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
