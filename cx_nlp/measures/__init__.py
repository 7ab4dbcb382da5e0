"""The measures that leaders need, from the lake's feedback and theme mentions: tables from tables, nothing else known.

rates      `measures`: NPS, CSAT, CES, ratings, sentiment and emotions by period and split
emotional  `emotional`: which part of feedback is emotional, raw and corrected for the classifier's errors
passives   `passives`, `crossings`: who sits on the fence, and how text and rating cross
fence      `leans`, `conversions`: which passives lean up or down, and what would convert them
drivers    `drivers`: which themes go with the outcome
journey    `journey`: the touchpoints in order, and the moments that matter
paths      `paths`: what the same customers say next
emotions   `emotion_outcomes`, `explained`: which emotions go with the outcome, and how much they explain
emerging   `emerging`: which themes more customers name than in the weeks before (in `cx_nlp.themes`)
weighting  `weighted`: those who comment against all who rated, customers against their known shares
advocates  `advocates`: who promotes and says so in words worth quoting
outcomes   `outcomes`: what customers did after what they had said
loops      `loops`: what was answered, how soon, and what the same customers say next
perception `perception`: what leaders believe beside what customers and employees say
frontline  `frontline`: what employees say that customers do not, and who saw it first
changes    `changes`: since last night, last week and over half a year; `alerts`: those that meet a rule
actions    `action_effects`: whether what was done shows
close_the_loop  `close_the_loop`: what needs an answer today
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from cx_nlp import schema

if TYPE_CHECKING:
    from cx_nlp.measures.leading import Leaders

SEED = 20260101  # of the resampling: the same lake gives the same bytes
DECIMALS = 9  # beyond lies what the order of additions does to a sum


def tables(
    con: duckdb.DuckDBPyConnection,
    feedback: str,
    mentions: str,
    parents: Mapping[str, str | None],
    *,
    run_id: str,
    min_n: int = 20,
    days: int = 92,
    weeks: int = 53,
    order: Sequence[str] = (),
    known_shares: Mapping[str, Mapping[str, float]] | None = None,
    confusions: Mapping[str, np.ndarray] | None = None,
    most_advocates: int = 500,
    outcome_rows: pa.Table | None = None,
    loop_rows: pa.Table | None = None,
    owners: Mapping[str, str] | None = None,
    leaders: "Leaders | None" = None,
) -> tuple[dt.date | None, Iterator[tuple[str, Iterator[pa.RecordBatch]]]]:
    """All measure tables of a lake -> its latest feedback_date, and each table's name and rows in the order of its key,
    made as they are asked for, so that not all have to be held.

    feedback, mentions: SQL to stand after FROM. parents: theme_id -> the theme above. order: of touchpoints. confusions: the known
    errors of classifiers, see `emotional`. outcome_rows, loop_rows: see `cx_nlp.outcome_files`; None without a file.
    owners: theme_id -> who acts on it. leaders: their beliefs, actions and alert rules. A lake without feedback gives
    None and no tables; a table can be empty. The connection keeps the tables of `relations`.
    """
    from cx_nlp.measures import (
        advocates,
        drivers,
        emotional,
        emotions,
        fence,
        journey,
        leading,
        loops,
        outcomes,
        passives,
        rates,
        relations,
        weighting,
    )
    from cx_nlp.measures import paths as steps
    from cx_nlp.outcome_files import personas
    from cx_nlp.themes import emerging

    of = None if outcome_rows is None else personas(outcome_rows)
    relations.load(con, feedback=feedback, mentions=mentions, parents=parents, personas=of)
    as_of = con.execute("SELECT max(day) FROM piece").fetchall()[0][0]
    if as_of is None:
        return None, iter(())
    makers: dict[str, Callable[[], pd.DataFrame | Iterator[pd.DataFrame]]] = {
        "measures": lambda: rates.measures(con, as_of, min_n=min_n, days=days, weeks=weeks, confusions=confusions),
        "emotional": lambda: emotional.emotional(con, confusions=confusions or {}, min_n=min_n),
        "passives": lambda: passives.passives(con, min_n=min_n),
        "crossings": lambda: passives.crossings(con, min_n=min_n),
        "leans": lambda: fence.leans(con, min_n=min_n),
        "conversions": lambda: fence.conversions(con, min_n=min_n),
        "drivers": lambda: drivers.drivers(con, min_n=min_n, rng=np.random.default_rng(SEED)),
        "journey": lambda: journey.journey(con, order=order, min_n=min_n),
        "paths": lambda: steps.paths(con, min_n=min_n),
        "emotion_outcomes": lambda: emotions.emotion_outcomes(con, min_n=min_n),
        "explained": lambda: emotions.explained(con, min_n=min_n, rng=np.random.default_rng(SEED)),
        "emerging": lambda: emerging.emerging(con, as_of, min_n=min_n),
        "weighted": lambda: weighting.weighted(
            con, known_shares=known_shares or {}, min_n=min_n, rng=np.random.default_rng(SEED)
        ),
        "advocates": lambda: advocates.advocates(con, feedback=feedback, mentions=mentions, most=most_advocates),
        "outcomes": lambda: outcomes.outcomes(con, rows=outcome_rows, min_n=min_n),
        "loops": lambda: loops.loops(con, rows=loop_rows, owners=owners or {}, min_n=min_n),
        **leading.makers(
            con, as_of, leaders, feedback=feedback, mentions=mentions, parents=parents, min_n=min_n, loop_rows=loop_rows
        ),
    }
    return as_of, _made(makers, as_of=as_of, run_id=run_id)


def _made(
    makers: Mapping[str, Callable[[], pd.DataFrame | Iterator[pd.DataFrame]]], *, as_of: dt.date, run_id: str
) -> Iterator[tuple[str, Iterator[pa.RecordBatch]]]:
    def batches(name: str) -> Iterator[pa.RecordBatch]:
        rows = makers[name]()
        for part in [rows] if isinstance(rows, pd.DataFrame) else rows:
            yield from finish(name, part, as_of=as_of, run_id=run_id).to_batches()

    return ((name, batches(name)) for name in makers)


def finish(name: str, rows: pd.DataFrame, *, as_of: dt.date, run_id: str) -> pa.Table:
    """Rows of a maker as the table of the schema: with as_of, run_id and role, sorted by key, NaN as null."""
    to = schema.TABLES[name]
    rows = rows.reindex(columns=to.names)
    rows["as_of"], rows["run_id"] = as_of, run_id
    if name != "measures":
        if "respondent_role" in to.names:
            rows["respondent_role"] = "customer"
        rows = rows.sort_values(list(schema.KEYS[name]), kind="stable")
    arrays = []
    for field in to:
        column = rows[field.name]
        if column.isna().all():  # pandas has made it a column of floats
            arrays.append(pa.nulls(len(column), field.type))
        elif pa.types.is_floating(field.type):
            arrays.append(pa.array(column.astype(float).round(DECIMALS) + 0.0, field.type, from_pandas=True))
        else:
            arrays.append(pa.array(column, field.type, from_pandas=True))
    return pa.Table.from_arrays(arrays, schema=to)
