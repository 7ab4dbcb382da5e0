import datetime as dt
import logging
import zipfile

import openpyxl
import pytest

from cx_nlp.errors import SourceError
from cx_nlp.sources.excel import read


def workbook(path, rows, *, title="Responses", more=()):
    book = openpyxl.Workbook()
    book.active.title = title
    for name, content in ((title, rows), *more):
        sheet = book.active if name == title else book.create_sheet(name)
        for row in content:
            sheet.append(row)
    book.save(path)
    return book


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reviews.xlsx"


def table(path, **options):
    chunks = list(read(path, **options))
    rows = [tuple(None if v != v else v for v in row) for c in chunks for row in c.rows.itertuples(index=False)]
    return list(chunks[0].rows.columns), rows, [p for c in chunks for p in c.positions]


def test_values_are_what_a_person_sees(path):
    book = openpyxl.Workbook()
    sheet = book.active
    values = [
        7, 7.0, 4.5, 0.1 + 0.2, True, "007", dt.datetime(2026, 3, 1), dt.datetime(2026, 3, 1, 9, 30), dt.time(9, 30),
        "=1+1", "  two  ", None, 12345678901234,
    ]  # fmt: skip
    sheet.append([f"c{number}" for number in range(len(values) + 3)])
    sheet.append(values)
    coded, midnight, broken = sheet["N2"], sheet["O2"], sheet["P2"]
    coded.value, coded.number_format = 42, "00000"
    midnight.value, midnight.number_format = dt.datetime(2026, 3, 1), "yyyy-mm-dd hh:mm"
    sheet["G2"].number_format = "dd/mm/yyyy"
    broken.value = "#N/A"
    book.save(path)
    _, (row,), _ = table(path)
    assert row == (
        "7", "7", "4.5", "0.3", "true", "007", "2026-03-01", "2026-03-01T09:30:00", "09:30:00", None, "  two  ", None,
        "12345678901234", "00042", "2026-03-01T00:00:00", None,
    )  # fmt: skip


def test_a_formula_gives_the_value_that_was_stored_with_it(path):
    workbook(path, [["id", "sum"], ["1", "=2*3"]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert b"<f>2*3</f><v" in parts[sheet]
    parts[sheet] = (
        parts[sheet]
        .replace(b"<f>2*3</f><v />", b"<f>2*3</f><v>6</v>")
        .replace(b"<f>2*3</f><v></v>", b"<f>2*3</f><v>6</v>")
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert table(path)[1] == [("1", "6")]


def test_rows_are_streamed_with_their_numbers_and_empty_ones_are_skipped(path):
    workbook(path, [[], ["id", "text"], ["1", "a"], [], ["2"], ["3", "c"]])
    columns, rows, positions = table(path, chunk_rows=2)
    assert columns == ["id", "text"] and rows == [("1", "a"), ("2", None), ("3", "c")]
    assert positions == ["reviews.xlsx:row 3", "reviews.xlsx:row 5", "reviews.xlsx:row 6"]
    assert [len(chunk.rows) for chunk in read(path, chunk_rows=2)] == [2, 1]


def test_a_note_beside_the_table_takes_no_row_with_it(path, caplog):
    workbook(path, [["id", None, "text"], ["1", "x", "a", None, "checked"]])
    with caplog.at_level(logging.WARNING, "cx_nlp"):
        columns, rows, _ = table(path)
    assert columns == ["id", "column 2", "text"] and rows == [("1", "x", "a")]
    assert "left out in 1 rows" in caplog.text and "checked" not in caplog.text


def test_a_sheet_is_named_or_numbered(path):
    workbook(path, [["id"], ["1"]], more=[("Old ones", [["id"], ["2"]])])
    assert table(path)[1] == [("1",)] and table(path, sheet="Old ones")[1] == table(path, sheet=2)[1] == [("2",)]
    with pytest.raises(SourceError, match=r"no sheet 'Old one', did you mean 'Old ones'\? it has 'Responses', 'Old"):
        table(path, sheet="Old one")
    with pytest.raises(SourceError, match="no sheet 3, it has"):
        table(path, sheet=3)


def test_a_hidden_sheet_is_not_the_first(path):
    book = workbook(path, [["id"], ["1"]], more=[("Shown", [["id"], ["2"]])])
    book["Responses"].sheet_state = "hidden"
    book.active = 1
    book.save(path)
    assert table(path)[1] == [("2",)]


def test_a_wrong_stated_size_loses_no_cell(path):
    workbook(path, [["id", "text"], ["1", "a"], ["2", "b"]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert b'ref="A1:B3"' in parts[sheet]
    parts[sheet] = parts[sheet].replace(b'ref="A1:B3"', b'ref="A1"')
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert table(path)[1] == [("1", "a"), ("2", "b")]


def test_no_rows_show_their_columns(path):
    workbook(path, [["id", "text"]])
    assert table(path) == (["id", "text"], [], [])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty file"), (b"id,text\n1,a\n", "not an Excel workbook"), (b"\xd0\xcf\x11\xe0" + bytes(99), "password"),
        (b"PK\x03\x04" + bytes(99), "not readable as an Excel workbook"),
    ],
)  # fmt: skip
def test_what_is_no_workbook_is_one_line(path, content, says):
    path.write_bytes(content)
    with pytest.raises(SourceError, match=says) as caught:
        list(read(path))
    assert "\n" not in str(caught.value) and "reviews.xlsx" in str(caught.value)


def test_a_damaged_workbook_is_one_line(path):
    workbook(path, [["id", "text"]] + [[str(n), f"word {n}"] for n in range(500)])
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("xl/worksheets/sheet1.xml").header_offset
    for damaged in (whole[: len(whole) // 2], whole[: start + 200] + bytes(300) + whole[start + 500 :]):
        path.write_bytes(damaged)
        with pytest.raises(SourceError, match="not readable as an Excel workbook"):
            list(read(path))


def test_an_empty_sheet_and_twins_are_said(path):
    workbook(path, [])
    with pytest.raises(SourceError, match="sheet 'Responses' is empty"):
        list(read(path))
    workbook(path, [["text", "text"]])
    with pytest.raises(SourceError, match="duplicate column names: 'text'"):
        list(read(path))
    with pytest.raises(SourceError, match="no such file"):
        list(read(path.with_name("none.xlsx")))
