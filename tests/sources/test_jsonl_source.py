"""JSON Lines: values as written, objects of differing shape, and lines that are no object."""

import gzip
import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_nlp.errors import SourceError
from cx_nlp.sources import jsonl as source


def write(tmp_path, content, name="reviews.jsonl", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path, **options):
    chunks = list(source.read(path, **options))
    frame = pd.concat([chunk.rows for chunk in chunks], ignore_index=True)
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return rows, [p for c in chunks for p in c.positions], [b for c in chunks for b in c.bad]


def test_values_keep_their_text(tmp_path):
    line = (
        '{"id": 12345678901234567890, "nps": 5.0, "e": 1e3, "text": "NA", "ok": true, "no": false, "gone": null,'
        ' "empty": "", "nan": NaN, "inf": -Infinity}'
    )
    rows, positions, bad = read(write(tmp_path, line))
    assert rows == [
        {
            "id": "12345678901234567890", "nps": "5.0", "e": "1e3", "text": "NA", "ok": "true", "no": "false",
            "gone": None, "empty": "", "nan": None, "inf": "-Infinity",
        }
    ]  # fmt: skip
    assert (positions, bad) == (["reviews.jsonl:1"], [])


def test_nested_values_become_json_with_sorted_keys(tmp_path):
    rows, _, _ = read(write(tmp_path, '{"a": {"z": 1.50, "b": [true, null, "é\\n", {"y": 2}]}, "n": 1.0, "s": "5"}'))
    assert rows[0]["a"] == '{"b": [true, null, "é\\n", {"y": 2}], "z": 1.50}'
    assert (rows[0]["n"], rows[0]["s"]) == ("1.0", "5")


def test_columns_are_the_union_of_keys_in_every_chunk(tmp_path):
    path = write(tmp_path, '{"id": 1}\n{"text": "a"}\n{"id": 3, "nps": 9}\n')
    chunks = list(source.read(path, chunk_rows=1))
    assert [chunk.rows.columns.tolist() for chunk in chunks] == [["id", "text", "nps"]] * 3
    assert chunks[0].rows.dtypes.astype(str).tolist() == ["str"] * 3
    assert chunks[1].rows.isna().to_numpy().tolist() == [[True, False, True]]


def test_spellings_of_one_key_are_one_column(tmp_path):
    rows, _, _ = read(write(tmp_path, '\ufeff{"text ": "a"}\n{"text": "b"}\n{"text ": null, "text": "c"}\n'))
    assert rows == [{"text": "a"}, {"text": "b"}, {"text": "c"}]


def test_bad_lines(tmp_path):
    lines = [
        b'{"id": 1}', b"", b'{"id": ', b"[1, 2]", b'"text"', b"null", b"  ", b'{"id": "\xff"}', b"[" * 100_000,
        b'{"a": ' + b"[" * 50_000, b'{"id": 2}',
    ]  # fmt: skip
    rows, positions, bad = read(write(tmp_path, b"\n".join(lines)))
    assert [row["id"] for row in rows] == ["1", "2"]
    assert positions == ["reviews.jsonl:1", "reviews.jsonl:11"]
    assert [(b.position, b.detail) for b in bad][:5] == [
        ("reviews.jsonl:3", "not JSON: Expecting value at character 7"),
        ("reviews.jsonl:4", "expected a JSON object, got an array"),
        ("reviews.jsonl:5", "expected a JSON object, got a string or a number"),
        ("reviews.jsonl:6", "expected a JSON object, got null"),
        ("reviews.jsonl:8", "not utf-8 (byte 9 of the line)"),
    ]
    assert [b.detail for b in bad][5:] == ["nested too deeply"] * 2
    assert bad[4].raw == '{"id": "\ufffd"}'


def test_lone_surrogates_never_break(tmp_path):
    rows, _, _ = read(write(tmp_path, '{"a": "x\\ud800y", "b\\udc00": "1", "c": "\\ud83d\\ude00"}'))
    assert rows == [{"a": "x\ufffdy", "b\ufffd": "1", "c": "😀"}]


def test_too_long_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_RECORD", 100)
    rows, positions, bad = read(write(tmp_path, '{"a": "%s"}\n{"a": "b"}\n' % ("x" * 250)))
    assert rows == [{"a": "b"}]
    assert positions == ["reviews.jsonl:2"]
    assert bad[0].detail == "longer than 100 bytes"


def test_line_separators_within_strings_do_not_end_a_line(tmp_path):
    rows, _, _ = read(write(tmp_path, '{"a": "x\u2028y\x85z"}\r\n{"a": "b"}\r\n'))
    assert [row["a"] for row in rows] == ["x\u2028y\x85z", "b"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_other_encodings_that_show(tmp_path, encoding):
    rows, _, _ = read(write(tmp_path, '{"a": "Café"}\n{"a": "£5"}\n', encoding=encoding))
    assert [row["a"] for row in rows] == ["Café", "£5"]


def test_given_encoding(tmp_path):
    path = write(tmp_path, '{"a": "Café"}\n', encoding="cp1252")
    assert read(path, encoding="cp1252")[0] == [{"a": "Café"}]
    assert read(path)[2][0].detail.startswith("not utf-8")
    with pytest.raises(SourceError, match="unknown encoding"):
        read(path, encoding="utf9")


@pytest.mark.parametrize("content", ['[{"a": 1}, {"a": 2}]', '[\n{"a": 1},\n{"a": 2}\n]'])
def test_json_array(tmp_path, content):
    with pytest.raises(SourceError, match="a JSON array, expected one JSON object a line"):
        read(write(tmp_path, content))


@pytest.mark.parametrize(("content", "message"), [(b"", "empty file"), (b"\n \n", "empty file"), (bytes(99), "binary")])
def test_nothing_to_read(tmp_path, content, message):
    with pytest.raises(SourceError, match=message):
        read(write(tmp_path, content))


def test_too_many_keys(tmp_path):
    with pytest.raises(SourceError, match="more than 2,000 different keys"):
        read(write(tmp_path, "\n".join(json.dumps({f"k{i}": 1}) for i in range(2001))))


def test_objects_without_keys(tmp_path):
    (chunk,) = source.read(write(tmp_path, "{}\n{}\n"))
    assert (chunk.rows.shape, len(chunk.positions)) == ((2, 0), 2)


def test_gzip(tmp_path):
    rows, positions, _ = read(write(tmp_path, gzip.compress(b'{"a": 1}\n'), "r.jsonl.gz"))
    assert (rows, positions) == ([{"a": "1"}], ["r.jsonl.gz:1"])


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=5), _values, max_size=4), min_size=1, max_size=5))
def test_any_object_is_read(tmp_path_factory, objects):
    path = tmp_path_factory.mktemp("any") / "f.jsonl"
    path.write_text("\n".join(map(json.dumps, objects)))
    (chunk,) = source.read(path)
    assert len(chunk.rows) == len(objects)
    assert chunk.bad == []


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_bad_rows(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "f.jsonl"
    path.write_bytes(b'{"a": "long enough to be text, whatever follows it in this file"}\n' + content)
    try:
        list(source.read(path))
    except SourceError as error:
        assert "\n" not in str(error)
