"""Figures that are owed: a commit changed rows and left their measures, and what is discovered in them, for later.

A backfill (or `rescore`) commits its rows group by group and computes figures once, at the end. `_state/due.json` is
written with the rows and goes with the figures, so that a run killed in between leaves the debt to the next one.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

from cx_nlp.errors import LakeError
from cx_nlp.store import files, state


@dataclass(frozen=True)
class Due:
    """dates: feedback_dates whose rows changed. every: the measures of all past days are owed, not only the latest."""

    dates: tuple[dt.date, ...] = ()
    every: bool = False

    def __or__(self, other: "Due") -> "Due":
        return Due(tuple(sorted({*self.dates, *other.dates})), self.every or other.every)


def known(lake: Path) -> Due | None:
    """What the lake owes; None for a lake whose figures are of its rows. Raises LakeError for a broken file."""
    found = state.read_json(lake, "due")
    if not found:
        return None
    try:
        return Due(tuple(dt.date.fromisoformat(date) for date in found["dates"]), bool(found["every"]))
    except (KeyError, TypeError, ValueError):
        raise LakeError(f"{state.json_file(lake, 'due')}: not readable; remove it, and run rescore") from None


def write(lake: Path, run_id: str, owes: Due | None) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """For a commit: (temporary, final) pairs and files to delete. None: all is paid."""
    final = state.json_file(lake, "due")
    if owes is None:
        return [], [final] if final.exists() else []
    whole = owes | (known(lake) or Due())
    value = {"dates": [date.isoformat() for date in whole.dates], "every": whole.every}
    return [(files.write_text(final, json.dumps(value) + "\n", run_id=run_id), final)], []
