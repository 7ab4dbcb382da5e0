import json

import pyarrow as pa
import pytest

from cx_nlp.errors import SourceError
from cx_nlp.sources.datasets import data_files, read

FEATURES = {
    "label": {"names": ["bad", "good"], "_type": "ClassLabel"},
    "text": {"dtype": "string", "_type": "Value"},
}


def save(folder, tables):
    """A folder as `save_to_disk` leaves it: Arrow streams, and a state that names them."""
    folder.mkdir(parents=True)
    names = [f"data-{number:05}-of-{len(tables):05}.arrow" for number in range(len(tables))]
    for name, table in zip(names, tables, strict=True):
        metadata = {b"huggingface": json.dumps({"info": {"features": FEATURES}}).encode()}
        table = table.replace_schema_metadata(metadata)
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")


def table(size=4):
    return pa.table(
        {"label": [-1, 0, 1, 1][:size], "text": ["a", None, "c", "d"][:size], "n": [1.0, 2.5, None, 4.0][:size]}
    )


def test_rows_in_chunks_with_labels_by_name(tmp_path):
    save(tmp_path / "reviews", [table()])
    (path,) = data_files(tmp_path / "reviews")
    chunks = list(read(path, chunk_rows=2))
    rows = [tuple(None if v != v else v for v in row) for c in chunks for row in c.rows.itertuples(index=False)]
    assert rows == [(None, "a", "1"), ("bad", None, "2.5"), ("good", "c", None), ("good", "d", "4")]
    assert max(len(chunk.rows) for chunk in chunks) == 2
    assert [p for c in chunks for p in c.positions][-1] == "data-00000-of-00001.arrow:row 4"


def test_all_splits_and_all_files_are_found(tmp_path):
    for split in ("train", "test"):
        save(tmp_path / "d" / split, [table(2), table(1)])
    (tmp_path / "d" / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    found = data_files(tmp_path / "d")
    assert [path.parent.name for path in found] == ["train", "train", "test", "test"]
    assert len(data_files(tmp_path / "d" / "test")) == 2


@pytest.mark.parametrize("name", ["../other/secret.arrow", "/etc/passwd", "..", "", None, 3])
def test_an_index_names_nothing_outside_its_folder(tmp_path, name):
    save(tmp_path / "other", [table()])
    save(tmp_path / "d", [table()])
    (tmp_path / "d" / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(SourceError, match="expected a name in its own folder"):
        data_files(tmp_path / "d")
    (tmp_path / "d" / "dataset_dict.json").write_text(json.dumps({"splits": [name]}))
    with pytest.raises(SourceError, match="expected a name in its own folder"):
        data_files(tmp_path / "d")


def test_no_rows_show_their_columns(tmp_path):
    save(tmp_path / "d", [table(0)])
    (chunk,) = read(*data_files(tmp_path / "d"))
    assert list(chunk.rows.columns) == ["label", "text", "n"] and len(chunk.rows) == 0


def test_what_is_no_dataset_is_one_line(tmp_path):
    with pytest.raises(SourceError, match="no such folder"):
        data_files(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"no dataset saved with save_to_disk"):
        data_files(tmp_path / "empty")
    save(tmp_path / "d", [table()])
    (path,) = data_files(tmp_path / "d")
    path.write_bytes(b"ARROW" * 100)
    with pytest.raises(SourceError, match="not readable as a dataset's Arrow file"):
        list(read(path))
    path.unlink()
    with pytest.raises(SourceError, match=r"names data-00000-of-00001\.arrow, which is not there"):
        data_files(tmp_path / "d")
    (tmp_path / "d" / "state.json").write_text("[")
    with pytest.raises(SourceError, match="not readable as JSON"):
        data_files(tmp_path / "d")


def test_the_library_writes_what_is_read(tmp_path):
    library = pytest.importorskip("datasets")
    saved = library.Dataset.from_dict({"text": ["a", "b"], "n": [1, 2]})
    library.DatasetDict({"train": saved}).save_to_disk(str(tmp_path / "d"))
    (chunk,) = read(*data_files(tmp_path / "d"))
    assert chunk.rows.values.tolist() == [["a", "1"], ["b", "2"]]
