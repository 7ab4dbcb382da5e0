"""What the rows of one survey response agree on: one date, one head, one rating.

The result must not depend on the night in which a row arrived, and a later night may edit or remove any row of the
response. So it is a pure function of the rows' *own* values, and what it overwrites can be restored from `issues`:

    csat_from_response      the row itself gave no csat
    csat_was_4              the row itself gave 4; a newer row of the response stands
    rating_was_4@stars 1-5  the same with its scale; rating_from_response as csat's
    feedback_date_was_2026-01-05
    rating_conflict         rows of the response gave different values for one field; stands on all its rows
"""

import datetime as dt
import re

import numpy as np
import pandas as pd

from cx_nlp.schema import Issue, nps_group

INTEGER_RATINGS = ("nps", "csat", "ces")
# Columns that the consensus reads, and those that it decides.
READS = (
    "source", "response_id", "feedback_id", "row_hash", "feedback_date", "submitted_at", "updated_at",
    "nps", "csat", "ces", "rating", "rating_scale", "issues",
)  # fmt: skip
DECIDES = (
    "feedback_date", "is_response_head", "nps", "csat", "ces", "rating", "rating_scale", "nps_group", "issues",
)  # fmt: skip
_CODE = re.compile(r"(nps|csat|ces|rating)_from_response|(nps|csat|ces|rating|feedback_date)_was_(.*)", re.DOTALL)


def consensus(rows: pd.DataFrame) -> pd.DataFrame:
    """Settle whole responses.

    rows: all rows of each response, columns READS; dates as datetime64 or date, ratings nullable, as they stand in the
    lake or as staged. -> a frame with the same index and order, columns `source`, `feedback_id` and DECIDES:
    Int64 ratings, datetime64 dates. A response of one row gets its own values back. No rows give no rows.
    """
    own = restore(rows)
    own["response"] = own.groupby(["source", "response_id"], sort=False).ngroup()
    own["when"] = own["updated_at"].fillna(own["submitted_at"])
    newest_last = own.sort_values(["when", "row_hash", "feedback_id"])

    settled = own[["source", "feedback_id"]].copy()
    settled["feedback_date"] = own.groupby("response")["feedback_date"].transform("min")
    settled["is_response_head"] = own.index.isin(_heads(own, newest_last))
    conflict = pd.Series(False, index=own.index)
    for field in (*INTEGER_RATINGS, "rating"):
        columns = ["rating", "rating_scale"] if field == "rating" else [field]
        given = newest_last.loc[newest_last[field].notna(), ["response", *columns]]
        newest = given.drop_duplicates("response", keep="last").set_index("response")
        for column in columns:
            settled[column] = own["response"].map(newest[column]).astype(own[column].dtype)
        distinct = given.drop_duplicates()["response"]
        conflict |= own["response"].isin(distinct[distinct.duplicated()])
    settled["nps_group"] = settled["nps"].map({score: nps_group(score) for score in range(11)}).astype("str")
    settled["issues"] = _issues(own, settled, conflict)
    return settled[["source", "feedback_id", *DECIDES]]


def restore(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with their own values back and without the codes of an earlier consensus; a rating's scale goes with it."""
    own = rows[list(READS)].copy()
    own["feedback_date"] = pd.to_datetime(own["feedback_date"]).astype("datetime64[us]")
    own[list(INTEGER_RATINGS)] = own[list(INTEGER_RATINGS)].astype("Int64")
    own["rating"] = own["rating"].astype("float64")
    own["rating_scale"] = own["rating_scale"].astype("object").where(own["rating"].notna(), None)
    own["issues"] = own["issues"].astype("object").where(own["issues"].notna(), "")
    marked = own.index[own["issues"].str.contains("_from_response|_was_|" + Issue.RATING_CONFLICT, regex=True)]
    if not len(marked):
        return own
    # Few rows carry codes, and each may touch several columns: plain values, row by row.
    values = {name: own[name].to_dict() for name in ("feedback_date", *INTEGER_RATINGS, "rating", "rating_scale")}
    issues = own["issues"].to_dict()
    for row in marked:
        kept, restored = _parse(issues[row])
        issues[row] = "|".join(kept)
        for name, value in restored.items():
            values[name][row] = value
    for name, column in values.items():
        own[name] = pd.Series(column, dtype=own[name].dtype).reindex(own.index)
    own["issues"] = pd.Series(issues, dtype="object").reindex(own.index)
    return own


def _parse(issues: str) -> tuple[list[str], dict[str, object]]:
    """Codes that are the row's own, and the own values that the others keep."""
    kept: list[str] = []
    restored: dict[str, object] = {}
    for code in filter(None, issues.split("|")):
        match = _CODE.fullmatch(code)
        if match is None:
            if code != Issue.RATING_CONFLICT:
                kept.append(code)
        elif match[1]:
            restored[match[1]] = np.nan if match[1] == "rating" else pd.NA
            if match[1] == "rating":
                restored["rating_scale"] = None
        elif match[2] == "feedback_date":
            restored["feedback_date"] = pd.Timestamp(dt.date.fromisoformat(match[3]))
        elif match[2] == "rating":
            value, scaled, scale = match[3].partition("@")
            restored["rating"] = float(value)
            restored["rating_scale"] = scale.replace("%7C", "|").replace("%25", "%") if scaled else None
        else:
            restored[match[2]] = int(match[3])
    return kept, restored


def _heads(own: pd.DataFrame, newest_last: pd.DataFrame) -> pd.Index:
    """One row a response: the newest rated one (ties to the greater row_hash), else the earliest."""
    rated = newest_last[[*INTEGER_RATINGS, "rating"]].notna().any(axis=1)
    newest = newest_last[rated].drop_duplicates("response", keep="last")
    earliest = own.sort_values(["submitted_at", "feedback_id"]).drop_duplicates("response")
    return newest.index.append(earliest.index[~earliest["response"].isin(newest["response"])])


def _issues(own: pd.DataFrame, settled: pd.DataFrame, conflict: pd.Series) -> pd.Series:
    """The rows' own codes in their order, then those of the consensus."""
    codes = own["issues"].to_dict()

    def add(rows: pd.Index, code) -> None:
        for row in rows:
            codes[row] = f"{codes[row]}|{code(row)}" if codes[row] else code(row)

    add(own.index[conflict], lambda row: Issue.RATING_CONFLICT.value)
    for field in (*INTEGER_RATINGS, "rating"):
        mine, stands = own[field], settled[field]
        add(own.index[mine.isna() & stands.notna()], lambda row, field=field: Issue(f"{field}_from_response").value)
        lost = mine.notna() & (mine != stands).fillna(True)
        if field == "rating":
            other_scale = own["rating_scale"].fillna("") != settled["rating_scale"].fillna("")
            lost |= mine.notna() & other_scale
            add(own.index[lost], lambda row: f"rating_was_{_rating(own, row)}")
        else:
            add(own.index[lost], lambda row, field=field, mine=mine: f"{field}_was_{mine[row]}")
    moved = own.index[own["feedback_date"] != settled["feedback_date"]]
    add(moved, lambda row: f"feedback_date_was_{own['feedback_date'][row].date().isoformat()}")
    return pd.Series(codes, dtype="object").reindex(own.index)


def _rating(own: pd.DataFrame, row: object) -> str:
    """Value and scale in one code; the shortest text that reads back as the same number."""
    value, scale = repr(float(own["rating"][row])).removesuffix(".0"), own["rating_scale"][row]
    # Codes are joined by |, which a scale's name may hold.
    return f"{value}@{scale.replace('%', '%25').replace('|', '%7C')}" if isinstance(scale, str) else value
