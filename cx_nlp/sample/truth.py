"""What was planted in each record, and what becomes of it: the answer sheet that a sample is marked against."""

import datetime as dt
import json

import pandas as pd

COLUMNS = (
    "source", "feedback_id", "response_id", "part", "day", "feedback_date", "submitted_at", "person", "respondent_role",
    "channel", "touchpoint", "segment", "language", "nps", "csat", "ces", "rating", "group", "has_comment", "text",
    "themes", "phrases", "tone", "emotion", "noise", "outcome", "reason",
)  # fmt: skip


def truth_of(rows: pd.DataFrame, *, start: dt.date) -> pd.DataFrame:
    """Records -> one row each, columns COLUMNS, in the order of `number`.

    `submitted_at` is local to the source, `feedback_id` null in `voice`; together with `source` either finds the row in
    a lake. Ratings are those that the lake should hold (higher is better, null where invalid). `part` 2 is a second
    comment of the response: what is planted lies in part 1. `themes` are joined by |, `phrases` is a JSON list of
    [theme, phrase]. `outcome` is new, superseded or rejected, as the first run should count it; `noise` says what was
    done to the row, and is empty for most.
    """
    renamed = rows.rename(columns={"role": "respondent_role", "at": "submitted_at"})
    renamed = renamed.sort_values(["number", "part"], kind="stable")
    days = pd.Series(pd.to_datetime(start) + pd.to_timedelta(renamed["day"], unit="D"))
    renamed["feedback_date"] = days.astype("datetime64[us]")
    renamed["phrases"] = [json.dumps(said, ensure_ascii=False) if said else "[]" for said in renamed["phrases"]]
    for name in (
        "person",
        "language",
        "segment",
        "channel",
        "question",
        "tone",
        "emotion",
        "feedback_id",
        "response_id",
    ):
        renamed[name] = renamed[name].astype("str")
    return renamed[list(COLUMNS)].reset_index(drop=True)
