"""What pandera holds frames against: which values each column may have, before and after scoring.

Columns without a rule of their own are held to be there where the table's schema says so.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from cx_nlp import schema

if TYPE_CHECKING:
    import pandera.pandas as pandera

SUM_TOLERANCE = 1e-3  # probabilities are stored to five decimals
_SHARES = ("p_negative", "p_neutral", "p_positive")
_EMOTIONS = tuple(f"emotion_{name}" for name in schema.EMOTIONS)

# Columns a gate reads: texts and what passes through are left out, they have no range.
STAGED_COLUMNS = (
    "source", "feedback_id", "row_hash", "feedback_date", "submitted_at", "respondent_role", "weight",
    "nps", "csat", "ces", "nps_group", "score_status",
)  # fmt: skip
SCORED_COLUMNS = (
    "source", "feedback_id", "feedback_date", "n_tokens", "n_windows", "sentiment_label", "sentiment_score", *_SHARES,
    "primary_emotion", "emotional_intensity", *_EMOTIONS,
)  # fmt: skip
MENTION_COLUMNS = (
    "source", "feedback_id", "feedback_date", "mention_id", "start", "end", "sentiment_label", "sentiment_score",
    *_SHARES, "theme_score", "is_negated", "method",
)  # fmt: skip

_BETWEEN: dict[str, tuple[float, float | None]] = {
    **schema.RATING_RANGES,
    "weight": (0, None),
    "n_tokens": (0, None),
    "n_windows": (1, None),
    "mention_id": (-1, None),
    "start": (0, None),
    "end": (0, None),
    "sentiment_score": (-1, 1),
    **dict.fromkeys((*_SHARES, *_EMOTIONS, "emotional_intensity", "theme_score"), (0, 1)),
}
_ONE_OF: dict[str, Sequence[str]] = {
    "respondent_role": schema.ROLES,
    "score_status": [str(status) for status in schema.ScoreStatus],
    "nps_group": ("detractor", "passive", "promoter"),
    "sentiment_label": schema.SENTIMENTS,
    "primary_emotion": schema.EMOTIONS,
}


def staged_problems(frame: pd.DataFrame) -> Counter[str]:
    """Rows with STAGED_COLUMNS -> "column: rule" and how many values break it; empty if none."""
    return _problems(_staged(), frame)


def scored_problems(frame: pd.DataFrame) -> Counter[str]:
    """Scored rows with SCORED_COLUMNS: probabilities within 0 and 1 that add up to 1, known labels, one row a key."""
    return _problems(_scored(), frame)


def mention_problems(frame: pd.DataFrame) -> Counter[str]:
    """Rows with MENTION_COLUMNS: spans in order, null only for a theme of the whole comment."""
    return _problems(_mentions(), frame)


def _problems(held_to: "pandera.DataFrameSchema", frame: pd.DataFrame) -> Counter[str]:
    from pandera.errors import SchemaErrors

    try:
        held_to.validate(frame, lazy=True)
    except SchemaErrors as error:
        # The cases quote values: only columns, rules and their numbers are passed on.
        cases = error.failure_cases[["schema_context", "column", "check", "index"]]
        alone = cases["schema_context"] != "DataFrameSchema"
        found = Counter(
            f"{column}: {_rule(rule)}" for column, rule in cases.loc[alone, ["column", "check"]].itertuples(index=False)
        )
        # A rule on whole rows gives a case for each column of a row.
        for rule, of_rows in cases[~alone].groupby("check"):
            found[f"row: {_rule(rule)}"] += int(of_rows["index"].nunique())
        return found
    return Counter()


def _rule(check: object) -> str:
    """A rule's name without its arguments, which would make a line of every list of labels."""
    return str(check).partition("(")[0]


@lru_cache(maxsize=1)
def _staged() -> "pandera.DataFrameSchema":
    return _schema(schema.STAGED, STAGED_COLUMNS, {"respondent_role", "feedback_date", "submitted_at"}, [])


@lru_cache(maxsize=1)
def _scored() -> "pandera.DataFrameSchema":
    import pandera.pandas as pandera

    whole = pandera.Check(_adds_up, name="probabilities_add_up", ignore_na=False)
    return _schema(schema.FEEDBACK, SCORED_COLUMNS, set(), [whole])


@lru_cache(maxsize=1)
def _mentions() -> "pandera.DataFrameSchema":
    import pandera.pandas as pandera

    whole = [
        pandera.Check(_adds_up, name="probabilities_add_up", ignore_na=False),
        pandera.Check(_in_order, name="start_before_end", ignore_na=False),
    ]
    return _schema(schema.THEME_MENTIONS, MENTION_COLUMNS, set(), whole, unique=False)


def _schema(
    table: pa.Schema, columns: Sequence[str], required: set[str], whole: list[Any], *, unique: bool = True
) -> "pandera.DataFrameSchema":
    import pandera.pandas as pandera

    return pandera.DataFrameSchema(
        {
            name: pandera.Column(
                checks=_rules(name), nullable=table.field(name).nullable and name not in required, required=True
            )
            for name in columns
        },
        checks=whole,
        unique=["source", "feedback_id"] if unique else None,
    )


def _rules(name: str) -> list[Any]:
    import pandera.pandas as pandera

    if name in _ONE_OF:
        return [pandera.Check.isin(list(_ONE_OF[name]))]
    if name not in _BETWEEN:
        return []
    low, high = _BETWEEN[name]
    return [pandera.Check.ge(low)] if high is None else [pandera.Check.in_range(low, high)]


def _adds_up(frame: pd.DataFrame) -> pd.Series:
    """Three probabilities, or none of them: a checkpoint may know emotions alone."""
    shares = frame[list(_SHARES)].astype("float64")
    return shares.isna().all(axis=1) | ((shares.sum(axis=1, skipna=False) - 1).abs() <= SUM_TOLERANCE)


def _in_order(frame: pd.DataFrame) -> pd.Series:
    whole = frame["mention_id"] == -1
    start, end = frame["start"], frame["end"]
    return (whole & start.isna() & end.isna()) | (~whole & (start < end).fillna(False)).astype(bool)
