"""Did what we did show? For each action its theme before and after, against untouched themes over the same time.

Difference in differences (Card & Krueger 1994; Angrist & Pischke 2009, Mostly Harmless Econometrics, ch. 5): the change
of the theme's share of the touchpoint's responses with a text, less the mean change of the shares of its controls. A
response's part in it is 1 for naming the theme, less the share of the controls that it names; the effect is that
figure's mean after less its mean before, so its error over customers (`differences`) allows for all that goes together
within a response, and equals that of a regression with clustered errors. Controls are the themes of the same touchpoint
that no action aims at. The same figure within the time before, second half less first, is the check that theme and
controls went alike until then. What people name is a matter of choice: where one theme falls, others may rise a little.

An action is meant to make its theme less of a trouble: `complaints` (the theme with a negative mention) and `mentions`
(named at all) are both judged by whether they fell.
"""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd

from cx_nlp.measures import differences
from cx_nlp.measures.changes import HALF_YEAR, responses
from cx_nlp.measures.relations import literal

MEASURES = ("complaints", "mentions")
MAX_CONTROLS = 30  # the most frequent ones
MIN_TERM = 5  # responses that name a control
SHOWS, NOT_YET, WORSE, TOO_FEW = "shows", "does_not_show_yet", "got_worse", "too_few"


@dataclass(frozen=True)
class Action:
    """touchpoint None: all of them; started: the first day of `after`."""

    action: str
    theme: str
    started: dt.date
    touchpoint: str | None = None
    owner: str | None = None
    announced: dt.date | None = None


def find_theme(name: str, known: Sequence[str]) -> str | None:
    """The theme_id that a file means: itself, or the one <taxonomy>/<slug> whose slug it is, - and _ alike; else None."""
    if name in known:
        return name
    slug = name.replace("-", "_").lower()
    found = [theme_id for theme_id in known if theme_id.partition("/")[2].replace("-", "_").lower() == slug]
    return found[0] if len(found) == 1 else None


def action_effects(
    con: duckdb.DuckDBPyConnection, actions: Sequence[Action], *, parents: Mapping[str, str | None], min_n: int
) -> pd.DataFrame:
    """Columns of `action_effects` but for as_of and run_id, a row for each action and measure; con: after `relations.load`.

    parents: theme_id -> the theme above. What cannot be told has a `reason`: unknown_theme, few_before, few_after or
    no_controls.
    """
    named = [name for (name,) in con.execute("SELECT DISTINCT theme_id FROM piece_theme ORDER BY 1").fetchall()]
    known = sorted({*parents, *named})
    themes = {one: find_theme(one.theme, known) for one in actions}
    touched = {theme for theme in themes.values() if theme}
    return pd.DataFrame([row for one in actions for row in _rows(con, one, themes[one], touched, parents, min_n)])


def _rows(
    con: duckdb.DuckDBPyConnection,
    action: Action,
    theme_id: str | None,
    touched: set[str],
    parents: Mapping[str, str | None],
    min_n: int,
) -> Iterator[dict[str, object]]:
    told = {
        "action": action.action, "theme": action.theme, "theme_id": theme_id, "touchpoint": action.touchpoint or "(all)",
        "owner": action.owner, "started": action.started, "announced": action.announced,
    }  # fmt: skip
    if theme_id is None:
        for name in MEASURES:
            yield told | {
                "measure": name, "n": 0, "n_before": 0, "n_customers": 0, "verdict": TOO_FEW, "reason": "unknown_theme",
                "suppressed": True,
            }  # fmt: skip
        return
    controls = _load(con, action, theme_id, touched, parents)
    noticed = _noticed(con, action, theme_id, min_n)
    for name in MEASURES:
        yield told | noticed | {"measure": name, "n_controls": len(controls)} | _effect(con, name, len(controls), min_n)


def _load(
    con: duckdb.DuckDBPyConnection,
    action: Action,
    theme_id: str,
    touched: set[str],
    parents: Mapping[str, str | None],
) -> list[str]:
    """Create the table `acted`, a row a response: what it names of the theme and its controls; -> the controls."""
    first, last = (action.started + dt.timedelta(days) for days in (-HALF_YEAR, HALF_YEAR - 1))
    here = f"AND touchpoint = {literal(action.touchpoint)}" if action.touchpoint else ""
    pieces = f"""(SELECT *, day >= DATE '{action.started}' AS is_now FROM piece
                  WHERE role = 'customer' AND day BETWEEN DATE '{first}' AND DATE '{last}' {here})"""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE acted_on AS
        SELECT u.*, (SELECT min(day) FROM piece AS p WHERE p.source = u.source AND p.response_id = u.response_id) AS day
        FROM {responses(pieces, [])} AS u""")
    found = con.execute(
        """SELECT theme_id, count(DISTINCT (source, response_id)) AS n FROM piece_theme
           SEMI JOIN acted_on USING (source, response_id) GROUP BY 1 HAVING n >= ? ORDER BY n DESC, 1""",
        [MIN_TERM],
    ).fetchall()
    controls = untouched([name for name, _ in found], {*touched, theme_id}, parents)[:MAX_CONTROLS]
    listed = ", ".join(literal(name) for name in controls) or "NULL"
    theme, control = f"theme_id = {literal(theme_id)}", f"theme_id IN ({listed})"
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE acted AS
        SELECT u.*, coalesce(y_mentions, 0) AS y_mentions, coalesce(c_mentions, 0) AS c_mentions,
               coalesce(y_complaints, 0) AS y_complaints, coalesce(c_complaints, 0) AS c_complaints
        FROM acted_on AS u LEFT JOIN (
            SELECT source, response_id, max(({theme})::INT) AS y_mentions, max(({theme} AND complaint)::INT) AS y_complaints,
                   count(DISTINCT theme_id) FILTER ({control}) AS c_mentions,
                   count(DISTINCT theme_id) FILTER ({control} AND complaint) AS c_complaints
            FROM piece_theme GROUP BY source, response_id) AS t USING (source, response_id)""")
    return controls


def untouched(named: Sequence[str], touched: set[str], parents: Mapping[str, str | None]) -> list[str]:
    """Themes, in the order given, that no touched theme is or lies above or below, and that lie above none of the others."""

    def above(theme: str) -> set[str]:
        found: set[str] = set()
        parent = parents.get(theme)
        while parent is not None and parent not in found:
            found.add(parent)
            parent = parents.get(parent)
        return found

    inner = {parent for theme in named for parent in above(theme)}
    near = touched | {parent for theme in touched for parent in above(theme)}
    return [name for name in named if name not in near and name not in inner and not above(name) & touched]


def _effect(con: duckdb.DuckDBPyConnection, name: str, controls: int, min_n: int) -> dict[str, object]:
    of_theme = differences.compare(
        differences.of_values(con, "acted", x=f"y_{name}"), is_share=True, min_n=min_n
    ).iloc[0]  # fmt: skip
    row: dict[str, object] = {
        "value": of_theme["value"], "low": of_theme["low"], "high": of_theme["high"], "before": of_theme["before"],
        "before_low": of_theme["before_low"], "before_high": of_theme["before_high"], "n": of_theme["n"],
        "n_before": of_theme["n_before"], "n_customers": of_theme["n_customers"], "suppressed": bool(of_theme["suppressed"]),
    }  # fmt: skip
    few = "few_before" if of_theme["n_before"] < min_n else "few_after" if of_theme["n"] < min_n else None
    if few or not controls:
        return row | {"verdict": TOO_FEW, "reason": few or "no_controls"}
    gap: dict[str, Any] = {"per": float(controls), "low": -1.0, "high": 1.0, "min_n": min_n}
    against = differences.compare(differences.of_values(con, "acted", x=f"c_{name}"), **gap).iloc[0]
    x = f"{controls} * y_{name} - c_{name}"
    effect = differences.compare(differences.of_values(con, "acted", x=x), **gap).iloc[0]
    halves = """(SELECT customer, y_{0}, c_{0}, day >= middle AS is_now FROM acted, (
        SELECT min(day) + ((max(day) - min(day) + 1) // 2)::INT AS middle FROM acted WHERE NOT is_now) WHERE NOT acted.is_now)"""
    earlier = differences.compare(differences.of_values(con, halves.format(name), x=x), **gap).iloc[0]
    return row | {
        "controls": against["value"], "controls_before": against["before"],
        **_triple("effect", effect), "p": effect["p"], **_triple("pretrend", earlier),
        "is_parallel": None if math.isnan(earlier["difference_low"])
        else bool(earlier["difference_low"] <= 0 <= earlier["difference_high"]),
        "verdict": verdict(effect["difference_low"], effect["difference_high"]), "reason": None,
    }  # fmt: skip


def _triple(name: str, of: pd.Series) -> dict[str, float]:
    return {name: of["difference"], f"{name}_low": of["difference_low"], f"{name}_high": of["difference_high"]}


def verdict(low: float, high: float) -> str:
    """Of an effect's interval: shows if all of it is below 0, got_worse if all is above; NaN: too_few."""
    if math.isnan(low):
        return TOO_FEW
    return SHOWS if high < 0 else WORSE if low > 0 else NOT_YET


def _noticed(con: duckdb.DuckDBPyConnection, action: Action, theme_id: str, min_n: int) -> dict[str, object]:
    """How customers speak of the theme before and after: texts that name it, negative and positive shares, top emotion."""
    row: dict[str, object] = {}
    for end, is_now in (("", True), ("_before", False)):
        ((n, negative, positive),) = con.execute(f"""
            SELECT count(*), avg((label = 'negative')::INT), avg((label = 'positive')::INT) FROM piece_theme
            SEMI JOIN (SELECT source, response_id FROM acted_on WHERE is_now = {is_now}) USING (source, response_id)
            WHERE theme_id = {literal(theme_id)} AND scored AND label IS NOT NULL""").fetchall()
        top = con.execute(f"""
            SELECT emotion FROM piece_theme
            SEMI JOIN (SELECT source, response_id FROM acted_on WHERE is_now = {is_now}) USING (source, response_id)
            WHERE theme_id = {literal(theme_id)} AND scored AND emotion <> 'neutral'
            GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1""").fetchall()
        shown = n >= min_n
        row |= {
            f"n_theme{end}": n, f"negative{end}": negative if shown else math.nan,
            f"positive{end}": positive if shown else math.nan, f"emotion{end}": top[0][0] if top and shown else None,
        }  # fmt: skip
    return row
