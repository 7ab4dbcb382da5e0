"""What there is to read of one source tonight: files that changed, here or far away, or the answer to a query.

An input says how it is named in the lake, what its content is known by, and how it is read. Files far away are here
only while they are read, so inputs come one by one, and each is over when the next is asked for.
"""

import datetime as dt
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cx_nlp import sources, store
from cx_nlp.source_config import SourceConfig
from cx_nlp.sources import credentials
from cx_nlp.sources import query as queries

if TYPE_CHECKING:
    from cx_nlp.sources.chunk import Chunk

Read = Callable[[], Iterator["Chunk"]]


@dataclass(frozen=True)
class Input:
    """One file, or one query's answer. `read` is None for what the lake has already; `mark` None for a query."""

    name: str
    mark: str | None
    read: Read | None


def find(source: SourceConfig) -> list[Path]:
    """A source's files on this machine, sorted; none for a query and for files far away.

    Raises SourceError where the config's path names nothing.
    """
    if source.kind in sources.QUERIES or source.path is None:
        return []
    if source.kind != "datasets":
        return sources.expand(source.path)
    from cx_nlp.sources.datasets import data_files

    return data_files(Path(source.path))


def of_source(
    lake: Path,
    name: str,
    source: SourceConfig,
    paths: Sequence[Path],
    *,
    run_id: str,
    started_at: dt.datetime,
    watermark: dt.datetime | None,
    dates: tuple[dt.date, dt.date] | None,
    reread: bool,
) -> tuple[Generator[Input, None, None], dt.datetime | None]:
    """What is to be read of a source, and from when on (None: from the beginning).

    dates: first and last feedback_date wanted; they may stand in any file, so all files are read.
    """
    every = reread or dates is not None
    if source.kind in sources.QUERIES:
        values = parameters(source, started_at=started_at, watermark=watermark, dates=dates, every=reread)
        return of_query(name, source, values), window_low(source, values)
    if source.url is not None:
        return of_url(lake, name, source, folder=store.downloads(lake, run_id), every=every), watermark
    return of_files(lake, name, source, paths, every=every), watermark


def parameters(
    source: SourceConfig,
    *,
    started_at: dt.datetime,
    watermark: dt.datetime | None,
    dates: tuple[dt.date, dt.date] | None,
    every: bool,
) -> dict[str, dt.datetime]:
    """What :since and :until of a source's query stand for tonight, naive local times; every: from the beginning."""
    return queries.window(
        zone=source.zone,
        started_at=started_at,
        watermark=None if every else watermark,
        overlap=source.overlap,
        dates=dates,
        has_updates="updated_at" in source.columns,
    )


def window_low(source: SourceConfig, values: Mapping[str, dt.datetime]) -> dt.datetime | None:
    """From when on a query was asked for, UTC; None where it asks for all."""
    since = values["since"]
    if since == queries.BEGINNING or "since" not in queries.parameters(source.query or ""):
        return None
    return since.replace(tzinfo=source.zone).astimezone(dt.UTC)


def of_query(name: str, source: SourceConfig, values: Mapping[str, dt.datetime]) -> Generator[Input, None, None]:
    """The one input of a source that answers a query."""
    assert source.query is not None
    where = Path(source.path) if source.path else credentials.fill(source.url or "", where=f"sources.{name}.url")
    read = sources.resolve(source.kind)
    yield Input(
        "query",
        None,
        partial(read, where, source.query, parameters=values, zone=source.timezone, label=name),
    )


def of_files(
    lake: Path, name: str, source: SourceConfig, paths: Sequence[Path], *, every: bool
) -> Generator[Input, None, None]:
    """The inputs of files on this machine. A snapshot is read as a whole or, where nothing changed, not at all."""
    known = store.known_files(lake, name)
    files = store.changed_files(lake, name, paths, every=True)
    if source.snapshot:
        every = every or known != {file.name: file.sha256 for file in files}
    for file in files:
        is_read = every or known.get(file.name) != file.sha256
        yield Input(file.name, file.sha256, partial(_reader(source), file.path) if is_read else None)


def of_url(lake: Path, name: str, source: SourceConfig, *, folder: Path, every: bool) -> Generator[Input, None, None]:
    """The inputs of files far away, each copied into `folder` while it is read."""
    from cx_nlp.sources import remote

    where = f"sources.{name}"
    url = credentials.fill(source.url or "", where=f"{where}.url")
    options, hidden = credentials.fill_options(source.options, where=f"{where}.options")
    url = credentials.Filled(url.text, (*url.values, *hidden))
    system, found = remote.listed(url, options, label=name)
    names = {path: short for short, path in store.name_files([file.path for file in found]).items()}
    known = store.known_files(lake, name)
    tags = {names[file.path]: file.tag for file in found}
    if source.snapshot:
        every = every or None in tags.values() or tags != known
    for file in found:
        short = names[file.path]
        if not every and file.tag is not None and known.get(short) == file.tag:
            yield Input(short, file.tag, None)
            continue
        with remote.fetched(system, file, folder, url, label=name) as path:
            mark = file.tag or store.digest(path)
            is_read = every or known.get(short) != mark
            yield Input(short, mark, partial(_reader(source), path) if is_read else None)


def _reader(source: SourceConfig) -> Callable[..., Iterator["Chunk"]]:
    options = {"sheet": source.sheet} if source.kind == "excel" else {}
    return partial(sources.resolve(source.kind), encoding=source.encoding, **options)
