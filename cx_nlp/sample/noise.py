"""What makes exports tiresome: copies, edited versions, personal data, hostile text, values and dates that are none.

Each kind hits rows at random, whatever they say, so that no population value moves.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.sample.snippets import HOSTILE, PERSONAL, UNREADABLE
from cx_nlp.sample.style import pick
from cx_nlp.sample.text import story
from cx_nlp.sample.world import Draws
from cx_nlp.schema import Reason

MIN_ROWS = 300  # below this a sample is too small to be littered
_DAY = np.timedelta64(1, "D")
_DATES = {
    "date_unreadable": ("31/02/2026 10:15", "last week", "2026-13-01 09:00"),
    "date_in_future": ("2091-05-17 12:00:00", "2088-01-01 08:30:00"),  # whatever the clock says
}


@dataclass(frozen=True)
class Kind:
    """One kind of litter: in one source, at a rate a row, on rows of one sort (see `_SORTS`)."""

    source: str
    rate: float
    sort: str
    reason: Reason | None = None  # set: an extra row that is going to be rejected


_EXTRA_BROKEN = 0.0016
KINDS = {
    # Extra rows that are kept, or lose to another version of themselves.
    "duplicate_text": Kind("survey", 0.006, "comment"),
    "duplicate_text_review": Kind("reviews", 0.0025, "comment"),
    "exact_copy": Kind("survey", 0.004, "any"),
    "exact_copy_review": Kind("reviews", 0.0017, "any"),
    "edited": Kind("survey", 0.004, "english"),
    "edited_review": Kind("reviews", 0.0017, "english"),
    # Extra rows that are rejected.
    "too_few_fields": Kind("survey", _EXTRA_BROKEN, "any", Reason.UNPARSEABLE),
    "too_many_fields": Kind("survey", _EXTRA_BROKEN, "comment", Reason.UNPARSEABLE),
    "date_unreadable": Kind("survey", _EXTRA_BROKEN, "any", Reason.NO_DATE),
    "date_missing": Kind("survey", _EXTRA_BROKEN, "any", Reason.NO_DATE),
    "date_in_future": Kind("survey", _EXTRA_BROKEN, "any", Reason.DATE_IN_FUTURE),
    "empty": Kind("survey", _EXTRA_BROKEN, "any", Reason.NO_COMMENT_OR_RATING),
    "json_cut": Kind("reviews", _EXTRA_BROKEN, "comment", Reason.UNPARSEABLE),
    "json_list": Kind("reviews", 0.0008, "any", Reason.UNPARSEABLE),
    "date_in_future_review": Kind("reviews", 0.0008, "any", Reason.DATE_IN_FUTURE),
    "empty_note": Kind("voice", 0.0008, "any", Reason.NO_COMMENT_OR_RATING),
    # Rows that are kept with one value lost, or with a text that is hard to bear.
    "nps_11": Kind("survey", 0.0025, "nps"),
    "csat_none": Kind("survey", 0.0016, "csat"),
    "ces_0": Kind("survey", 0.0016, "ces"),
    "stars_none": Kind("reviews", 0.0016, "comment"),
    "consent_unclear": Kind("survey", 0.0016, "any"),
    "changed_at_unreadable": Kind("survey", 0.0016, "any"),
    "rating_conflict": Kind("survey", 0.0025, "second"),
    "personal": Kind("survey", 0.013, "english"),
    "personal_review": Kind("reviews", 0.0025, "english"),
    "hostile": Kind("survey", 0.008, "english"),
    "hostile_review": Kind("reviews", 0.004, "english"),
    "unreadable": Kind("survey", 0.005, "silent"),
    "long": Kind("survey", 0.006, "english"),
    "very_long": Kind("survey", 0.0, "english"),  # exactly one
}
_SORTS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "any": lambda rows: rows["part"] == 1,
    "comment": lambda rows: rows["text"].notna() & (rows["part"] == 1),
    "english": lambda rows: rows["text"].notna() & (rows["part"] == 1) & (rows["language"] == "en"),
    "silent": lambda rows: rows["text"].isna(),
    "second": lambda rows: (rows["part"] == 2) & rows["nps"].notna(),
    # What is lost must not leave the row without comment and rating.
    "nps": lambda rows: rows["nps"].notna() & rows["text"].notna() & ~rows["has_second"],
    "csat": lambda rows: rows["csat"].notna() & rows["text"].notna() & ~rows["has_second"],
    "ces": lambda rows: rows["ces"].notna() & rows["text"].notna() & ~rows["has_second"],
}


@dataclass
class Littered:
    """rows: all records, `noise` naming what was done to each; overrides: row label -> {exported column: raw value}."""

    rows: pd.DataFrame
    overrides: dict[int, dict[str, Any]] = field(default_factory=dict)


def plan(draws: Draws, *, rows: int, responses: int) -> list[tuple[str, int, int]]:
    """(kind, response to hit or the next fit one, number of the kind) in the order of responses; none for few rows."""
    if rows < MIN_ROWS:
        return []
    items = []
    for kind, entry in KINDS.items():
        for number, at in enumerate(draws.uniform(f"noise {kind}", max(1, round(entry.rate * rows)))):
            items.append((kind, int(at * responses), number))
    return sorted(items, key=lambda item: item[1])


def litter(rows: pd.DataFrame, items: list[tuple[str, int, int]], *, dice: random.Random, extra: int) -> Littered:
    """Do what is planned for this block. rows: as `pieces.expand` gives them; extra: first free response number."""
    out = Littered(rows)
    changed: dict[tuple[int, str], Any] = {}
    added: list[dict[str, Any]] = []
    fit = {
        (source, sort): np.flatnonzero((rows["source"] == source) & test(rows))
        for sort, test in _SORTS.items()
        for source in ("survey", "reviews", "voice")
    }
    chosen = list(_choose(items, fit, rows["number"].to_numpy()))
    last_day = int(rows["day"].max()) if len(rows) else 0
    records = rows.iloc[[label for _, label, _ in chosen]].to_dict("records")
    for (kind, label, number), row in zip(chosen, records, strict=True):
        row["noise"] = kind
        entry = KINDS[kind]
        name = kind.removesuffix("_review").removesuffix("_note")
        if entry.reason is not None or name in ("duplicate_text", "exact_copy", "edited"):
            added.append(row)
            at = len(rows) + len(added) - 1
            _extra(name, entry, row, out, changed, dice=dice, label=label, at=at, number=extra, last_day=last_day)
            if name not in ("exact_copy", "edited"):
                extra += 1
        else:
            changed |= _alter(name, row, out, dice=dice, label=label, number=number)
    if added:
        out.rows = pd.concat([rows, pd.DataFrame(added).astype(rows.dtypes)], ignore_index=True)
    by_column: dict[str, dict[int, Any]] = {}
    for (label, column), value in changed.items():
        by_column.setdefault(column, {})[label] = value
    for column, values in by_column.items():
        out.rows.loc[list(values), column] = list(values.values())
    return out


def _choose(items, fit: dict[tuple[str, str], np.ndarray], numbers: np.ndarray) -> Iterator[tuple[str, int, int]]:
    """(kind, label of the row to hit, number of the kind); a row is hit once, what finds no fit row is left out."""
    taken: set[int] = set()
    for kind, target, number in items:
        candidates = fit[KINDS[kind].source, KINDS[kind].sort]
        at = int(np.searchsorted(numbers[candidates], target))
        # The next fit rows, and those before them at the end of the block.
        near = [*candidates[at : at + 50].tolist(), *candidates[max(0, at - 50) : at][::-1].tolist()]
        label = next((label for label in near if label not in taken), None)
        if label is not None:
            taken.add(label)
            yield kind, label, number


def _extra(name, entry, row, out, changed, *, dice, label, at, number, last_day) -> None:
    """Turn `row`, a copy of the row `label`, into the extra record `at`."""
    row |= {"has_second": False}
    if name in ("exact_copy", "edited"):
        delay = 2 + int(dice.random() * 20)
        row["export_day"] = min(row["day"] + delay, last_day)
        if name == "exact_copy":
            row["outcome"] = "superseded"
            return
        changed[label, "outcome"] = "superseded"
        row["updated_at"] = row["at"] + (row["export_day"] - row["day"]) * _DAY + np.timedelta64(25, "m")
        row["text"] += pick(
            dice, (" Edit: typo.", " (edited to add: thanks for the quick reply)", " UPDATE: still the same.")
        )
        return
    row["number"] = number
    if entry.source != "voice":
        row["feedback_id"] = f"S-{number:07d}-1" if entry.source == "survey" else f"V-{number:07d}"
        row["response_id"] = f"R-{number:07d}" if entry.source == "survey" else None
    if name == "duplicate_text":
        # Another person with the same words: a form letter, a shared link, a default.
        at_once = row["at"] - np.timedelta64(30, "m")  # still the same day: nothing is said before seven
        row |= {"person": None, "shown_person": None, "at": at_once, "updated_at": at_once}
        return
    row |= {"outcome": "rejected", "reason": entry.reason.value}
    if name == "date_missing":
        out.overrides[at] = {"submitted": None}
    elif name in _DATES:
        out.overrides[at] = {"submitted": pick(dice, _DATES[name])}
    elif name == "empty":
        row |= {"text": None, "nps": np.nan, "csat": np.nan, "ces": np.nan, "rating": np.nan}
        row |= {"has_comment": False, "themes": "", "phrases": [], "tone": None, "emotion": None}


def _alter(name: str, row: dict[str, Any], out: Littered, *, dice, label: int, number: int) -> dict:
    """What becomes of the row `label`: {(label, column): value}."""
    changes: dict[str, Any] = {"noise": row["noise"]}
    lost = {"nps_11": ("nps", 11), "csat_none": ("csat", "9"), "ces_0": ("ces", 0), "stars_none": ("rating", 0)}
    if name in lost:
        column, value = lost[name]
        changes[column] = np.nan
        out.overrides[label] = {column: value}
    elif name == "consent_unclear":
        out.overrides[label] = {"may_quote": "maybe"}
    elif name == "changed_at_unreadable":
        out.overrides[label] = {"updated": "n/a"}
    elif name == "rating_conflict":
        # The first comment of the response goes out with another score; the later row, this one, stands.
        out.overrides[label - 1] = {"nps": row["nps"] + (1 if row["nps"] < 10 else -1)}
    elif name == "personal":
        changes["text"] = f"{row['text']} {PERSONAL[number % len(PERSONAL)]}"
    elif name == "hostile":
        template = HOSTILE[number % len(HOSTILE)]
        changes["text"] = template.format(text=row["text"]) if "{text}" in template else f"{row['text']} {template}"
    elif name == "unreadable":
        changes["text"] = UNREADABLE[number % len(UNREADABLE)]
    elif name == "long":
        changes["text"] = f"{story(dice, 120 + int(dice.random() * 250))} {row['text']}"
    elif name == "very_long":
        changes["text"] = f"{story(dice, 1000)} And now to the point. {row['text']}"
    return {(label, column): value for column, value in changes.items()}
