"""Which part of feedback is emotional rather than factual, by touchpoint: as classified, and corrected for known errors.

The classifier's errors were counted on Reddit comments (the half of GoEmotions dev that nothing was fitted on), and how
little that half knows is part of the interval: Rogan & Gladen 1978, see `statistics.corrected_share`. It is assumed
that the errors are the same on this feedback, which nobody has checked.
"""

import math
from collections.abc import Mapping

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import Sums, Z, share_interval
from cx_nlp.measures.contrasts import NOTHING
from cx_nlp.measures.relations import NONE, literal, readers
from cx_nlp.measures.statistics import corrected_share

CLAIMED = 0.7
NOTE = (
    "The errors corrected for were counted on Reddit comments. That 70 % of decisions are emotional is a claim about "
    "decisions; these are texts, and an emotional text is not an emotional decision."
)
ALL = "(all)"
Interval = tuple[float, float, float]


def correct(raw: Interval, confusion: np.ndarray | None) -> Interval:
    """A share with its 95 % interval -> the corrected one with its own; NaNs without a confusion or where it says nothing.

    confusion (2, 2): rows are the truth, columns what was said, negative first.
    """
    share, low, high = raw
    if confusion is None or math.isnan(share) or math.isnan(low):
        return NOTHING
    value, error = corrected_share(share, (high - low) / (2 * Z), confusion)
    if math.isnan(value):
        return NOTHING
    (tn, fp), (fn, tp) = np.asarray(confusion, dtype=float)
    specificity = tn / (tn + fp)
    middle = (share + specificity - 1) / (tp / (fn + tp) + specificity - 1)  # before it was kept within 0..1
    return value, min(max(middle - Z * error, 0.0), value), max(min(middle + Z * error, 1.0), value)


def by_reader(con: duckdb.DuckDBPyConnection, confusions: Mapping[str, np.ndarray]) -> dict[int, np.ndarray]:
    """confusions by emotion head -> by the number in `piece.reader`."""
    return {nr: confusions[name] for nr, name in readers(con).items() if name in confusions}


def emotional(con: duckdb.DuckDBPyConnection, *, confusions: Mapping[str, np.ndarray], min_n: int) -> pd.DataFrame:
    """Columns of `emotional` but for as_of and run_id: a row for all customers' comments and one for each touchpoint.

    confusions: emotion head as `model_version` names it -> its confusion. No customers, no rows.
    """
    names = [name for (name,) in con.execute(
        "SELECT DISTINCT touchpoint FROM piece WHERE role = 'customer' ORDER BY 1").fetchall()]  # fmt: skip
    known = by_reader(con, confusions)
    rows = []
    for name in ([ALL] if names else []) + [name for name in names if name != NONE]:
        here = "true" if name == ALL else f"touchpoint = {literal(name)}"
        (*sums, customers, first, last), = con.execute(f"""
            SELECT coalesce(sum(s), 0), coalesce(sum(n), 0), coalesce(sum(s * s), 0), coalesce(sum(s * n), 0),
                   coalesce(sum(n * n), 0), count(*), min(first), max(last)
            FROM (SELECT sum(emotional::INT) AS s, count(*) AS n, min(reader) AS first, max(reader) AS last
                  FROM piece WHERE role = 'customer' AND scored AND emotional IS NOT NULL AND {here} GROUP BY customer)
            """).fetchall()  # fmt: skip
        s, n, ss, sn, nn = map(int, sums)
        raw = share_interval(Sums(s, n, ss, sn, nn, customers)) if n >= min_n else NOTHING
        confusion = known.get(first) if first == last else None
        found = correct(raw, confusion)
        row = {
            "touchpoint": name, "n": n, "n_customers": customers, **_triple("raw", raw), **_triple("corrected", found),
            "claimed": CLAIMED, "note": NOTE, "suppressed": n < min_n,
            "reason": _reason(first, last, confusion, found) if n >= min_n else None,
        }  # fmt: skip
        if confusion is not None:
            (tn, fp), (fn, tp) = np.asarray(confusion)
            row |= {
                "n_dev": int(tn + fp + fn + tp),
                "specificity": _ratio(tn, tn + fp),
                "sensitivity": _ratio(tp, tp + fn),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _reason(first: int, last: int, confusion: np.ndarray | None, found: Interval) -> str | None:
    if first != last:
        return "several_models"
    if confusion is None:
        return "no_confusion"
    return "no_better_than_chance" if math.isnan(found[0]) else None


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan


def _triple(name: str, interval: Interval) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval, strict=True))
