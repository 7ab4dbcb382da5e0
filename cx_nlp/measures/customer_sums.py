"""Sums over customers, from which `measures` computes rates, means and their intervals: one query a period and split.

Each customer's sums first (whole numbers, exact as doubles), then sums of their products (exact as HUGEINT): that is
all that a cluster bootstrap's interval needs, see `intervals.Sums`.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd

from cx_nlp.measures.relations import SCORE, WEIGHT

Span = tuple[dt.date, dt.date]  # of starts: after the first, up to and with the second


@dataclass(frozen=True)
class Measure:
    """x: SQL over a row, a whole number; a value is its mean over `per`, in the range low..high."""

    x: str
    per: float = 1.0
    low: float = 0.0
    high: float = 1.0
    is_share: bool = False


def share(condition: str) -> Measure:
    return Measure(f"({condition})::INT", is_share=True)


# What has the same rows behind it: name -> which rows, which rows could have been, and the measures.
FAMILIES: dict[str, tuple[str, str, dict[str, Measure]]] = {
    "nps": (
        "head AND nps IS NOT NULL",
        "head",
        {
            "nps": Measure("CASE WHEN nps >= 9 THEN 1 WHEN nps <= 6 THEN -1 ELSE 0 END", 0.01, -100, 100),
            "promoters": share("nps >= 9"),
            "passives": share("nps BETWEEN 7 AND 8"),
            "detractors": share("nps <= 6"),
        },
    ),
    "csat": ("head AND csat IS NOT NULL", "head", {"csat": Measure("csat", 1, 1, 5), "csat_top_box": share("csat = 5")}),
    "ces": ("head AND ces IS NOT NULL", "head", {"ces": Measure("ces", 1, 1, 7), "ces_top_box": share("ces = 7")}),
    "rating": ("head AND rating IS NOT NULL", "head", {"rating": Measure("rating", WEIGHT, -math.inf, math.inf)}),
    "text": (
        "scored AND label IS NOT NULL",
        "true",
        {
            **{name: share(f"label = '{name}'") for name in ("negative", "neutral", "positive")},
            "mixed": share("mixed"),
            "sentiment": Measure("sentiment", SCORE, -1, 1),
        },
    ),
    # A checkpoint in place of one head may leave the other's columns unknown: unknown is not "no".
    "felt": (
        "scored AND emotion IS NOT NULL",
        "true",
        {"emotional": share("emotional"), "intensity": Measure("intensity", SCORE, 0, 1)},
    ),
}  # fmt: skip


def _groups(split: Sequence[str]) -> str:
    return "".join(f", {name}" for name in split)


def _rows(period: str, split: Sequence[str], span: Span | None, first: dt.date) -> str:
    """SQL of the rows of a period and split, with the period's start as `start`."""
    start = f"DATE '{first}'" if period == "all" else f"date_trunc('{period}', day)::DATE"
    table = "piece_theme" if "theme_id" in split else "piece"
    where = f"WHERE {start} > DATE '{span[0]}' AND {start} <= DATE '{span[1]}'" if span else ""
    return f"(SELECT *, {start} AS start FROM {table} {where})"


def group_sums(
    con: duckdb.DuckDBPyConnection, period: str, split: Sequence[str], span: Span | None, first: dt.date
) -> pd.DataFrame:
    """A row for each group: the sums over its customers that intervals need, for all families at once.

    First each customer's sums (whole numbers, exact as doubles), then sums of their products (exact as HUGEINT).
    """
    inner, outer = [], []

    def add(name: str, each: str, over: str) -> None:
        inner.append(f"{each} AS {name}")
        outer.append(f"{over} AS {name}")

    for name, each in (("responses", "count(*) FILTER (head)"), ("comments", "count(*) FILTER (has_text)"),
                       ("mentions", "sum(mentions)"), ("pieces", "count(*)")):  # fmt: skip
        add(name, f"({each})::DOUBLE", f"sum({name})")
    for name, where in (("version", "version IS NOT NULL"), ("themes_version", "themes_version IS NOT NULL")):
        for end in ("min", "max"):
            add(f"{name}_{end}", f"{end}({name}) FILTER ({where})", f"{end}({name}_{end})")
    for end in ("min", "max"):
        add(f"scale_{end}", f"{end}(scale) FILTER (head)", f"{end}(scale_{end})")
        add(f"reader_{end}", f"{end}(reader) FILTER (scored AND emotion IS NOT NULL)", f"{end}(reader_{end})")
    outer.append("count(*) AS people")
    for family, (where, _, members) in FAMILIES.items():
        weight = f"w_{family}"
        add(f"n_{family}", f"(count(*) FILTER ({where}))::DOUBLE", f"sum(n_{family})")
        add(weight, f"coalesce((sum(w) FILTER ({where}))::DOUBLE, 0)", f"sum({weight})")
        add(f"ww_{family}", f"coalesce((sum(w * w) FILTER ({where}))::DOUBLE, 0)", f"sum(ww_{family})")
        outer.append(f"count(*) FILTER (n_{family} > 0) AS c_{family}")
        outer.append(f"sum({weight}::HUGEINT * {weight}::HUGEINT) AS nn_{family}")
        for name, one in members.items():
            inner.append(f"coalesce((sum(w * ({one.x})) FILTER ({where}))::DOUBLE, 0) AS s_{name}")
            outer.append(f"sum(s_{name}) AS s_{name}")
            outer.append(f"sum(s_{name}::HUGEINT * s_{name}::HUGEINT) AS ss_{name}")
            outer.append(f"sum(s_{name}::HUGEINT * {weight}::HUGEINT) AS sn_{name}")
    keys = f"role, start{_groups(split)}"
    return con.execute(f"""
        SELECT {keys}, {", ".join(outer)} FROM (
            SELECT {keys}, customer, {", ".join(inner)} FROM {_rows(period, split, span, first)}
            GROUP BY {keys}, customer)
        GROUP BY {keys} ORDER BY {keys}""").df()


def emotion_sums(
    con: duckdb.DuckDBPyConnection, period: str, split: Sequence[str], span: Span | None, first: dt.date
) -> pd.DataFrame:
    """A row for each group and emotion that occurs in it: the sums s, ss, sn of `intervals.Sums`."""
    keys = f"role, start{_groups(split)}"
    return con.execute(f"""
        SELECT {keys}, emotion, sum(s) AS s, sum(s::HUGEINT * s::HUGEINT) AS ss,
               sum(s::HUGEINT * total::HUGEINT) AS sn
        FROM (SELECT *, sum(s) OVER (PARTITION BY {keys}, customer) AS total FROM (
                  SELECT {keys}, customer, emotion, sum(w)::DOUBLE AS s
                  FROM {_rows(period, split, span, first)}
                  WHERE scored AND emotion IS NOT NULL GROUP BY {keys}, customer, emotion))
        GROUP BY {keys}, emotion ORDER BY {keys}, emotion""").df()
