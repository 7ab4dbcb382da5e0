"""Responses of customers as numpy arrays, for what needs all of them at once: N responses, T themes."""

from dataclasses import dataclass

import duckdb
import numpy as np

from cx_nlp.measures.contrasts import OUTCOMES
from cx_nlp.measures.relations import SCORE, WEIGHT

RATING = "rating"  # on its own scale, which only a lake of one scale can compare
CUSTOMERS = 20_000  # a regression on more would say the same more slowly


@dataclass(frozen=True)
class Answers:
    """Responses that give an outcome and have a scored comment, in order of (source, response_id).

    y (N,) the outcome; customer (N,) int; themes: T names; named (N, T) whether each is named; sentiment (N, T) of the
    named ones in [-1, 1], else 0; emotion (N,) names, or "unknown" where no model read it.
    """

    y: np.ndarray
    customer: np.ndarray
    themes: tuple[str, ...]
    named: np.ndarray
    sentiment: np.ndarray
    emotion: np.ndarray


def answers(con: duckdb.DuckDBPyConnection, outcome: str, *, min_n: int, customers: int = CUSTOMERS) -> Answers:
    """outcome: one of OUTCOMES, or RATING: no response has it where their ratings are on several scales, for a mean over
    these means nothing. Themes are those that min_n of the customers or more name, by name.

    Of more than `customers` customers those with the smallest keys are taken, which is as good as by lot: a key is a
    hash.
    """
    x = _rated(con) if outcome == RATING else OUTCOMES[outcome][0]
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE chosen AS
        SELECT row_number() OVER (ORDER BY nr) - 1 AS row, nr, customer, {x} AS y, coalesce(emotion, 'unknown') AS emotion FROM answer
        WHERE role = 'customer' AND said IS NOT NULL AND {x} IS NOT NULL AND customer IN (
            SELECT DISTINCT customer FROM answer WHERE role = 'customer' AND said IS NOT NULL AND {x} IS NOT NULL
            ORDER BY customer LIMIT {customers})""")
    rows = con.execute("SELECT customer, y::DOUBLE AS y, emotion FROM chosen ORDER BY row").fetchnumpy()
    names = con.execute(f"""
        SELECT theme_id FROM answer_theme JOIN chosen USING (nr) GROUP BY 1
        HAVING count(DISTINCT customer) >= {min_n} ORDER BY 1""").fetchall()
    themes = tuple(name for (name,) in names)
    at = {name: column for column, name in enumerate(themes)}
    named, sentiment = np.zeros((len(rows["y"]), len(themes)), dtype=bool), np.zeros((len(rows["y"]), len(themes)))
    cells = con.execute("SELECT row, theme_id, sentiment FROM answer_theme JOIN chosen USING (nr)").fetchall()
    for row, theme_id, score in cells:
        if theme_id in at:
            named[row, at[theme_id]] = True
            sentiment[row, at[theme_id]] = (score or 0) / SCORE
    customer = np.unique(np.asarray(rows["customer"]), return_inverse=True)[1]
    return Answers(
        np.asarray(rows["y"], dtype=float), customer, themes, named, sentiment,
        np.asarray(rows["emotion"], dtype=object),
    )  # fmt: skip


def _rated(con: duckdb.DuckDBPyConnection) -> str:
    """SQL over `answer`: the rating as it was given, null where there are several scales."""
    ((scales,),) = con.execute("""
        SELECT count(DISTINCT scale) FROM answer
        WHERE role = 'customer' AND said IS NOT NULL AND rating IS NOT NULL""").fetchall()
    return f"rating / {WEIGHT}.0" if scales == 1 else "NULL"
