"""Which emotions go with which outcome, and how much of an outcome emotions explain that themes do not.

That a text is emotional does not make the decision behind it so: these tables are about what people write.
"""

import math

import duckdb
import numpy as np
import pandas as pd

from cx_nlp.bootstrap import by_group, resample
from cx_nlp.measures.answers import Answers, answers
from cx_nlp.measures.contrasts import NOTHING, OUTCOMES, contrast
from cx_nlp.measures.drivers import design
from cx_nlp.measures.relations import literal
from cx_nlp.measures.statistics import false_discovery, percentiles, ridge_fit, two_sided

FOLDS, PENALTY, RESAMPLES = 5, 3.0, 400


def emotion_outcomes(con: duckdb.DuckDBPyConnection, *, min_n: int) -> pd.DataFrame:
    """Mean outcome of responses whose primary emotion it is, less that of all others with a scored comment.

    Columns of `emotion_outcomes` but for as_of and run_id; a row for each outcome and emotion that occurs.
    """
    names = [name for (name,) in con.execute(
        "SELECT DISTINCT emotion FROM answer WHERE role = 'customer' AND emotion IS NOT NULL ORDER BY 1").fetchall()]  # fmt: skip
    rows = []
    for outcome in OUTCOMES:
        found = [contrast(con, outcome, f"emotion = {literal(name)}", where="emotion IS NOT NULL") for name in names]
        z = np.array([one.z() if one.customers_with >= min_n else math.nan for one in found])
        for name, one, q in zip(names, found, false_discovery(two_sided(z)), strict=True):
            shown = one.customers_with >= min_n
            effect = one.effect() if shown else NOTHING
            rows.append(
                {
                    "outcome": outcome, "emotion": name, "n": one.n, "n_emotion": one.n_with,
                    "n_customers": one.customers_with, "mean": one.mean()[0] if shown else math.nan,
                    "effect": effect[0], "effect_low": effect[1], "effect_high": effect[2], "q": q,
                    "suppressed": not shown,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def explained(
    con: duckdb.DuckDBPyConnection, *, min_n: int, rng: np.random.Generator, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """The outcome's variation that texts explain, out of sample: together, and the Shapley shares of the two parts.

    With two parts the Shapley value (Shapley 1953; for R squared: Lipovetsky & Conklin 2001) is half of what a part
    explains alone plus half of what it adds to the other. Columns of `explained` but for as_of and run_id.
    """
    rows = []
    for outcome in OUTCOMES:
        of = answers(con, outcome, min_n=min_n)
        people = len(np.unique(of.customer))
        shown = people >= max(min_n, 2 * FOLDS) and bool(np.ptp(of.y))
        found = shares(of, rng=rng, resamples=resamples) if shown else {}
        for predictors in ("themes", "emotions", "together"):
            value, low, high = found.get(predictors, NOTHING)
            rows.append(
                {
                    "outcome": outcome, "predictors": predictors, "n": len(of.y), "n_customers": people,
                    "value": value, "low": low, "high": high, "suppressed": not shown,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def shares(of: Answers, *, rng: np.random.Generator, resamples: int) -> dict[str, tuple[float, float, float]]:
    """-> themes, emotions, together: R squared with low and high, over resampled customers of the held-out errors.

    The models are not fitted again in a resample, so the intervals are those of these models on other customers.
    """
    from scipy.sparse import csr_array, hstack

    emotions = np.unique(of.emotion)
    felt = (of.emotion[:, None] == emotions[None, :]).astype(float)
    themes = design(of.named, of.sentiment)  # sparse: each fold copies its rows
    sets = {"themes": themes, "emotions": np.column_stack([np.ones(len(of.y)), felt])}
    sets["together"] = hstack([themes, csr_array(felt)], format="csr")
    fold = rng.permutation(int(of.customer.max()) + 1)[of.customer] % FOLDS  # a customer lies in one fold
    errors = {name: np.zeros(len(of.y)) for name in ("mean", *sets)}
    for held in range(FOLDS):
        train, test = fold != held, fold == held
        if not train.any() or not test.any():
            continue
        errors["mean"][test] = (of.y[test] - of.y[train].mean()) ** 2
        for name, x in sets.items():
            errors[name][test] = (of.y[test] - x[test] @ ridge_fit(x[train], of.y[train], PENALTY)) ** 2
    sums = by_group(np.column_stack(list(errors.values())), of.customer)
    drawn = np.array([_shapley(row) for row in resample(sums, resamples=resamples, rng=rng)])
    low, high = percentiles(drawn, [2.5, 97.5])
    value = _shapley(sums.sum(axis=0))
    return {name: (value[i], low[i], high[i]) for i, name in enumerate(("themes", "emotions", "together"))}


def _shapley(errors: np.ndarray) -> np.ndarray:
    """Squared errors (4,) of the mean, themes, emotions and both -> the two shares of R squared and their sum (3,)."""
    if errors[0] <= 0:
        return np.full(3, np.nan)
    themes, emotions, both = 1 - errors[1:] / errors[0]
    return np.array([(themes + both - emotions) / 2, (emotions + both - themes) / 2, both])
