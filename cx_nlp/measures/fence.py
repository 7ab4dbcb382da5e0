"""What to do about those on the fence: which passives lean up or down by their text, and what would convert them.

`leans` splits the passives by where they are met, who they are and what they speak of. `conversions` sets their
complaints against the promoters': a complaint that both share does not keep anybody from promoting. What is at stake is
an upper bound, and association: the NPS points that would come if all passives behind the gap became promoters.
"""

import math
from collections.abc import Iterator

import duckdb
import pandas as pd

from cx_nlp.intervals import Sums, share_interval, wilson
from cx_nlp.measures.contrasts import NOTHING
from cx_nlp.measures.passives import KINDS, LEANS, MIN_TERM, RATED
from cx_nlp.measures.relations import NONE
from cx_nlp.measures.statistics import false_discovery, two_sided

_PASSIVES = f"(SELECT * FROM {RATED} WHERE grp = 'passive')"
# Splits of the passives' responses: SQL that gives nr and term.
SPLITS = {
    "(all)": "SELECT nr, '(all)' AS term FROM answer",
    "touchpoint": f"SELECT nr, nullif(touchpoint, '{NONE}') AS term FROM answer",
    "segment": f"SELECT nr, nullif(segment, '{NONE}') AS term FROM answer",
    "theme": KINDS["theme"],
}


def leans(con: duckdb.DuckDBPyConnection, *, min_n: int) -> pd.DataFrame:
    """Columns of `leans` but for as_of and run_id: four rows a group that has passives with a scored text. None, no rows."""
    return pd.DataFrame([row for split in SPLITS for row in _leans(con, split, min_n)])


def _leans(con: duckdb.DuckDBPyConnection, split: str, min_n: int) -> Iterator[dict[str, object]]:
    counted = ", ".join(f"count(*) FILTER (said = '{said}') AS {lean}" for lean, said in LEANS.items())
    added = ", ".join(f"sum({lean}), sum({lean} * {lean}), sum({lean} * n)" for lean in LEANS)
    for term, n, nn, customers, *sums in con.execute(f"""
            SELECT term, sum(n), sum(n * n), count(*), {added} FROM (
                SELECT term, customer, count(*) AS n, {counted}
                FROM {_PASSIVES} JOIN ({SPLITS[split]}) USING (nr) WHERE term IS NOT NULL GROUP BY term, customer)
            GROUP BY term ORDER BY term""").fetchall():
        for at, lean in enumerate(LEANS):
            s, ss, sn = map(float, sums[3 * at : 3 * at + 3])
            shown = n >= min_n
            value = share_interval(Sums(s, int(n), ss, sn, float(nn), customers)) if shown else NOTHING
            yield {
                "split": split, "term": term, "lean": lean, "n": int(n), "n_customers": customers, "n_lean": int(s),
                "value": value[0], "low": value[1], "high": value[2], "suppressed": not shown,
            }  # fmt: skip


def conversions(con: duckdb.DuckDBPyConnection, *, min_n: int) -> pd.DataFrame:
    """Columns of `conversions` but for as_of and run_id: a row a theme that passives or promoters complain of.

    Customers count once in each group. The gap's interval is Newcombe's (1998, Statistics in Medicine 17, method 10),
    from Wilson's intervals of the two shares; a customer who is in both groups at different times makes it a little wide.
    """
    sizes = dict(con.execute(f"SELECT grp, count(DISTINCT customer) FROM {RATED} GROUP BY 1").fetchall())
    n, n_promoters = sizes.get("passive", 0), sizes.get("promoter", 0)
    ((raters, on_fence),) = con.execute(
        "SELECT count(*), count(*) FILTER (nps BETWEEN 7 AND 8) FROM answer WHERE role = 'customer' AND nps IS NOT NULL"
    ).fetchall()
    found = con.execute(f"""
        SELECT term, count(DISTINCT customer) FILTER (grp = 'passive') AS here,
               count(DISTINCT customer) FILTER (grp = 'promoter') AS there
        FROM {RATED} JOIN ({KINDS["complaint"]}) USING (nr) GROUP BY term HAVING here + there >= {MIN_TERM}
        ORDER BY term""").fetchall()
    shown = min(n, n_promoters) >= min_n
    rows = []
    for theme_id, here, there in found:
        share = share_interval(Sums(here, n, here, here, n, n)) if shown else NOTHING
        gap = newcombe(here, n, there, n_promoters) if shown else NOTHING
        points = 100 * on_fence / raters if raters else math.nan
        stake = tuple(points * max(end, 0.0) for end in gap) if shown else NOTHING
        rows.append(
            {
                "theme_id": theme_id, "n": n, "n_promoters": n_promoters, "n_theme": here, "value": share[0],
                "low": share[1], "high": share[2], "share_promoters": there / n_promoters if shown else math.nan,
                "gap": gap[0], "gap_low": gap[1], "gap_high": gap[2], "at_stake": stake[0], "at_stake_low": stake[1],
                "at_stake_high": stake[2], "z": _pooled(here, n, there, n_promoters) if shown else math.nan,
                "suppressed": not shown,
            }
        )  # fmt: skip
    out = pd.DataFrame(rows)
    if len(out):
        out["q"] = false_discovery(two_sided(out["z"].to_numpy(dtype=float)))
    return out


def newcombe(a: float, n: float, b: float, m: float) -> tuple[float, float, float]:
    """a of n less b of m, n and m > 0 -> difference of the shares, low, high (Newcombe 1998, method 10)."""
    p, q = a / n, b / m
    (p_low, p_high), (q_low, q_high) = wilson(p, n), wilson(q, m)
    return p - q, p - q - math.hypot(p - p_low, q_high - q), p - q + math.hypot(p_high - p, q - q_low)


def _pooled(a: float, n: float, b: float, m: float) -> float:
    """z of the difference of two shares under the hypothesis that they are one; NaN where nobody or everybody has it."""
    share = (a + b) / (n + m)
    variance = share * (1 - share) * (1 / n + 1 / m)
    return (a / n - b / m) / math.sqrt(variance) if variance > 0 else math.nan
