"""A run's changes over all files and tables, done as one: written down first, then carried out, healed after a crash.

Before the journal is in place a crash leaves the lake as it was, after it the next run finishes the work: each step
can be repeated. Only names change in a commit; all contents are on disk before.
"""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cx_nlp.errors import LakeError
from cx_nlp.store import files

Step = Callable[[str], None]  # called after each step; tests crash a commit there


@dataclass(frozen=True)
class Healed:
    """What `heal` found: ids of runs whose commit it finished, and the number of leftovers swept."""

    finished: tuple[str, ...] = ()
    swept: int = 0


def commit(
    lake: Path,
    run_id: str,
    writes: Iterable[tuple[Path, Path]],
    deletes: Iterable[Path] = (),
    *,
    step: Step = lambda name: None,
) -> None:
    """Give each synced temporary file its name and remove the deletes, as one change; empty lists change nothing.

    Nothing here is undone on an error: without a journal the files are leftovers, with one they are finished by
    `heal`. Raises LakeError if the disk refuses or a temporary file is missing.
    """
    writes, deletes = list(writes), list(deletes)
    if not writes and not deletes:
        return
    for temporary, _ in writes:
        if not temporary.is_file():
            raise LakeError(f"commit of run {run_id}: {temporary} is missing")
    entry = {
        "run_id": run_id,
        "writes": sorted([_relative(lake, one), _relative(lake, other)] for one, other in writes),
        "deletes": sorted(_relative(lake, path) for path in deletes),
    }
    journal = lake / "_journal" / f"{files.check_run_id(run_id)}.json"
    try:
        # The journal promises these files, so their names must be on disk before it is.
        _sync_up(lake, (temporary.parent for temporary, _ in writes))
        step("synced")
        name = files.write_text(journal, json.dumps(entry, indent=1) + "\n", run_id=run_id)
        step("journal written")
        name.replace(journal)
        _sync_up(lake, [journal.parent])
        step("journal in place")
        _carry_out(lake, entry, journal, step)
    except OSError as error:
        raise LakeError(f"commit of run {run_id}: {error.strerror or error}; the next run repairs the lake") from None


def heal(lake: Path, *, step: Step = lambda name: None) -> Healed:
    """Finish a commit that a crash cut short and sweep what dead runs left; call it under the lock, before a run.

    A lake that is whole, or not there yet, is left alone. Raises LakeError if a journal cannot be carried out.
    """
    finished = []
    for journal in sorted((lake / "_journal").glob("*.json")):
        try:
            entry = json.loads(journal.read_text(encoding="utf-8"))
            _carry_out(lake, entry, journal, step)
            finished.append(entry["run_id"])
        except (ValueError, KeyError, TypeError):
            raise LakeError(f"{journal}: not a journal; restore it or remove it by hand") from None
        except OSError as error:
            raise LakeError(f"{journal}: cannot be carried out: {error.strerror or error}") from None
    return Healed(tuple(finished), sweep(lake))


def leftovers(lake: Path) -> list[Path]:
    """Temporary files, staging folders and empty partitions that no journal needs; under the lock all are of dead runs.

    While a journal is open its temporary files are not leftovers.
    """
    promised: set[Path] = set()
    for journal in (lake / "_journal").glob("*.json"):
        entry = json.loads(journal.read_text(encoding="utf-8"))
        promised.update(lake / temporary for temporary, _ in entry["writes"])
    found = [*lake.glob("_state/.*.tmp"), *lake.glob("_journal/.*.tmp"), *lake.glob("themes/.*.tmp")]
    found += lake.glob("_registry/.*.tmp")
    for table in files.PARTITIONED:
        found += lake.glob(f"{table}/dt=*/.*.tmp")
    empty = [
        folder for table in files.PARTITIONED for folder in lake.glob(f"{table}/dt=*") if not any(folder.iterdir())
    ]
    return sorted(path for path in found if path not in promised) + empty + sorted(lake.glob("_staging/*"))


def sweep(lake: Path) -> int:
    """Remove leftovers; -> their number. Only under the lock: a running run's files look the same."""
    found = leftovers(lake)
    try:
        for path in found:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path) if path.parent.name == "_staging" else path.rmdir()
            else:
                path.unlink(missing_ok=True)
                _drop_if_empty(path.parent)
    except OSError as error:
        raise LakeError(f"lake {lake}: cannot sweep {error.filename}: {error.strerror}") from None
    return len(found)


def _carry_out(lake: Path, entry: dict, journal: Path, step: Step) -> None:
    """All renames and deletes of a journal, whatever part of them is done already; then the journal goes."""
    folders = set()
    for temporary, final in entry["writes"]:
        source, target = lake / temporary, lake / final
        if source.exists():
            source.replace(target)
        elif not target.exists():
            raise LakeError(f"{journal}: both {temporary} and {final} are missing: files were removed by hand")
        folders.add(target.parent)
        step(f"renamed {final}")
    for final in entry["deletes"]:
        (lake / final).unlink(missing_ok=True)
        folders.add((lake / final).parent)
        step(f"deleted {final}")
    for folder in sorted(folders):
        if folder.exists():
            files.sync_folder(folder)
    step("folders synced")
    for folder in sorted(folders):
        _drop_if_empty(folder)
    step("empty folders dropped")
    journal.unlink(missing_ok=True)
    files.sync_folder(journal.parent)
    step("journal removed")


def _drop_if_empty(folder: Path) -> None:
    """Remove a partition's folder that holds nothing any more."""
    if folder.name.startswith("dt=") and folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def _sync_up(lake: Path, folders: Iterable[Path]) -> None:
    """Sync folders and all above them up to the one that holds the lake, each once."""
    todo = {lake.parent}
    for folder in folders:
        while folder not in todo and folder.is_relative_to(lake):
            todo.add(folder)
            folder = folder.parent
    for folder in sorted(todo, reverse=True):
        files.sync_folder(folder)


def _relative(lake: Path, path: Path) -> str:
    """Journals name files relative to the lake, so that one moved after a crash still heals."""
    return path.relative_to(lake).as_posix()
