"""The files in which people say what they believe and what they did: `measures.beliefs`, `measures.actions`.

CSV, UTF-8, with a header. They are read and checked before a run touches the lake; what is wrong is one line with the file
and the line of it.
"""

import csv
import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cx_nlp.config import Config
from cx_nlp.errors import SourceError, UnknownName
from cx_nlp.measures.actions import Action, find_theme
from cx_nlp.measures.leading import Leaders
from cx_nlp.measures.perception import KNOWN, SCOPES, Belief

log = logging.getLogger("cx_nlp")
BELIEF_COLUMNS = ("statement", "measure", "scope", "as_of", "believed", "n_leaders")
ACTION_COLUMNS = ("action", "theme", "touchpoint", "owner", "started", "announced")


def check(config: Config) -> None:
    """Read both files and the alert rules once. Raises SourceError or UsageError, one line, for what cannot be read."""
    _read(config)
    config.alerts.all_rules()


def leaders(config: Config, owners: Mapping[str, str | None]) -> Leaders:
    """What measures need of people: both files, the alert rules, the themes' owners.

    owners: each known theme_id -> who acts on it. A theme of an action that is not among them is one warning.
    """
    beliefs, actions = _read(config)
    for one in actions:
        if find_theme(one.theme, list(owners)) is None:
            log.warning("action %r: the lake knows no theme %r", one.action, one.theme)
    listed = config.measures.close_the_loop
    return Leaders(
        beliefs=beliefs, actions=actions, rules=config.alerts.all_rules(), owners={k: v for k, v in owners.items() if v}, days=listed.days,
        leaving=listed.leaving, praise=listed.praise,
    )  # fmt: skip


def _read(config: Config) -> tuple[list[Belief], list[Action]]:
    files = config.measures
    return (
        [] if files.beliefs is None else read_beliefs(files.beliefs),
        [] if files.actions is None else read_actions(files.actions),
    )


def read_beliefs(path: Path) -> list[Belief]:
    """Lines of `statement, measure, scope, as_of, believed, n_leaders` -> beliefs in their order; scope and as_of optional.

    scope: key=value joined by ; with the keys of SCOPES, `theme` for theme_id. Customers are always meant, whether
    respondent_role=customer is written or not.
    """
    found: dict[tuple, Belief] = {}
    for place, row in _rows(path, BELIEF_COLUMNS, needed=("statement", "measure", "believed", "n_leaders")):
        name = row["measure"]
        if name not in KNOWN:
            raise UnknownName("measure", name, KNOWN, where=place)
        low, high = KNOWN[name][1].low, KNOWN[name][1].high
        try:
            believed, n_leaders = float(row["believed"]), int(row["n_leaders"])
        except ValueError:
            raise SourceError(f"{place}: believed and n_leaders must be numbers") from None
        if not low <= believed <= high or n_leaders < 1:
            raise SourceError(
                f"{place}: believed is {believed:g}, n_leaders {n_leaders}; expected {low:g} to {high:g} and 1 or more"
            )
        scope = _scope(place, row.get("scope", ""))
        belief = Belief(row["statement"], name, believed, n_leaders, scope, _day(place, row, "as_of"))
        key = (belief.statement, name, tuple(sorted(scope.items())), belief.as_of)
        if key in found:
            raise SourceError(f"{place}: statement, measure, scope and as_of as in a line above, expected once")
        found[key] = belief
    return list(found.values())


def read_actions(path: Path) -> list[Action]:
    """Lines of `action, theme, touchpoint, owner, started, announced` -> actions in their order.

    action, theme and started are needed; without a touchpoint the action is about all of them.
    """
    found: dict[tuple, Action] = {}
    for place, row in _rows(path, ACTION_COLUMNS, needed=("action", "theme", "started")):
        started = _day(place, row, "started")
        if started is None:
            raise SourceError(f"{place}: started is empty, expected a date (YYYY-MM-DD)")
        one = Action(
            row["action"], row["theme"], started, row.get("touchpoint") or None, row.get("owner") or None,
            _day(place, row, "announced"),
        )  # fmt: skip
        key = (one.action, one.theme, one.touchpoint, started)
        if key in found:
            raise SourceError(f"{place}: action, theme, touchpoint and started as in a line above, expected once")
        found[key] = one
    return list(found.values())


def _rows(path: Path, known: Sequence[str], *, needed: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """(file and line, cells by column, stripped); lines without any cell are passed over."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            for name in header:
                if name not in known:
                    raise UnknownName("column", name, known, where=str(path))
            missing = [name for name in needed if name not in header]
            if missing or len(set(header)) < len(header):
                raise SourceError(
                    f"{path}: expected the columns {', '.join(known)}, each once; got {', '.join(header)}"
                )
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                place = f"{path} line {reader.line_num}"
                if len(cells) != len(header):
                    raise SourceError(f"{place}: {len(cells)} cells, expected {len(header)}")
                row = {name: " ".join(cell.split()) for name, cell in zip(header, cells, strict=True)}
                empty = [name for name in needed if not row[name]]
                if empty:
                    raise SourceError(f"{place}: {empty[0]} is empty")
                yield place, row
    except FileNotFoundError:
        raise SourceError(f"no file {path}") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not readable as UTF-8 CSV: {type(error).__name__}") from None


def _scope(place: str, text: str) -> dict[str, str]:
    found: dict[str, Any] = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        key, equals, value = (side.strip() for side in part.partition("="))
        if not equals or not value:
            raise SourceError(f"{place}: scope holds {part!r}, expected key=value joined by ;")
        if key == "respondent_role":
            if value != "customer":
                raise SourceError(
                    f"{place}: scope says respondent_role={value}; beliefs are set beside what customers say"
                )
            continue
        key = "theme_id" if key == "theme" else key
        if key not in SCOPES:
            raise UnknownName("key of a scope", key, (*SCOPES, "theme", "respondent_role"), where=place)
        found[key] = value
    return found


def _day(place: str, row: dict[str, str], name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(row[name]) if row.get(name) else None
    except ValueError:
        raise SourceError(f"{place}: {name} is not a date (YYYY-MM-DD)") from None
