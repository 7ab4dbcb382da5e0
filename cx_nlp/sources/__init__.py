"""Where feedback comes from: one module a kind, each with a function `read` that yields chunks of rows.

A kind of file reads `read(path, *, chunk_rows, encoding)`; a kind that answers a query (`QUERIES`) reads
`read(where, query, *, parameters, zone, label, chunk_rows)`. A new source is one module with such a function, one line
in `SOURCES` and one test.
"""

import difflib
import glob
import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cx_nlp.errors import SourceError, UnknownName, UsageError

if TYPE_CHECKING:
    from cx_nlp.sources.chunk import Chunk

SOURCES = {
    "csv": "cx_nlp.sources.csv:read",
    "jsonl": "cx_nlp.sources.jsonl:read",
    "parquet": "cx_nlp.sources.parquet:read",
    "excel": "cx_nlp.sources.excel:read",
    "datasets": "cx_nlp.sources.datasets:read",
    "sql": "cx_nlp.sources.sql:read",
    "duckdb": "cx_nlp.sources.duckdb:read",
}
QUERIES = ("sql", "duckdb")
# By file name, for commands that are given a file and no kind.
SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".pq": "parquet", ".xlsx": "excel", ".xlsm": "excel",
}  # fmt: skip


def resolve(kind: str) -> Callable[..., Iterator["Chunk"]]:
    """The `read` function of a kind of source, its module imported only now. Raises UnknownName."""
    if kind not in SOURCES:
        raise UnknownName("source kind", kind, SOURCES)
    module, _, name = SOURCES[kind].partition(":")
    return getattr(importlib.import_module(module), name)


def kind_of(path: Path) -> str:
    """The kind of a file by its name's ending, ".gz" aside. Raises UsageError that lists the known endings."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path}: unknown kind of file {suffix!r}, expected one of {', '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def expand(path_glob: str | Path) -> list[Path]:
    """One file, or all files that match a glob ("**" goes into folders), sorted by path; never empty.

    A name that exists is taken as it is, whatever brackets it holds; folders that a glob matches are left out.
    Raises SourceError: nothing there, a directory, or a file without read permission.
    """
    pattern = os.path.expanduser(str(path_glob))  # noqa: PTH111 (Path fails on an unknown user)
    path = Path(pattern)
    if path.is_dir():
        is_empty = os.access(path, os.R_OK) and not any(child.is_file() for child in path.iterdir())
        hint = " with no file in it" if is_empty else f"; name a file, or a glob such as {path / '*.csv'}"
        raise SourceError(f"{path} is a directory{hint}")
    if os.path.lexists(path):
        found = [path]
    elif glob.has_magic(pattern):
        matches = sorted(map(Path, glob.glob(pattern, recursive=True)))  # noqa: PTH207 (Path.glob is relative)
        found = [match for match in matches if not match.is_dir()]
        if not found:
            raise SourceError(f"no file matches {pattern}{' (only directories do)' if matches else ''}")
    else:
        raise SourceError(f"no such file: {path}{_nearest(path)}")
    for file in found:
        if not file.exists():
            raise SourceError(f"{file}: a link to a file that does not exist")
        if not os.access(file, os.R_OK):
            raise SourceError(f"{file}: no permission to read it")
    return found


def _nearest(path: Path) -> str:
    try:
        names = [child.name for child in path.parent.iterdir() if child.is_file()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1)
    return f", did you mean {near[0]}?" if near else ""
