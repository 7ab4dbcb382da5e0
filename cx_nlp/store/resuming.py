"""Groups of dates that a run has built: noted in its scratch folder, so that a task run twice builds once.

A cluster runs a task again when the worker that held its result dies. The note is of one plan: made again after another
`plan`, it would be of other rows.
"""

import dataclasses
import datetime as dt
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cx_nlp.store import files
from cx_nlp.store.merge import Plan

if TYPE_CHECKING:
    from cx_nlp.store.building import Built

_PLANNED = ("rows.parquet", "touched.parquet", "gone.parquet")


def recall(plan: Plan, dates: Sequence[dt.date]) -> dict[str, tuple] | None:
    """Fields of the `Built` that the run noted for these dates, if its files still wait; None: build it."""
    try:
        noted = json.loads(_note(plan, dates).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # a killed worker writes whole notes or none, a full disk may not
        return None
    if noted.pop("of") != _of(plan, dates):
        return None
    writes = tuple((Path(temporary), Path(final)) for temporary, final in noted.pop("writes"))
    deletes = tuple(Path(path) for path in noted.pop("deletes"))
    if not all(temporary.exists() for temporary, _ in writes):
        return None
    counts = {name: tuple(tuple(one) for one in noted[name]) for name in noted}
    return {"writes": writes, "deletes": deletes, **counts}


def note(plan: Plan, dates: Sequence[dt.date], built: "Built") -> None:
    """Write down what was built for some dates, whole or not at all. Raises LakeError if the disk refuses."""
    path = _note(plan, dates)
    fields = {field.name: getattr(built, field.name) for field in dataclasses.fields(built)}
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with files.refusals(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"of": _of(plan, dates), **fields}, default=str), encoding="utf-8")
        temporary.replace(path)


def _note(plan: Plan, dates: Sequence[dt.date]) -> Path:
    return plan.folder / "built" / f"{dates[0].isoformat()}.json"


def _of(plan: Plan, dates: Sequence[dt.date]) -> list[str]:
    """What the note is of: the dates, and the very files of the plan."""
    times = [str((plan.folder / name).stat().st_mtime_ns) for name in _PLANNED]
    return [*(date.isoformat() for date in dates), *times]
