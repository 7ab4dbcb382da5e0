"""The journey map: what happens at each touchpoint, in order, and which of them matter most.

A moment that matters is where many people meet something that goes with another outcome: its score is the touchpoint's
share of all responses times how far its mean outcome lies from that elsewhere. The interval is the effect's, taken
without its sign, so it starts at 0 where the effect may be none. An effect is association: who comes to support has
had trouble before.
"""

import math
from collections.abc import Sequence

import duckdb
import pandas as pd

from cx_nlp.intervals import Sums, mean_interval, share_interval
from cx_nlp.measures.contrasts import NOTHING, OUTCOMES, contrast
from cx_nlp.measures.relations import NONE, SCORE, literal


def journey(con: duckdb.DuckDBPyConnection, *, order: Sequence[str], min_n: int) -> pd.DataFrame:
    """A row for each touchpoint and outcome; columns of `journey` but for as_of and run_id. No customers, no rows.

    order: touchpoints as the journey goes; others follow by name, "(none)" is left out.
    """
    volumes = dict(con.execute("SELECT touchpoint, count(*) FROM answer WHERE role = 'customer' GROUP BY 1").fetchall())
    names = [name for name in order if name in volumes]
    names += sorted(name for name in volumes if name not in names and name != NONE)
    rows = []
    for position, name in enumerate(names, start=1):
        here = f"touchpoint = {literal(name)}"
        said = _said(con, here, min_n)
        share = volumes[name] / sum(volumes.values())
        for outcome in OUTCOMES:
            found = contrast(con, outcome, here)
            shown = found.n_with >= min_n
            value, effect = (found.mean(), found.effect()) if shown else (NOTHING, NOTHING)
            rows.append(
                {
                    "position": position, "touchpoint": name, "outcome": outcome, **said, "volume": volumes[name],
                    "volume_share": share, "n": found.n_with, "n_customers": found.customers_with,
                    **_triple("", value), **_triple("effect", effect), **_triple("moment", _moment(share, effect)),
                    "suppressed": not shown,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _moment(share: float, effect: tuple[float, float, float]) -> tuple[float, float, float]:
    value, low, high = effect
    if math.isnan(low):
        return share * abs(value), math.nan, math.nan
    least = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return share * abs(value), share * least, share * max(abs(low), abs(high))


def _said(con: duckdb.DuckDBPyConnection, here: str, min_n: int) -> dict[str, object]:
    """Sentiment, emotional share and the most frequent emotion of the touchpoint's scored comments."""
    where = f"role = 'customer' AND scored AND {here}"
    found: dict[str, object] = {}
    for name, x in (("sentiment", "sentiment"), ("emotional", "emotional::INT")):
        ((s, n, ss, sn, nn, customers),) = con.execute(f"""
            SELECT coalesce(sum(s), 0), coalesce(sum(n), 0), coalesce(sum(s * s), 0), coalesce(sum(s * n), 0),
                   coalesce(sum(n * n), 0), count(*)
            FROM (SELECT sum({x})::HUGEINT AS s, count({x})::HUGEINT AS n FROM piece
                  WHERE {where} AND {x} IS NOT NULL GROUP BY customer)
            """).fetchall()
        per = SCORE if name == "sentiment" else 1
        sums = Sums(float(s) / per, int(n), float(ss) / per**2, float(sn) / per, float(nn), customers)
        interval = mean_interval(sums, low=-1, high=1) if name == "sentiment" else share_interval(sums)
        found |= {"comments": int(n)} if name == "sentiment" else {}
        found |= _triple(name, interval if n >= min_n else NOTHING)
    top = con.execute(
        f"SELECT emotion FROM piece WHERE {where} AND emotion <> 'neutral' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    ).fetchall()
    return {**found, "emotion": top[0][0] if top and n >= min_n else None}


def _triple(name: str, interval: tuple[float, float, float]) -> dict[str, float]:
    if not name:
        return dict(zip(("value", "low", "high"), interval, strict=True))
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
