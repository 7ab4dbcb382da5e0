"""Parquet: one canonical text for each Arrow type, by batches."""

import datetime as dt
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cx_nlp.errors import SourceError
from cx_nlp.sources import parquet as source


def write(tmp_path, table, name="reviews.parquet", **options):
    path = tmp_path / name
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **options)
    return path


def read(path, **options):
    chunks = list(source.read(path, **options))
    frame = pd.concat([chunk.rows for chunk in chunks], ignore_index=True)
    assert all(str(kind) == "str" for kind in frame.dtypes)
    return frame, [p for c in chunks for p in c.positions]


_WHEN = dt.datetime(2024, 6, 5, 10, 0, 0)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["007", "NA", "", None]), ["007", "NA", "", None]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array(["a", "b", "a", None]).dictionary_encode(), ["a", "b", "a", None]),
        (pa.array([5, -1, None], pa.int64()), ["5", "-1", None]),
        (pa.array([2**63], pa.uint64()), ["9223372036854775808"]),
        (
            pa.array([5.0, 0.1, -0.0, 123456789012.0, 123456789012.5, 1e300, float("nan"), float("inf"), None]),
            ["5", "0.1", "0", "123456789012", "123456789012.5", "1e+300", None, "inf", None],
        ),
        (pa.array([0.1, 3.0], pa.float32()), ["0.1", "3"]),
        (pa.array([Decimal("5.00"), Decimal("1.50"), None]), ["5", "1.5", None]),
        (pa.array([Decimal("1200.00")]), ["1200"]),
        (pa.array([True, False, None]), ["true", "false", None]),
        (pa.nulls(2), [None, None]),
        (pa.array([dt.date(2024, 1, 5), None]), ["2024-01-05", None]),
        (pa.array([dt.date(2024, 1, 5)], pa.date64()), ["2024-01-05"]),
        (pa.array([_WHEN, None]), ["2024-06-05T10:00:00", None]),
        (pa.array([_WHEN], pa.timestamp("s")), ["2024-06-05T10:00:00"]),
        (pa.array([_WHEN.replace(microsecond=250000)]), ["2024-06-05T10:00:00.25"]),
        (pa.array([_WHEN], pa.timestamp("ns", "UTC")), ["2024-06-05T10:00:00Z"]),
        (pa.array([_WHEN.replace(microsecond=1)], pa.timestamp("us", "UTC")), ["2024-06-05T10:00:00.000001Z"]),
        (pa.array([_WHEN], pa.timestamp("us", "Europe/London")), ["2024-06-05T10:00:00Z"]),
        (pa.array([_WHEN], pa.timestamp("ms", "+02:00")), ["2024-06-05T10:00:00Z"]),
        (pa.array([dt.time(9, 30), dt.time(9, 30, 0, 500000)]), ["09:30:00", "09:30:00.500000"]),
        (pa.array([dt.timedelta(days=1)]), ["1 day, 0:00:00"]),
        (pa.array([b"text", b"\xff", None]), ["text", "\ufffd", None]),
        (pa.array([[1, None], [], None]), ["[1, null]", "[]", None]),
        (
            pa.array([{"z": 1.0, "a": float("nan"), "d": _WHEN}]),
            ['{"a": null, "d": "2024-06-05T10:00:00", "z": 1}'],
        ),
        (pa.array([[("k", "é")]], pa.map_(pa.string(), pa.string())), ['{"k": "é"}']),
        (
            pa.array([uuid.UUID(int=1).bytes], pa.uuid()),
            ["00000000-0000-0000-0000-000000000001"],
        ),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_canonical_text(tmp_path, column, expected):
    frame, _ = read(write(tmp_path, {"x": column}))
    assert frame["x"].astype(object).where(frame["x"].notna(), None).tolist() == expected


def test_strings_that_are_not_utf8(tmp_path):
    broken = pa.Array.from_buffers(pa.string(), 1, pa.array([b"caf\xe9"], pa.binary()).buffers())
    frame, _ = read(write(tmp_path, {"x": broken}))
    assert frame["x"].tolist() == ["caf\ufffd"]


def test_positions_and_chunks(tmp_path):
    path = write(tmp_path, {"id": pa.array(range(12))}, row_group_size=5)
    chunks = list(source.read(path, chunk_rows=4))
    assert sum(len(chunk.rows) for chunk in chunks) == 12
    assert all(len(chunk.rows) <= 4 and len(chunk.rows) == len(chunk.positions) for chunk in chunks)
    positions = [p for chunk in chunks for p in chunk.positions]
    assert (positions[0], positions[-1]) == ("reviews.parquet:row 1", "reviews.parquet:row 12")


def test_zero_rows_keep_their_columns(tmp_path):
    chunks = list(source.read(write(tmp_path, {"id": pa.array([], pa.int64()), "text": pa.array([], pa.string())})))
    assert [chunk.rows.columns.tolist() for chunk in chunks] == [["id", "text"]]
    assert len(chunks[0].rows) == 0


def test_pandas_frame_with_an_index(tmp_path):
    path = tmp_path / "p.parquet"
    pd.DataFrame({" text ": ["a", "b"], "n": [1.0, np.nan]}, index=[7, 9]).to_parquet(path)
    frame, _ = read(path)
    assert frame.columns.tolist() == ["text", "n"]
    assert frame["n"].tolist()[0] == "1"
    assert frame["n"].isna().tolist() == [False, True]


def test_duplicate_columns(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", " a"])
    with pytest.raises(SourceError, match="duplicate column names: 'a'"):
        read(write(tmp_path, table))


def test_files_that_are_not_parquet(tmp_path):
    path = write(tmp_path, {"x": pa.array(["word"] * 1000)})
    whole = path.read_bytes()
    for content in (b"", b"id,text\n1,a\n", whole[:-30], whole[:50], b"PAR1" + bytes(60) + b"PAR1"):
        path.write_bytes(content)
        with pytest.raises(SourceError, match=r"reviews\.parquet: (empty file|not readable as Parquet)") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_damage_in_the_middle(tmp_path):
    words = pa.array([f"word {i * i}" for i in range(20_000)])
    path = write(tmp_path, {"x": words}, compression="zstd", use_dictionary=False)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 400] = bytes(400)
    path.write_bytes(whole)
    with pytest.raises(SourceError, match="not readable as Parquet"):
        read(path)


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        read(tmp_path / "none.parquet")
    with pytest.raises(SourceError, match="is a directory"):
        read(tmp_path)
