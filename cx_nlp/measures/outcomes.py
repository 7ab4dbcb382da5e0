"""What customers did after what they said: who stayed, spent and recommended, by what they had said before.

An outcome is a customer's at a date; what came before it is everything that this customer said since their last outcome
and before that date, so that each response precedes one outcome alone. Emotions, themes and complaints are those
of all these responses, the NPS group is the last one's. Association, not cause: who is about to leave may complain
because of it. Means and differences are those of `contrasts`, over customers.
"""

import math
from collections.abc import Iterator, Mapping

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from cx_nlp.intervals import Sums, share_interval
from cx_nlp.measures.contrasts import NOTHING, Contrast, contrast_of
from cx_nlp.measures.passives import MIN_TERM
from cx_nlp.measures.paths import GROUP
from cx_nlp.measures.statistics import false_discovery, two_sided

# Outcome: its range. Two are yes or no, and a mean of those is a share.
OUTCOMES = {"stayed": (0.0, 1.0), "spend": (-math.inf, math.inf), "recommended": (0.0, 1.0)}
GROUPS = ("passive", "promoter", "detractor")  # passives first
# What each kind of term is set against: outcomes of which it is known whether they have it.
KNOWN = {"nps_group": "has_nps", "emotion": "has_emotion", "theme": "has_text", "complaint": "has_text"}
_TERMS = f"""
    SELECT unit, 'nps_group' AS kind, arg_max({GROUP}, (moment, nr)) FILTER (nps IS NOT NULL) AS term
    FROM before JOIN answer USING (nr) GROUP BY unit
    UNION ALL SELECT DISTINCT unit, 'emotion', emotion FROM before JOIN answer USING (nr)
    UNION ALL SELECT DISTINCT unit, 'theme', theme_id FROM before JOIN answer_theme USING (nr)
    UNION ALL SELECT DISTINCT unit, 'complaint', theme_id FROM before JOIN answer_theme USING (nr) WHERE complaint"""


def outcomes(con: duckdb.DuckDBPyConnection, *, rows: pa.Table | None, min_n: int) -> pd.DataFrame:
    """Columns of `outcomes` but for as_of and run_id; con: after `relations.load`.

    rows: customer_key, as_of, stayed, spend, recommended (null where unknown), each customer and date once; None where
    there is no file. Where nothing can be said each outcome has the three NPS groups with n = 0 and the reason.
    """
    if rows is None:
        return pd.DataFrame([row for outcome in OUTCOMES for row in _nothing(outcome, "no_file")])
    units = _units(con, rows)
    terms = _terms(con, units["unit"].to_numpy())
    found: list[dict[str, object]] = []
    for outcome in OUTCOMES:
        empty = "no_column" if rows[outcome].null_count == len(rows) else "nobody_matched"
        some = list(_of(outcome, units, terms, min_n)) if units[outcome].notna().any() else []
        found += some or _nothing(outcome, empty)
    return pd.DataFrame(found)


def _units(con: duckdb.DuckDBPyConnection, rows: pa.Table) -> pd.DataFrame:
    """Outcomes that something came before, in order; leaves the temporary table `before` of their responses."""
    con.register("outcome_file", rows)
    con.execute("""
        CREATE OR REPLACE TEMP TABLE unit AS
        SELECT row_number() OVER (ORDER BY customer_key, as_of) AS unit, hash(customer_key) AS customer, as_of,
               stayed::DOUBLE AS stayed, spend::DOUBLE AS spend, recommended::DOUBLE AS recommended
        FROM outcome_file""")
    con.execute("""
        CREATE OR REPLACE TEMP TABLE before AS
        SELECT u.unit, a.nr FROM answer AS a
        ASOF JOIN unit AS u ON a.customer = u.customer AND a.day < u.as_of
        WHERE a.role = 'customer' AND a.known""")
    con.unregister("outcome_file")
    found = con.execute("""
        SELECT unit, any_value(u.customer) AS customer, any_value(stayed) AS stayed, any_value(spend) AS spend,
               any_value(recommended) AS recommended, bool_or(nps IS NOT NULL) AS has_nps,
               bool_or(emotion IS NOT NULL) AS has_emotion, bool_or(said IS NOT NULL) AS has_text
        FROM unit AS u JOIN before USING (unit) JOIN answer USING (nr) GROUP BY unit ORDER BY unit""").df()
    found["customer"] = np.unique(found["customer"].to_numpy(), return_inverse=True)[1]
    return found


def _terms(con: duckdb.DuckDBPyConnection, units: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """(kind, term) -> places in `units` that have it, in order; numbers instead of names, or many would not fit."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE had AS SELECT unit, kind, term FROM ({_TERMS}) WHERE term IS NOT NULL")
    names = con.execute("SELECT DISTINCT kind, term FROM had ORDER BY ALL").fetchall()
    found = con.execute("""
        SELECT unit, code FROM had JOIN (
            SELECT kind, term, row_number() OVER (ORDER BY kind, term) - 1 AS code FROM (SELECT DISTINCT kind, term FROM had))
          USING (kind, term) ORDER BY code, unit""").fetchnumpy()
    con.execute("DROP TABLE had")
    at = np.searchsorted(units, np.asarray(found["unit"]))
    ends = np.searchsorted(np.asarray(found["code"]), np.arange(len(names) + 1))
    return {name: at[ends[code] : ends[code + 1]] for code, name in enumerate(names)}


def _of(
    outcome: str, units: pd.DataFrame, terms: Mapping[tuple[str, str], np.ndarray], min_n: int
) -> Iterator[dict[str, object]]:
    y, customer = units[outcome].to_numpy(dtype=float), units["customer"].to_numpy()
    low, high = OUTCOMES[outcome]
    position = 0
    for kind, flag in KNOWN.items():
        by_term = {term: places for (of, term), places in terms.items() if of == kind}
        rows = units[flag].to_numpy(dtype=bool) & ~np.isnan(y)
        found: list[tuple[str, Contrast]] = []
        for term in GROUPS if kind == "nps_group" else by_term:
            has = np.zeros(len(y), dtype=bool)
            has[by_term.get(term, [])] = True
            one = contrast_of(y[rows], has[rows], customer[rows], low=low, high=high)
            if one.customers_with >= MIN_TERM or kind == "nps_group":
                found.append((term, one))
        apart = [_is_shown(one, min_n) and one.n - one.n_with >= min_n for _, one in found]
        z = np.array([one.z() if is_apart else math.nan for (_, one), is_apart in zip(found, apart, strict=True)])
        for (term, one), is_apart, q in zip(found, apart, false_discovery(two_sided(z)), strict=True):
            position += 1
            yield _row(outcome, position, kind, term, one, is_apart, q, min_n)


def _is_shown(one: Contrast, min_n: int) -> bool:
    return one.customers_with >= min_n


def _row(
    outcome: str, position: int, kind: str, term: str, one: Contrast, is_apart: bool, q: float, min_n: int
) -> dict[str, object]:
    shown = _is_shown(one, min_n)
    effect = one.effect() if is_apart else NOTHING
    value = NOTHING
    if shown:
        value = one.mean() if outcome == "spend" else share_interval(_sums(one))
    return {
        "outcome": outcome, "position": position, "kind": kind, "term": term, "n": one.n, "n_term": one.n_with,
        "n_customers": one.customers_with, **_triple("", value),
        "mean_without": value[0] - effect[0] if is_apart else math.nan, **_triple("effect", effect), "q": q,
        "reason": None if shown else "small_n", "suppressed": not shown,
    }  # fmt: skip


def _sums(one: Contrast) -> Sums:
    gram = one.gram
    return Sums(one.totals[0], one.n_with, gram[0, 0], gram[0, 1], gram[1, 1], one.customers_with)


def _nothing(outcome: str, reason: str) -> list[dict[str, object]]:
    return [
        {
            "outcome": outcome, "position": at, "kind": "nps_group", "term": group, "n": 0, "n_term": 0,
            "n_customers": 0, "reason": reason, "suppressed": True,
        }
        for at, group in enumerate(GROUPS, start=1)
    ]  # fmt: skip


def _triple(name: str, interval: tuple[float, float, float]) -> dict[str, float]:
    names = (name, f"{name}_low", f"{name}_high") if name else ("value", "low", "high")
    return dict(zip(names, interval, strict=True))
