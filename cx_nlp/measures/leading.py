"""The tables of what leaders believe, what changed, what needs an answer and what was done: one maker each."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from cx_nlp.measures import close_the_loop
from cx_nlp.measures.actions import Action, action_effects
from cx_nlp.measures.alerts import Rule, alerts
from cx_nlp.measures.changes import changes
from cx_nlp.measures.frontline import frontline
from cx_nlp.measures.perception import Belief, perception

SEED = 20260101  # of the resampling: the same lake gives the same bytes


@dataclass(frozen=True)
class Leaders:
    """What people bring to the lake; owners: theme_id -> who acts on it; days, leaving, praise: of `close_the_loop`."""

    beliefs: Sequence[Belief] = ()
    actions: Sequence[Action] = ()
    rules: Sequence[Rule] = ()
    owners: Mapping[str, str | None] = field(default_factory=dict)
    days: int = close_the_loop.DAYS
    leaving: Sequence[str] = close_the_loop.LEAVING
    praise: Sequence[str] = close_the_loop.PRAISE


def makers(
    con: duckdb.DuckDBPyConnection,
    as_of: dt.date,
    leaders: Leaders | None,
    *,
    feedback: str,
    mentions: str,
    parents: Mapping[str, str | None],
    min_n: int,
    loop_rows: pa.Table | None = None,
) -> dict[str, Callable[[], pd.DataFrame]]:
    """table -> what makes its rows; con: after `relations.load`. loop_rows: what was answered, see `outcome_files.loops`."""
    of = leaders or Leaders()

    @lru_cache(maxsize=1)  # alerts speak of the very rows of changes
    def changed() -> pd.DataFrame:
        return changes(con, as_of, min_n=min_n)

    return {
        "perception": lambda: perception(con, of.beliefs, min_n=min_n),
        "frontline": lambda: frontline(con, min_n=min_n, rng=np.random.default_rng(SEED)),
        "changes": changed,
        "alerts": lambda: alerts(changed(), of.rules, owners=of.owners),
        "close_the_loop": lambda: close_the_loop.close_the_loop(
            con, as_of, feedback=feedback, mentions=mentions, owners=of.owners, answers=loop_rows, days=of.days,
            leaving=of.leaving, praise=of.praise,
        ),
        "action_effects": lambda: action_effects(con, of.actions, parents=parents, min_n=min_n),
    }  # fmt: skip
