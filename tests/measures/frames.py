"""Feedback and mentions made by hand, or from a sample's truth, in a DuckDB connection as measures read them."""

import datetime as dt

import duckdb
import pandas as pd
import pyarrow as pa

from cx_nlp import measures, schema
from cx_nlp.sample import reader
from cx_nlp.schema import nps_group

DAY = dt.date(2026, 3, 2)  # a Monday
RUN = "r1"


def feedback(rows: list[dict] | pd.DataFrame) -> pa.Table:
    """Rows with whatever columns matter; the rest is filled as for a scored, neutral comment of a customer."""
    frame = pd.DataFrame(rows).reset_index(drop=True)
    ids = pd.Series([f"f{i:07}" for i in range(len(frame))], dtype=object)
    fill = {
        "source": "survey", "feedback_id": ids, "row_hash": "h", "is_response_head": True,
        "feedback_date": DAY, "submitted_at": pd.Timestamp("2026-03-02", tz="UTC"), "respondent_role": "customer",
        "weight": 1.0, "score_status": "scored", "text": "x", "issues": "", "attributes": "{}", "clean_version": "c",
        "run_id": RUN, "sentiment_label": "neutral", "sentiment_score": 0.0, "is_mixed": False, "is_emotional": False,
        "primary_emotion": "neutral", "emotional_intensity": 0.0, "model_version": "m1",
    }  # fmt: skip
    for name, value in fill.items():
        if name not in frame:
            frame[name] = value
    if "response_id" not in frame:
        frame["response_id"] = frame["feedback_id"]
    if "nps" in frame:
        frame["nps_group"] = [nps_group(None if pd.isna(value) else int(value)) for value in frame["nps"]]
    arrays = [
        pa.array(frame[f.name] if f.name in frame else [None] * len(frame), f.type, from_pandas=True)
        for f in schema.FEEDBACK
    ]
    return pa.Table.from_arrays(arrays, schema=schema.FEEDBACK)


def mentions(rows: list[dict] | pd.DataFrame) -> pa.Table:
    """Rows with feedback_id and theme_id at least; neutral unless told."""
    frame = pd.DataFrame(rows).reset_index(drop=True)
    fill = {
        "source": "survey", "feedback_date": DAY, "mention_id": 0, "is_negated": False, "method": "pattern",
        "run_id": RUN, "sentiment_label": "neutral", "sentiment_score": 0.0, "p_negative": 0.0, "p_neutral": 1.0,
        "p_positive": 0.0, "primary_emotion": "neutral", "themes_version": "t1",
    }  # fmt: skip
    for name, value in fill.items():
        frame[name] = frame[name].where(frame[name].notna(), value) if name in frame else value
    to = schema.THEME_MENTIONS
    arrays = [pa.array(frame[f.name] if f.name in frame else [None] * len(frame), f.type, from_pandas=True) for f in to]
    return pa.Table.from_arrays(arrays, schema=to)


def connect(said: pa.Table, named: pa.Table | None = None) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    con.register("in_feedback", said)
    con.register("in_mentions", schema.THEME_MENTIONS.empty_table() if named is None else named)
    return con


def load(said: pa.Table, named: pa.Table | None = None, *, parents=None) -> duckdb.DuckDBPyConnection:
    """A connection after `relations.load`."""
    from cx_nlp.measures import relations

    con = connect(said, named)
    relations.load(con, feedback="in_feedback", mentions="in_mentions", parents=parents or {})
    return con


def tables(said: pa.Table, named: pa.Table | None = None, *, parents=None, **options) -> dict[str, pd.DataFrame]:
    """All measure tables as frames, by name; `as_of` under "as_of"."""
    with connect(said, named) as con:
        as_of, found = measures.tables(
            con, feedback="in_feedback", mentions="in_mentions", parents=parents or {}, run_id=RUN, **options
        )
        return {"as_of": as_of} | {
            name: pa.Table.from_batches(rows, schema.TABLES[name]).to_pandas() for name, rows in found
        }


def rates_of(con: duckdb.DuckDBPyConnection, as_of: dt.date, **options) -> pd.DataFrame:
    """All parts of `rates.measures` as one frame; con: after `relations.load`."""
    from cx_nlp.measures import rates

    return pd.concat(rates.measures(con, as_of, **options), ignore_index=True)


def made(
    name: str, said: pa.Table, named: pa.Table | None = None, *, leaders=None, parents=None, min_n=1, loop_rows=None
) -> pd.DataFrame:
    """One of the tables of `measures.leading` as its maker gives it."""
    from cx_nlp.measures import leading

    with load(said, named, parents=parents) as con:
        as_of = con.execute("SELECT max(day) FROM piece").fetchall()[0][0]
        makers = leading.makers(
            con, as_of, leaders, feedback="in_feedback", mentions="in_mentions", parents=parents or {}, min_n=min_n,
            loop_rows=loop_rows,
        )  # fmt: skip
        return makers[name]()


def of_truth(truth: pd.DataFrame) -> tuple[pa.Table, pa.Table]:
    """A sample's truth -> feedback and mentions as a faultless model would leave them."""
    return reader.read(truth)
