"""The passives' lens: what sets those who rate 7 or 8 apart, which way they lean, and how text and rating cross.

Customers count once in each group, however often they answer.
"""

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Sums, share_interval
from cx_nlp.measures.contrasts import NOTHING
from cx_nlp.measures.statistics import false_discovery, log_odds, two_sided

MIN_TERM = 5  # customers that name a term before it is tested: a test that cannot succeed costs the others power
KINDS = {
    "theme": "SELECT nr, theme_id AS term FROM answer_theme",
    "complaint": "SELECT nr, theme_id AS term FROM answer_theme WHERE complaint",
    "emotion": "SELECT nr, emotion AS term FROM answer WHERE emotion IS NOT NULL",
}
LEANS = {"up": "positive", "down": "negative", "mixed": "mixed", "neutral": "neutral"}
_GROUP = "CASE WHEN nps >= 9 THEN 'promoter' WHEN nps >= 7 THEN 'passive' WHEN nps IS NOT NULL THEN 'detractor' END"
RATED = f"(SELECT *, {_GROUP} AS grp FROM answer WHERE role = 'customer' AND said IS NOT NULL AND nps IS NOT NULL)"


def passives(con: duckdb.DuckDBPyConnection, *, min_n: int) -> pd.DataFrame:
    """Columns of `passives` but for as_of and run_id; only of customers whose text was scored. None, no rows."""
    sizes = dict(con.execute(f"SELECT grp, count(DISTINCT customer) FROM {RATED} GROUP BY 1").fetchall())
    rows = [
        row
        for kind in KINDS
        for against in ("promoter", "detractor")
        for row in _apart(con, kind, against, sizes, min_n)
    ]
    return pd.DataFrame([*rows, *_leans(con, sizes, min_n)])


def _apart(
    con: duckdb.DuckDBPyConnection, kind: str, against: str, sizes: dict[str, int], min_n: int
) -> Iterator[dict[str, object]]:
    n, n_against = sizes.get("passive", 0), sizes.get(against, 0)
    found = con.execute(f"""
        SELECT term, count(DISTINCT customer) FILTER (grp = 'passive') AS here,
               count(DISTINCT customer) FILTER (grp = '{against}') AS there
        FROM {RATED} JOIN ({KINDS[kind]}) USING (nr) GROUP BY term HAVING here + there >= {MIN_TERM} ORDER BY term
        """).df()
    shown = min(n, n_against) >= min_n
    delta, z = log_odds(found["here"].to_numpy(), n, found["there"].to_numpy(), n_against)
    q = false_discovery(two_sided(z))
    for i, (term, here, there) in enumerate(found.itertuples(index=False)):
        share = share_interval(Sums(here, n, here, here, n, n)) if shown else NOTHING
        yield {
            "kind": kind, "term": term, "against": against, "n": n, "n_against": n_against, "n_term": here,
            "n_term_against": there, "value": share[0], "low": share[1], "high": share[2],
            "share_against": there / n_against if shown else np.nan, "log_odds": delta[i] if shown else np.nan,
            "z": z[i] if shown else np.nan, "q": q[i] if shown else np.nan, "suppressed": not shown,
        }  # fmt: skip


def _leans(con: duckdb.DuckDBPyConnection, sizes: dict[str, int], min_n: int) -> Iterator[dict[str, object]]:
    """Of the passives' responses with a text: how many say good, bad, both or neither."""
    rated = f"(SELECT * FROM {RATED} WHERE grp = 'passive')"
    n = sizes.get("passive", 0)
    for lean, said in LEANS.items() if n else ():
        ((s, rows, ss, sn, nn),) = con.execute(f"""
            SELECT sum(s), sum(n), sum(s * s), sum(s * n), sum(n * n) FROM (
                SELECT count(*) FILTER (said = '{said}') AS s, count(*) AS n FROM {rated} GROUP BY customer)""").fetchall()
        value = share_interval(Sums(s, int(rows), ss, sn, nn, n)) if n >= min_n else NOTHING
        named = con.execute(f"SELECT count(DISTINCT customer) FROM {rated} WHERE said = '{said}'").fetchall()[0][0]
        yield {
            "kind": "lean", "term": lean, "n": n, "n_term": named, "value": value[0], "low": value[1],
            "high": value[2], "suppressed": n < min_n,
        }  # fmt: skip


def crossings(con: duckdb.DuckDBPyConnection, *, min_n: int) -> pd.DataFrame:
    """What is said by how it is rated, each response of a customer once: columns of `crossings` but for as_of, run_id.

    "none": no scored text, or no rating on the scale of NPS. All cells that occur have a row; shares are suppressed
    where their base has fewer than min_n responses. The three bases are all responses, those of the same nps_group and
    those with the same text.
    """
    cells = con.execute(f"""
        SELECT said, grp, sum(s) AS s, count(*) AS customers, sum(s * s) AS ss, sum(s * t) AS sn,
               sum(s * t_grp) AS sn_grp, sum(s * t_said) AS sn_said
        FROM (SELECT *, sum(s) OVER (PARTITION BY customer) AS t, sum(s) OVER (PARTITION BY customer, grp) AS t_grp,
                     sum(s) OVER (PARTITION BY customer, said) AS t_said FROM ({_CELLS}))
        GROUP BY said, grp ORDER BY said, grp""").fetchall()
    bases = {
        (by, name): values
        for by in ("'all'", "grp", "said")
        for name, *values in con.execute(f"""
            SELECT key, sum(t), sum(t * t), count(*) FROM (
                SELECT {by} AS key, customer, sum(s) AS t FROM ({_CELLS}) GROUP BY ALL) GROUP BY key""").fetchall()
    }
    rows = []
    for said, grp, s, customers, ss, *products in cells:
        row = {"text": said, "nps_group": grp, "n": int(s), "n_customers": customers, "suppressed": True}
        of = (
            ("'all'", "all", ("value", "low", "high")),
            ("grp", grp, _ends("group_share")),
            ("said", said, _ends("text_share")),
        )
        for (by, name, columns), product in zip(of, products, strict=True):
            total, squares, people = bases[by, name]
            shown = total >= min_n
            sums = Sums(float(s), int(total), float(ss), float(product), float(squares), people)
            row |= dict(zip(columns, share_interval(sums) if shown else NOTHING, strict=True))
            row["suppressed"] = row["suppressed"] and not shown
        rows.append(row)
    return pd.DataFrame(rows)


_CELLS = f"""SELECT customer, coalesce(said, 'none') AS said, coalesce({_GROUP}, 'none') AS grp, count(*) AS s
             FROM answer WHERE role = 'customer' GROUP BY ALL"""


def _ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"
