"""CSV as people export it: delimiters, quotes, ragged lines, and files of any size."""

import csv as stdlib_csv
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_nlp.errors import SourceError
from cx_nlp.sources import csv as source
from cx_nlp.sources.chunk import MAX_RAW
from tests.sources.csv_files import read, records, write


def test_values_are_kept_as_written(tmp_path):
    frame, positions, bad = read(write(tmp_path, 'id,text,nps\n007,NA,\n1.0, null ,10\n"a ""b""","x\ny",nan\n2,é,0\n'))
    assert frame.dtypes.astype(str).unique().tolist() == ["str"]
    assert frame["id"].tolist() == ["007", "1.0", 'a "b"', "2"]
    assert frame["text"].tolist() == ["NA", " null ", "x\ny", "é"]
    assert frame["nps"].isna().tolist() == [True, False, False, False]
    assert frame["nps"].tolist()[1:] == ["10", "nan", "0"]
    assert positions == ["survey.csv:2", "survey.csv:3", "survey.csv:4", "survey.csv:6"]
    assert bad == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_breaks_and_blank_lines(tmp_path, newline):
    path = write(tmp_path, newline.join(["", "id,text", "", "1,a", "   ", "2,b"]))
    _, positions, bad = read(path)
    assert records(path) == [["1", "a"], ["2", "b"]]
    assert positions == ["survey.csv:4", "survey.csv:6"]
    assert bad == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_beside_commas_in_text(tmp_path, delimiter):
    lines = [["id", "text", "nps"], ["1", '"good, but; slow|late"', "7"], ["2", "fine", "3"]]
    path = write(tmp_path, "".join(delimiter.join(line) + "\n" for line in lines))
    assert records(path) == [["1", "good, but; slow|late", "7"], ["2", "fine", "3"]]


def test_delimiter_of_unquoted_prose(tmp_path):
    path = write(tmp_path, "id;name, first;text\n1;Ann;good, fast, cheap\n2;Bo;slow\n")
    assert records(path) == [["1", "Ann", "good, fast, cheap"], ["2", "Bo", "slow"]]


def test_sep_line_of_excel(tmp_path):
    path = write(tmp_path, "\ufeffsep=;\r\nid;text\r\n1;a,b\r\n")
    frame, positions, _ = read(path)
    assert frame.to_dict("records") == [{"id": "1", "text": "a,b"}]
    assert positions == ["survey.csv:3"]


def test_one_column(tmp_path):
    frame, positions, bad = read(write(tmp_path, 'text\ngood\n""\n\nso, so\n"a\nb"\n'))
    assert frame["text"].tolist()[0::2] == ["good", "a\nb"]
    assert frame["text"].isna().tolist() == [False, True, False]
    assert positions == ["survey.csv:2", "survey.csv:3", "survey.csv:6"]
    assert [(b.position, b.detail) for b in bad] == [("survey.csv:5", "expected 1 fields, got 2")]


def test_header_names_lose_what_nobody_sees(tmp_path):
    path = write(tmp_path, '\ufeff" id ",\ttext\u00a0,,\u200bnps\n1,a,b,3\n', encoding="utf-8")
    frame, _, _ = read(path)
    assert frame.columns.tolist() == ["id", "text", "column 3", "nps"]


def test_duplicate_columns_are_named(tmp_path):
    with pytest.raises(SourceError, match=r"survey\.csv: duplicate column names: 'text'$"):
        read(write(tmp_path, "id,text, text \n1,a,b\n"))


def test_duplicates_in_a_file_without_a_header_line_are_only_counted(tmp_path):
    with pytest.raises(SourceError) as caught:
        read(write(tmp_path, "17,Jane Doe,Jane Doe,2026-03-04,jane@example.com\n18,Bob,Bob,2026-03-05,b@example.com\n"))
    assert str(caught.value).endswith("survey.csv: 1 of 5 column names come twice, is there a header line?")


def test_header_only_gives_columns_and_no_rows(tmp_path):
    chunks = list(source.read(write(tmp_path, "id,text\n")))
    assert len(chunks) == 1
    assert chunks[0].rows.columns.tolist() == ["id", "text"]
    assert chunks[0].rows["text"].dtype == "str"
    assert (len(chunks[0].rows), chunks[0].positions, chunks[0].bad) == (0, [], [])


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "  \n"])
def test_empty_file(tmp_path, content):
    with pytest.raises(SourceError, match=r"empty file|no header line"):
        read(write(tmp_path, content))


def test_ragged_lines_are_bad_rows(tmp_path):
    frame, positions, bad = read(write(tmp_path, "id,text,nps\n1,good,5\n2,well, well,5\n3,short\n4,fine,4\n"))
    assert frame["id"].tolist() == ["1", "4"]
    assert positions == ["survey.csv:2", "survey.csv:5"]
    assert [(b.position, b.detail, b.raw) for b in bad] == [
        ("survey.csv:3", "expected 3 fields, got 4", "2,well, well,5"),
        ("survey.csv:4", "expected 3 fields, got 2", "3,short"),
    ]


def test_inner_quotes_without_doubling_are_forgiven(tmp_path):
    path = write(tmp_path, 'id,text,nps\n1,"he said "great" twice",5\n2,5" screen,4\n')
    assert records(path) == [["1", 'he said great" twice"', "5"], ["2", '5" screen', "4"]]


def test_open_quote_does_not_swallow_what_follows(tmp_path):
    path = write(tmp_path, 'id,text,nps\n1,"never closed,5\n2,good,4\n3,"fine",2\n4,ok,1\n')
    frame, positions, bad = read(path)
    assert frame["id"].tolist() == ["2", "3", "4"]
    assert positions == ["survey.csv:3", "survey.csv:4", "survey.csv:5"]
    assert [(b.position, b.raw) for b in bad] == [("survey.csv:2", '1,"never closed,5')]


def test_neighbours_with_a_stray_quote_each_are_not_merged(tmp_path):
    frame, _, bad = read(write(tmp_path, 'id,text,nps\n1,"x,5\n2,"y,4\n3,z,3\n'))
    assert frame["id"].tolist() == ["3"]
    assert [b.position for b in bad] == ["survey.csv:2", "survey.csv:3"]


def test_comment_of_several_lines_with_inner_quotes_is_forgiven(tmp_path):
    path = write(tmp_path, 'id,text,nps\n1,"I said\n"hello" to them",5\n2,ok,4\n')
    assert records(path) == [["1", 'I said\nhello" to them"', "5"], ["2", "ok", "4"]]


def test_open_quote_up_to_the_end(tmp_path):
    frame, _, bad = read(write(tmp_path, 'id,text\n1,a\n2,"cut here'))
    assert frame["id"].tolist() == ["1"]
    assert bad[0].detail == "a quote opened in this record is never closed"


def test_ragged_record_of_several_lines_is_one_bad_row(tmp_path):
    frame, positions, bad = read(write(tmp_path, 'id,text,nps\n1,"line one\nline two",5,extra\n2,ok,3\n'))
    assert (frame["id"].tolist(), positions) == (["2"], ["survey.csv:4"])
    assert [(b.position, b.detail) for b in bad] == [("survey.csv:2", "expected 3 fields, got 4")]


def test_crafted_quotes_take_linear_time(tmp_path, monkeypatch):
    # Each line both closes the quote before it and opens one: naive recovery would read the file once a line.
    monkeypatch.setattr(source, "MAX_RECORD", 2000)
    path = write(tmp_path, "a,b,c\n" + '"a"b,"c\n' * 20_000 + "1,2,3\n")
    frame, _, bad = read(path)
    assert frame.to_numpy().tolist() in ([["1", "2", "3"]], [])
    assert bad


def test_too_long_records_are_bad_and_reading_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_RECORD", 1000)
    many_lines = "y\n" * 1000
    path = write(tmp_path, f'id,text\n1,{"x" * 5000}\n2,ok\n3,"{many_lines}"\n4,{"z" * 900}\n')
    frame, positions, bad = read(path)
    assert frame["id"].tolist() == ["2", "4"]
    assert positions == ["survey.csv:3", "survey.csv:1005"]
    assert (bad[0].position, bad[0].detail) == ("survey.csv:2", "longer than 1,000 characters")
    assert all(len(b.raw) <= MAX_RAW for b in bad)


def test_long_field_beyond_the_csv_modules_default_limit(tmp_path):
    text = "word " * 200_000
    assert records(write(tmp_path, f'id,text\n1,"{text}"\n')) == [["1", text]]
    assert stdlib_csv.field_size_limit() > 131072


def test_nul_bytes(tmp_path):
    assert records(write(tmp_path, "id,text\n1,a\0b\n2,c\n")) == [["1", "a\0b"], ["2", "c"]]


def test_chunks(tmp_path):
    path = write(tmp_path, "id,text\n" + "".join(f"{i},t{i}\n" for i in range(12)) + "x\n")
    chunks = list(source.read(path, chunk_rows=5))
    assert [len(chunk.rows) for chunk in chunks] == [5, 5, 2]
    assert [len(chunk.bad) for chunk in chunks] == [0, 0, 1]
    assert chunks[1].positions[0] == "survey.csv:7"
    assert all(chunk.rows.columns.tolist() == ["id", "text"] for chunk in chunks)


def test_chunks_end_early_when_records_are_long(tmp_path, monkeypatch):
    monkeypatch.setattr("cx_nlp.sources.chunk.MAX_CHUNK", 1000)
    path = write(tmp_path, "id,text\n" + f"1,{'x' * 600}\n" * 6)
    assert [len(chunk.rows) for chunk in source.read(path)] == [2, 2, 2]


def test_reading_is_lazy(tmp_path):
    path = write(tmp_path, "id,text\n" + "1,abc\n" * 50_000)
    chunks = source.read(path, chunk_rows=10)
    assert len(next(chunks).rows) == 10
    chunks.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_memory_does_not_grow_with_the_file(tmp_path):
    code = (
        "import sys; from pathlib import Path; from cx_nlp.sources.csv import read\n"
        "n = sum(len(c.rows) for c in read(Path(sys.argv[1])))\n"
        "status = Path('/proc/self/status').read_text().split('VmHWM:')[1]\n"  # getrusage shows the parent's too
        "print(n, status.split()[0])"
    )
    peaks = []
    for rows in (5_000, 200_000):  # 0.5 MB, 20 MB
        path = write(tmp_path, "id,text\n" + f"1,{'word ' * 19}\n" * rows, f"{rows}.csv")
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        n, peak_kib = map(int, done.stdout.split())
        assert n == rows
        peaks.append(peak_kib)
    assert peaks[1] - peaks[0] < 8 * 1024


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "f.csv"
    path.write_bytes(b"id,text\n" + content)
    try:
        chunks = list(source.read(path))
    except SourceError as error:
        assert "\n" not in str(error)
    else:
        for chunk in chunks:
            chunk.rows.map(lambda value: value if pd.isna(value) else value.encode("utf-8"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.text(), st.text(min_size=1)), min_size=1, max_size=8))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows):
    rows = [("".join(c for c in a if not 0xD800 <= ord(c) < 0xE000 and ord(c) > 31), b) for a, b in rows]
    rows = [(a, "".join(c for c in b if not 0xD800 <= ord(c) < 0xE000 and ord(c) > 31) or "x") for a, b in rows]
    path = tmp_path_factory.mktemp("written") / "f.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        stdlib_csv.writer(stream, quoting=stdlib_csv.QUOTE_ALL).writerows([("id", "text"), *rows])
    assert records(path) == [[a or None, b] for a, b in rows]
