"""A Hugging Face `datasets` folder as `save_to_disk` leaves it: its Arrow files, read with pyarrow alone.

A folder of splits is read with all of them; name a split's own folder to take one. A label that the dataset stores as
a number becomes its name.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from cx_nlp.errors import SourceError
from cx_nlp.sources.chunk import Chunk, clean_names, make_chunk
from cx_nlp.sources.files import one_line_errors
from cx_nlp.sources.parquet import as_text


def data_files(folder: Path) -> list[Path]:
    """The Arrow files of a saved dataset, or of all splits of one, in its own order; a file stands for itself.

    Raises SourceError: no such folder, not a saved dataset, or a file of it is missing.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise SourceError(f"no such folder: {folder}")
    index = folder / "dataset_dict.json"
    if index.exists():
        return [file for split in _json(index).get("splits", []) for file in data_files(_within(index, split))]
    state = folder / "state.json"
    if not state.exists():
        raise SourceError(f"{folder}: no dataset saved with save_to_disk (no state.json and no dataset_dict.json)")
    files = [_within(state, one.get("filename")) for one in _json(state).get("_data_files", [])]
    if not files:
        raise SourceError(f"{state}: names no data file")
    for file in files:
        if not file.is_file():
            raise SourceError(f"{state}: names {file.name}, which is not there")
    return files


def _within(index: Path, name: object) -> Path:
    """What a folder's index names; it may come from anywhere, and name what is not this folder's."""
    if not isinstance(name, str) or name in ("", "..") or Path(name).name != name:
        raise SourceError(f"{index}: names {str(name)[:100]!r}, expected a name in its own folder")
    return index.parent / name


def read(path: Path, *, chunk_rows: int = 5000, encoding: str | None = None) -> Iterator[Chunk]:
    """Yield the rows of one Arrow file in chunks of at most `chunk_rows`; positions are "name:row 1" onwards.

    `encoding` is ignored: Arrow states its own. Raises SourceError: no such file, unreadable, empty, damaged.
    """
    with one_line_errors(path):
        if not path.stat().st_size:
            raise SourceError(f"{path}: empty file")
        try:
            with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
                yield from _chunks(stream, path, chunk_rows)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the format's
                raise
            raise SourceError(f"{path}: not readable as a dataset's Arrow file ({type(error).__name__})") from None


def _chunks(stream: pa.RecordBatchReader, path: Path, chunk_rows: int) -> Iterator[Chunk]:
    kept = [i for i, name in enumerate(stream.schema.names) if not name.startswith("__index_level_")]
    columns = clean_names([stream.schema.names[i] for i in kept], path)
    labels = _label_names(stream.schema)
    row = 0
    for whole in stream:
        for start in range(0, whole.num_rows, chunk_rows):
            batch = whole.slice(start, chunk_rows)
            positions = [f"{path.name}:row {i}" for i in range(row + 1, row + batch.num_rows + 1)]
            row += batch.num_rows
            values = [as_text(_named(batch.column(i), labels.get(stream.schema.names[i]))) for i in kept]
            yield make_chunk(columns, values, positions, [])
    if row == 0:
        yield make_chunk(columns, [[] for _ in columns], [], [])


def _label_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Columns that hold a label's number -> the labels' names, as the file's own metadata says."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        found = {name: one.get("names") for name, one in features.items() if one.get("_type") == "ClassLabel"}
    except (KeyError, ValueError, TypeError, AttributeError):  # written by other means: numbers stay numbers
        return {}
    return {name: [str(one) for one in names] for name, names in found.items() if isinstance(names, list)}


def _named(column: pa.Array, names: list[str] | None) -> pa.Array:
    """Numbers as names; one without a name, such as -1 for "no label", is missing."""
    if not names or not pa.types.is_integer(column.type):
        return column
    known = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(names)))
    return pa.array(names, pa.string()).take(pc.if_else(known, column, None).cast(pa.int64()))


def _json(path: Path) -> dict:
    with one_line_errors(path):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            value = None
    if not isinstance(value, dict):
        raise SourceError(f"{path}: not readable as JSON")
    return value
