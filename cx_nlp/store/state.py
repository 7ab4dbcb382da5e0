"""What the lake remembers between runs: which files were taken, how far each source was read, which contract holds.

`_state/files.json` {source: {name: sha256}}, `_state/watermarks.json` {source: time}, `_state/schema_version`; beside
them `settings.json` (see `cx_nlp.remembered`), `forgotten.json`, `tombstones.parquet` and `due.json` (see the modules of
these names). All are written by the commit of the run whose rows they describe.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeVar

from cx_nlp import schema
from cx_nlp.errors import LakeError
from cx_nlp.sources.files import one_line_errors
from cx_nlp.store import files

AnyPath = TypeVar("AnyPath", bound=PurePath)


@dataclass(frozen=True)
class SourceFile:
    """A file as a source's next run sees it."""

    path: Path
    name: str  # the file's name; with as much of its folders as tells it from the source's other files
    sha256: str


def changed_files(lake: Path, source: str, paths: Iterable[Path], *, every: bool = False) -> list[SourceFile]:
    """The source's files that are new or have other content than when they were last taken, in order of name.

    every: all of them (`--date` and backfill read files that were taken long ago). A file that changes while it is
    read is taken again by the next run, since its checksum is of what it was before.
    Raises SourceError for a file that cannot be read.
    """
    taken = {} if every else read_json(lake, "files").get(source, {})
    found = [SourceFile(path, name, digest(path)) for name, path in name_files(paths).items()]
    return [file for file in found if taken.get(file.name) != file.sha256]


def known_files(lake: Path, source: str) -> dict[str, str]:
    """The source's files as last taken: what each content is known by (a SHA-256, or a store's own mark), by name."""
    return read_json(lake, "files").get(source, {})


def name_files(paths: Iterable[AnyPath]) -> dict[str, AnyPath]:
    """Short names by which a source's files are told apart, in order: a folder is named only where it must be."""
    twins: dict[str, list[AnyPath]] = {}
    for path in sorted(set(paths)):
        twins.setdefault(path.name, []).append(path)
    names: dict[str, AnyPath] = {}
    for group in twins.values():
        depth = 1
        while len({path.parts[-depth:] for path in group}) < len(group):
            depth += 1
        names |= {"/".join(path.parts[-depth:]): path for path in group}
    return dict(sorted(names.items()))


def digest(path: Path) -> str:
    """SHA-256 of a file's content, streamed. Raises SourceError if it cannot be read, TransientError if it is away."""
    with one_line_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def watermark(lake: Path, source: str) -> dt.datetime | None:
    """The newest updated_at (else submitted_at) committed for a source, UTC; None before its first run."""
    found = read_json(lake, "watermarks").get(source)
    return dt.datetime.fromisoformat(found) if found else None


def advanced(lake: Path, high: Mapping[str, dt.datetime], started_at: dt.datetime) -> dict[str, dt.datetime]:
    """Watermarks after a run: never lower, and never above the run's start, so that a clock set back heals."""
    known = {source: dt.datetime.fromisoformat(text) for source, text in read_json(lake, "watermarks").items()}
    return {
        source: min(started_at, max(time for time in (known.get(source), high.get(source)) if time is not None))
        for source in sorted({*known, *high})
    }


def write_state(
    lake: Path,
    run_id: str,
    *,
    taken: Mapping[str, Mapping[str, str]],
    high: Mapping[str, dt.datetime],
    started_at: dt.datetime,
    whole: Iterable[str] = (),
) -> list[tuple[Path, Path]]:
    """Files of the state that change, under temporary names, for the commit; none if the state stays as it is.

    whole: sources whose files in `taken` are all that there are; what others of theirs were known by is forgotten.
    """
    known = read_json(lake, "files")
    stays = {source: files for source, files in known.items() if source not in set(whole)}
    checksums = {source: {**stays.get(source, {}), **taken.get(source, {})} for source in {*known, *taken}}
    checksums = {source: files for source, files in checksums.items() if files}
    marks = {source: time.isoformat() for source, time in advanced(lake, high, started_at).items()}
    writes = []
    for name, value in (("files", checksums), ("watermarks", marks)):
        path, text = json_file(lake, name), json.dumps(value, indent=1, sort_keys=True) + "\n"
        # Without a value a file says what no file says; one that is there is written all the same.
        stands = path.read_text(encoding="utf-8") if path.exists() else "{}\n"
        if stands != text:
            writes.append((files.write_text(path, text, run_id=run_id), path))
    return writes


def write_settings(lake: Path, run_id: str, text: str | None) -> list[tuple[Path, Path]]:
    """What runs were told by their config, as `_state/settings.json`, for the commit; none if it stands as it is."""
    path = json_file(lake, "settings")
    if text is None or (path.exists() and path.read_text(encoding="utf-8") == text):
        return []
    return [(files.write_text(path, text, run_id=run_id), path)]


def check_version(lake: Path) -> None:
    """Raises LakeError if the lake follows another schema version; one without a version is left to its files."""
    path = lake / "_state" / "schema_version"
    version = path.read_text(encoding="utf-8").strip() if path.exists() else schema.SCHEMA_VERSION
    if version != schema.SCHEMA_VERSION:
        raise LakeError(f"lake {lake}: schema version {version}, this cx-nlp writes {schema.SCHEMA_VERSION}")


def check_readable(lake: Path) -> None:
    """Raises LakeError if a file of the state is broken."""
    for name in ("files", "watermarks", "settings", "forgotten", "due"):
        read_json(lake, name)


def write_version(lake: Path, run_id: str) -> list[tuple[Path, Path]]:
    """The version's file for the commit; none if it stands already."""
    path = lake / "_state" / "schema_version"
    return [] if path.exists() else [(files.write_text(path, f"{schema.SCHEMA_VERSION}\n", run_id=run_id), path)]


def json_file(lake: Path, name: str) -> Path:
    """A file of the lake's state, there or not."""
    return lake / "_state" / f"{name}.json"


def read_json(lake: Path, name: str) -> dict:
    """The object in a file of the state; {} where there is none. Raises LakeError if it is broken."""
    path = json_file(lake, name)
    try:
        value = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if not isinstance(value, dict):
            raise ValueError("not an object")
        return value
    except (ValueError, OSError) as error:
        raise LakeError(f"{path}: not readable: {' '.join(str(error).split())}") from None
