"""A published copy of a lake's committed state, for object stores: files that never change, named by one manifest.

    <url>/<table>/dt=YYYY-MM-DD/<sha256>.parquet
    <url>/manifest.json          written last, in one piece

A reader takes the manifest and reads the files that it names, so it sees one commit over all tables, whatever is being
copied meanwhile (`read_manifest`). A file that a manifest names already is not copied again. Files of the manifest
before stay until the one after, for readers who are at it; older ones are removed. Nothing but tables leaves the lake:
neither its key nor its state.
"""

import dataclasses
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cx_nlp import logs, schema, store
from cx_nlp.errors import LakeError, SourceError, TransientError
from cx_nlp.sources import credentials, remote
from cx_nlp.sources.credentials import Filled
from cx_nlp.store import files

FORMAT = 1
MANIFEST = "manifest.json"
LOCK_WAIT_SECONDS = 30.0
# What may be removed: the folder may hold other people's files too.
_OURS = re.compile(rf"({'|'.join(schema.TABLES)})/(dt=\d{{4}}-\d\d-\d\d/)?[0-9a-f]{{64}}\.parquet")
log = logging.getLogger("cx_nlp")


@dataclass(frozen=True)
class Published:
    """generation: of the manifest, from 1; it stays where nothing has changed."""

    generation: int
    files: int
    copied: int
    swept: int


def publish(
    lake: Path, url: str, options: Mapping[str, Any] | None = None, *, wait: float = LOCK_WAIT_SECONDS
) -> Published:
    """Copy the committed state of a lake to a URL and write its manifest.

    url, options: may hold ${NAME}, taken from the environment. The lake's lock is held, so that no run changes files
    that are being copied. Raises LakeBusy, LakeError for no or an unhealed lake, UsageError for an unknown protocol or an
    unset variable, TransientError or SourceError for a store that is away or says no; the old manifest then stands.
    """
    if not (lake / "_state").is_dir():
        raise LakeError(f"no lake at {lake}: expected a folder that `cx-nlp run` wrote")
    with store.locked(lake, wait=wait, holder="publish"):
        if list((lake / "_journal").glob("*.json")):
            raise LakeError(f"lake {lake}: a commit was cut short; the next run finishes it, publish after that")
        return _publish(lake, _Place.of(url, options or {}))


def read_manifest(url: str, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The manifest of a published copy: {format, schema_version, generation, run_id, forgotten, files, previous}.

    files: [{table, dt, path, sha256, bytes, rows}], path relative to `url`. Raises SourceError where there is none.
    """
    found = _Place.of(url, options or {}).manifest()
    if found is None:
        raise SourceError("publish: no manifest at that url")
    return found


def _publish(lake: Path, place: "_Place") -> Published:
    old = place.manifest()
    held = place.sizes()
    found = _files(lake)
    entries = [_entry(lake, table, path) for table, path in found]
    wanted = {entry["path"] for entry in entries}
    known = {entry["path"] for entry in old["files"]} if old else set()
    copied = 0
    for entry, (_, path) in zip(entries, found, strict=True):
        # What lies there under no manifest was left by a crash and is not to be trusted.
        if entry["path"] not in known or held.get(entry["path"]) != entry["bytes"]:
            place.put(path, entry["path"])
            copied += 1
    forgotten = _forgotten(lake)
    if old and old["files"] == entries and old["forgotten"] == forgotten:
        manifest = old
    else:
        # Whoever was forgotten since must not stay in the generation before.
        stays = old is not None and old["forgotten"] == forgotten
        manifest = {
            "format": FORMAT, "schema_version": schema.SCHEMA_VERSION,
            "generation": old["generation"] + 1 if old else 1, "run_id": _last_run(lake), "forgotten": forgotten,
            "files": entries, "previous": sorted(known - wanted) if stays else [],
        }  # fmt: skip
        place.write_manifest(json.dumps(manifest, indent=1).encode())
    stale = sorted(name for name in held if _OURS.fullmatch(name) and name not in {*wanted, *manifest["previous"]})
    place.remove(stale)
    done = Published(manifest["generation"], len(entries), copied, len(stale))
    log.info(
        "published generation %d: %d files, %d copied, %d older ones removed",
        done.generation, done.files, done.copied, done.swept,
        extra=logs.fields(manifest["run_id"] or "", "publish", **dataclasses.asdict(done)),
    )  # fmt: skip
    return done


def _files(lake: Path) -> list[tuple[str, Path]]:
    found = [(table, path) for table in files.PARTITIONED for path in files.partitions(lake, table).values()]
    themes = files.themes_file(lake)
    return found + ([("themes", themes)] if themes.exists() else [])


def _entry(lake: Path, table: str, path: Path) -> dict[str, Any]:
    """What the manifest says of a file. Raises LakeError for one that is not of its table's schema."""
    rows = files.check_schema(path, schema.TABLES[table])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = path.parent.relative_to(lake).as_posix()
    date = files.partition_date(path)
    return {
        "table": table, "dt": date.isoformat() if date else None, "path": f"{folder}/{digest}.parquet",
        "sha256": digest, "bytes": path.stat().st_size, "rows": rows,
    }  # fmt: skip


def _forgotten(lake: Path) -> str:
    """Changes when somebody is forgotten; says nothing of who."""
    path = lake / "_state" / "forgotten.json"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else ""


def _last_run(lake: Path) -> str | None:
    """The newest committed run: what the state is of."""
    newest = max(files.partitions(lake, "runs").items(), default=None)
    if newest is None:
        return None
    rows = files.read_table(newest[1], schema.RUNS, columns=["run_id", "started_at", "status"]).to_pylist()
    done = [(row["started_at"], row["run_id"]) for row in rows if row["status"] == "done"]
    return max(done)[1] if done else None


class _Place:
    """The folder of a URL. Errors of its library become one line without credentials."""

    def __init__(self, system: Any, root: str, url: Filled) -> None:
        self.system, self.root, self.url = system, root.rstrip("/"), url

    @classmethod
    def of(cls, url: str, options: Mapping[str, Any]) -> "_Place":
        """Raises UsageError for an unset variable, an unknown protocol or a missing package."""
        plain = credentials.fill(url, where="publish.url")
        filled, hidden = credentials.fill_options(options, where="publish.options")
        plain = Filled(plain.text, (*plain.values, *hidden))
        system, root = remote.opened(plain, filled, label="publish")
        return cls(system, root, plain)

    @contextmanager
    def _said(self) -> Iterator[None]:
        with remote.one_line(self.url, "publish"):
            yield

    def manifest(self) -> dict[str, Any] | None:
        with self._said():
            try:
                text = self.system.cat_file(f"{self.root}/{MANIFEST}")
            except FileNotFoundError:
                return None
        try:
            found = json.loads(text)
            if found["format"] != FORMAT:
                raise LakeError(f"publish: manifest format {found['format']!r}, this version reads {FORMAT}")
            return found
        except (ValueError, KeyError, TypeError):
            raise LakeError("publish: manifest.json is not readable; remove it to publish anew") from None

    def sizes(self) -> dict[str, int]:
        """path relative to the root -> bytes, of every file there."""
        with self._said():
            self.system.invalidate_cache()
            try:
                found = self.system.find(self.root, detail=True)
            except FileNotFoundError:
                return {}
        at = len(self.root) + 1
        return {key[at:]: info["size"] for key, info in found.items() if len(key) > at}

    def put(self, path: Path, name: str) -> None:
        """Copy a file under its name; a crash leaves at most a part that no manifest names."""
        with self._said():
            target = f"{self.root}/{name}"
            self._make_folder(target)
            self.system.put_file(str(path), target)
            if self.system.info(target)["size"] != path.stat().st_size:
                raise TransientError(f"publish: {name} was not copied whole")

    def write_manifest(self, text: bytes) -> None:
        """In one piece: stores put an object whole or not at all; a folder gets it by a rename."""
        with self._said():
            target = f"{self.root}/{MANIFEST}"
            self._make_folder(target)
            if self._is_local:
                part = Path(f"{target}.tmp")
                with part.open("wb") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(target)
            else:
                self.system.pipe_file(target, text)

    def remove(self, names: list[str]) -> None:
        with self._said():
            for name in names:
                self.system.rm_file(f"{self.root}/{name}")

    @property
    def _is_local(self) -> bool:
        protocol = self.system.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def _make_folder(self, target: str) -> None:
        if self._is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
