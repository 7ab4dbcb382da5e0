import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cx_nlp import schema
from cx_nlp.errors import LakeError
from cx_nlp.store import files
from tests.store import nights


def some_rows(count: int = 5) -> pa.Table:
    rows = [
        {"theme_id": f"t/{n:06}", "theme": "é" * (n % 3), "kind": "taxonomy", "status": "active"} for n in range(count)
    ]
    return pa.Table.from_pylist(rows, schema=schema.THEMES)


def test_the_same_rows_give_the_same_bytes_however_they_are_batched(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROW_GROUP", 7)
    table = some_rows(40)
    pieces = [table.slice(0, 1), table.slice(1, 0), table.slice(1, 20), table.slice(21)]
    batches = [batch for piece in pieces for batch in piece.to_batches()]
    one = files.write_table(tmp_path / "a" / files.PART, table, schema.THEMES, run_id="r1")
    other = files.write_table(tmp_path / "b" / files.PART, iter(batches), schema.THEMES, run_id="r2")
    assert one.read_bytes() == other.read_bytes()
    assert pq.read_metadata(one).num_row_groups == 6
    assert files.read_table(one, schema.THEMES).equals(table)


def test_a_file_tells_its_schema_and_nothing_of_pandas_or_the_clock(tmp_path):
    frame = some_rows().to_pandas()
    table = pa.Table.from_pandas(frame, schema=schema.THEMES)
    assert b"pandas" in table.schema.metadata
    path = files.write_table(tmp_path / files.PART, table, schema.THEMES, run_id="r1")
    metadata = pq.read_metadata(path)
    assert set(metadata.metadata) == {b"cx_nlp_table", b"cx_nlp_schema_version", b"ARROW:schema"}
    assert metadata.created_by == f"parquet-cpp-arrow version {pa.__version__}"
    assert {metadata.row_group(0).column(n).compression for n in range(metadata.num_columns)} == {"ZSTD"}
    assert pq.read_schema(path).equals(schema.THEMES)


def test_no_rows_give_a_file_with_the_schema(tmp_path):
    path = files.write_table(tmp_path / files.PART, schema.FEEDBACK.empty_table(), schema.FEEDBACK, run_id="r1")
    assert pq.read_schema(path).equals(schema.FEEDBACK)
    assert files.check_schema(path, schema.FEEDBACK) == 0
    assert files.read_table(tmp_path / "absent.parquet", schema.FEEDBACK).equals(schema.FEEDBACK.empty_table())


def test_a_null_in_a_required_column_is_refused(tmp_path):
    table = some_rows().set_column(1, "theme", pa.nulls(5, pa.string()))
    with pytest.raises(ValueError, match="theme"):
        files.write_table(tmp_path / files.PART, table, schema.THEMES, run_id="r1")


def test_temporary_names_are_not_read_by_a_glob(tmp_path):
    final = files.partition(tmp_path, "feedback", dt.date(2026, 2, 1))
    assert final.relative_to(tmp_path).as_posix() == "feedback/dt=2026-02-01/part-0.parquet"
    written = files.write_table(final, schema.FEEDBACK.empty_table(), schema.FEEDBACK, run_id="r1")
    assert written.name == ".part-0.parquet.r1.tmp"
    assert files.partitions(tmp_path, "feedback") == {}
    assert not list(tmp_path.glob("feedback/**/*.parquet"))


def test_partitions_are_sorted_and_foreign_folders_left_alone(tmp_path):
    for name in ("dt=2026-02-02", "dt=2026-02-01", "dt=2026-02-31", "dt=now", "copy"):
        (tmp_path / "feedback" / name).mkdir(parents=True)
        (tmp_path / "feedback" / name / files.PART).touch()
    assert list(files.partitions(tmp_path, "feedback")) == [dt.date(2026, 2, 1), dt.date(2026, 2, 2)]


def test_another_schema_version_is_one_clear_line(tmp_path):
    old = schema.THEMES.with_metadata({"cx_nlp_table": "themes", "cx_nlp_schema_version": "0"})
    pq.write_table(some_rows().cast(old), tmp_path / files.PART)
    with pytest.raises(LakeError, match="schema version 0, expected 1") as caught:
        files.read_table(tmp_path / files.PART, schema.THEMES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["owner", "theme"])
def test_other_columns_are_named(tmp_path, name):
    other = schema.THEMES.remove(schema.THEMES.get_field_index(name))
    pq.write_table(some_rows().select(other.names).cast(other), tmp_path / files.PART)
    with pytest.raises(LakeError, match=f"columns differ from table themes: {name}"):
        files.read_table(tmp_path / files.PART, schema.THEMES)


def test_a_flipped_byte_and_a_cut_file_are_found(tmp_path):
    path = files.write_table(tmp_path / files.PART, some_rows(3000), schema.THEMES, run_id="r1")
    whole = path.read_bytes()
    path.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    with pytest.raises(LakeError, match="cannot be read"):
        files.read_table(path, schema.THEMES)
    path.write_bytes(whole[:-30])
    with pytest.raises(LakeError, match="not a whole Parquet file"):
        files.read_table(path, schema.THEMES)


def test_a_full_disk_is_one_line_and_leaves_no_file(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(LakeError, match="No space left on device"):
        files.write_table(tmp_path / files.PART, some_rows(), schema.THEMES, run_id="r1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("run_id", ["", "../x", "a/b", ".hidden", "a b", "x" * 101])
def test_a_run_id_that_is_no_file_name_is_refused(tmp_path, run_id):
    with pytest.raises(ValueError, match="run_id"):
        files.temporary(tmp_path / files.PART, run_id)


def test_a_lake_in_an_odd_folder_works(tmp_path):
    lake = tmp_path / "it's [lake] *?"
    nights.night(lake, "r1", [nights.row("1")])
    nights.night(lake, "r2", [nights.row("1"), nights.row("2")])
    assert files.read_table(files.partition(lake, "feedback", dt.date(2026, 2, 1)), schema.FEEDBACK).num_rows == 2
