"""Records as three systems export them: a survey tool's CSV by month, a review feed's JSON lines, a staff app's Parquet."""

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.sample import world
from cx_nlp.sample.noise import Littered

SURVEY_COLUMNS = (
    "comment_id", "response_id", "answered_at", "changed_at", "customer_no", "stage", "channel", "segment", "question",
    "comment", "recommend", "satisfaction", "effort", "may_quote", "may_contact", "store", "product",
)  # fmt: skip
REVIEW_COLUMNS = (
    "review_id", "posted_at", "edited_at", "user", "stars", "body", "stage", "segment", "quote_ok", "country",
    "app_version",
)  # fmt: skip
VOICE_COLUMNS = ("written_at", "person", "role", "area", "note", "experience_score", "site")
COLUMNS = {"survey": SURVEY_COLUMNS, "reviews": REVIEW_COLUMNS, "voice": VOICE_COLUMNS}
REVIEWS, VOICE = "reviews.jsonl", "voice.parquet"
_WHOLE = ("recommend", "satisfaction", "effort", "stars", "experience_score")


@dataclass(frozen=True)
class Broken:
    """A line of a text file that is no record."""

    file: str
    after: int  # how many rows of the file's table come before it
    line: str


def survey_file(month: dt.date) -> str:
    return f"survey-{month:%Y-%m}.csv"


def source_of(file: str) -> str:
    """The source that a file of a sample belongs to."""
    return "survey" if file.startswith("survey-") else file.partition(".")[0]


def export(littered: Littered, *, start: dt.date) -> tuple[dict[str, pd.DataFrame], list[Broken]]:
    """-> {file name: table as that file holds it}, and the lines that are no records.

    Files are written in the order in which things happened: a later version of a row comes later, in a later month's
    file perhaps. A source without rows gives no table.
    """
    rows = littered.rows.sort_values(["export_day", "at", "number", "part"], kind="stable")
    tables: dict[str, pd.DataFrame] = {}
    broken: list[Broken] = []
    for source, build in (("survey", _survey), ("reviews", _reviews), ("voice", _voice)):
        mine = rows[rows["source"] == source]
        if not len(mine):
            continue
        table = build(mine, _values(mine, littered.overrides))
        files = _files(source, mine["export_day"].to_numpy(), start)
        is_broken = (mine["reason"] == "unparseable").to_numpy(dtype=bool)
        for file in dict.fromkeys(files):
            here = files == file
            tables[file] = _whole(table[here & ~is_broken].reset_index(drop=True))
            for at in np.flatnonzero(here & is_broken):
                before = int((here & ~is_broken)[:at].sum())
                broken.append(Broken(file, before, _mutilate(mine["noise"].iloc[at], table.iloc[at])))
    return tables, broken


def _files(source: str, day: np.ndarray, start: dt.date) -> np.ndarray:
    if source != "survey":
        return np.full(len(day), REVIEWS if source == "reviews" else VOICE, dtype=object)
    names = {number: survey_file(start + dt.timedelta(int(number))) for number in np.unique(day)}
    return np.array([names[number] for number in day], dtype=object)


def _values(rows: pd.DataFrame, overrides: dict[int, dict[str, Any]]) -> Callable[[str, pd.Series], pd.Series]:
    """A function that puts the raw values of `overrides` into an exported column."""

    def raw(name: str, column: pd.Series) -> pd.Series:
        mine = {label: values[name] for label, values in overrides.items() if name in values and label in rows.index}
        if not mine:
            return column
        column = column.astype(object)
        for label, value in mine.items():
            column[label] = value
        return column

    return raw


def _survey(rows: pd.DataFrame, raw: Callable) -> pd.DataFrame:
    yes_no = {0: "no", 1: "yes"}
    effort = 8 - rows["ces"]  # the tool asks how hard it was: 1 very easy, 7 very hard
    effort = raw("ces", effort)
    columns = (
        rows["feedback_id"], rows["response_id"], raw("submitted", rows["at"].dt.strftime("%Y-%m-%d %H:%M:%S")),
        raw("updated", rows["updated_at"].dt.strftime("%Y-%m-%d %H:%M:%S")), rows["shown_person"], rows["touchpoint"],
        rows["channel"], rows["shown_segment"], rows["question"], rows["text"], raw("nps", rows["nps"]),
        raw("csat", rows["csat"]), effort, raw("may_quote", rows["may_quote"].map(yes_no)),
        rows["may_contact"].map(yes_no), rows["store"], rows["product"],
    )  # fmt: skip
    return pd.DataFrame(dict(zip(SURVEY_COLUMNS, columns, strict=True)))


def _reviews(rows: pd.DataFrame, raw: Callable) -> pd.DataFrame:
    version = rows["day"] // 30
    is_edited = rows["updated_at"] != rows["at"]
    columns = (
        rows["feedback_id"], raw("submitted", rows["at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")),
        rows["updated_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").where(is_edited), rows["shown_person"],
        raw("rating", rows["rating"]), rows["text"], rows["shown_touchpoint"], rows["shown_segment"],
        rows["may_quote"].map({0: False, 1: True}), rows["number"].map(lambda n: world.COUNTRIES[n % 7]),
        version.map(lambda n: world.APP_VERSIONS[min(n, 2)]),
    )  # fmt: skip
    return pd.DataFrame(dict(zip(REVIEW_COLUMNS, columns, strict=True)))


def _voice(rows: pd.DataFrame, raw: Callable) -> pd.DataFrame:
    site = rows["store"].where(rows["role"] == "employee", "head office")
    columns = (rows["at"], rows["shown_person"], rows["role"], rows["touchpoint"], rows["text"], rows["csat"], site)
    return pd.DataFrame(dict(zip(VOICE_COLUMNS, columns, strict=True)))


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """Ratings as whole numbers (nullable), but for columns that hold something else as well."""
    for name in _WHOLE:
        if name in table and pd.api.types.is_float_dtype(table[name]):
            table[name] = table[name].astype("Int64")
    return table


def plain(value: Any) -> Any:
    """A cell as text formats know it: None for missing, int for whole numbers."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return (
        int(value) if isinstance(value, float | np.integer) else bool(value) if isinstance(value, np.bool_) else value
    )


def csv_line(values: Any) -> str:
    """One record, quoted only where it must be, with its line end."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(["" if (cell := plain(value)) is None else cell for value in values])
    return out.getvalue()


def json_line(names: Any, values: Any) -> str:
    """One object with its line end; what is missing is left out, as the feed does."""
    record = {name: cell for name, value in zip(names, values, strict=True) if (cell := plain(value)) is not None}
    return json.dumps(record, ensure_ascii=False) + "\n"


def _mutilate(kind: str, row: pd.Series) -> str:
    if kind == "json_list":
        return json.dumps([plain(value) for value in row][:4], ensure_ascii=False) + "\n"
    if kind == "json_cut":
        line = json_line(row.index, row)
        return line[: len(line) * 2 // 3].rstrip("\\\n") + "\n"
    fields = [str(value).replace("\n", " ") if isinstance(value, str) else value for value in row]
    if kind == "too_few_fields":
        return csv_line(fields[:-6])
    # Somebody's script forgot to quote the comment.
    return csv_line([*fields[:10], "and so on", " and on", *fields[10:]])
