"""People who asked to be forgotten: what is read of them again is a deletion, and nothing of it is kept.

Each of their rows becomes a tombstone without a time, which wins over every version of its key: it is counted as
`deleted`, finds nothing in the lake, and leaves no trace in `rejects`.
"""

from collections.abc import Collection

import pandas as pd

# Of a forgotten row, what tells it apart from others and what a choice of dates goes by; no text, no rating.
_KEPT = (
    "source",
    "feedback_id",
    "response_id",
    "row_hash",
    "file",
    "position",
    "has_own_id",
    "identity",
    "feedback_date",
)


def suppress(
    staged: pd.DataFrame, rejects: pd.DataFrame, forgotten: Collection[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `prepare` gives, with the rows of forgotten people turned into tombstones, those of `rejects` too.

    forgotten: values of customer_key. No row is lost or added; neither frame is changed. Lines that could not be
    parsed name no customer and stay as they are.
    """
    hit, rejected = staged["customer_key"].isin(forgotten), rejects["customer_key"].isin(forgotten)
    if not hit.any() and not rejected.any():
        return staged, rejects
    gone = staged[hit].copy()
    for column in gone.columns.difference(_KEPT):
        gone[column] = pd.Series(None, index=gone.index, dtype=gone[column].dtype)
    gone["is_deleted"] = True
    once = rejects[rejected]
    more = pd.DataFrame({column: pd.Series(None, index=once.index, dtype=staged[column].dtype) for column in staged})
    for column in ("source", "feedback_id", "row_hash", "position"):
        more[column] = once[column].astype("str")
    more["file"], more["has_own_id"], more["is_deleted"] = once["position"].astype("str"), True, True
    parts = [part for part in (staged[~hit], gone, more) if len(part)]
    return pd.concat(parts, ignore_index=True), rejects[~rejected]
