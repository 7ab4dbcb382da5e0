"""Labelled files: the same from every format, and one line for each thing that can be wrong."""

import json

import numpy as np
import pandas as pd
import pytest

from cx_nlp.errors import CxError, SourceError, UnknownName, UsageError
from cx_nlp.labelled import COLUMNS, cleaned_span, label_matrix, read_labelled
from cx_nlp.schema import EMOTIONS


def write(tmp_path, rows, kind="csv"):
    path = tmp_path / f"dev.{kind}"
    frame = pd.DataFrame(rows)
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in frame.to_dict("records")))
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_format_reads_alike(tmp_path, kind):
    rows = [
        {
            "id": 1,
            "text": "Staff were 😀 kind",
            "start": 0,
            "end": 5,
            "label": "positive",
            "labels": "joy|admiration|joy",
        },
        {"id": 2, "text": "NA", "start": 0, "end": 2, "label": " Neutral ", "labels": "neutral"},
    ]
    path = write(tmp_path, rows, kind)
    aspect = read_labelled(path, COLUMNS["aspect"])
    assert aspect.to_dict("records") == [
        {"text": "Staff were 😀 kind", "start": 0, "end": 5, "label": 2},
        {"text": "NA", "start": 0, "end": 2, "label": 1},
    ]
    assert aspect.dtypes[["start", "end", "label"]].astype(str).tolist() == ["int64"] * 3
    emotion = read_labelled(path, COLUMNS["emotion"])
    assert emotion.columns.tolist() == ["text", "labels"]
    assert emotion["labels"].tolist() == [[EMOTIONS.index("admiration"), EMOTIONS.index("joy")], [27]]


def test_more_rows_than_a_chunk(tmp_path):
    path = write(tmp_path, {"text": [f"t{i}" for i in range(12_000)], "label": ["neutral"] * 12_000})
    frame = read_labelled(path, COLUMNS["sentiment"])
    assert frame["text"].tolist() == [f"t{i}" for i in range(12_000)]
    assert frame.index.tolist() == list(range(12_000))


def test_missing_text_is_empty_text(tmp_path):
    frame = read_labelled(write(tmp_path, {"text": ["a", None], "label": ["neutral"] * 2}), COLUMNS["sentiment"])
    assert frame["text"].tolist() == ["a", ""]


@pytest.mark.parametrize(
    ("task", "rows", "error", "message"),
    [
        ("sentiment", {"text": ["a"], "Label ": ["x"]}, SourceError,
         r"dev\.csv: no column 'label', did you mean 'Label'\? found: "),
        ("sentiment", {"text": ["a"], "y": ["x"]}, SourceError, r"dev\.csv: no column 'label', found: text, y$"),
        ("sentiment", {"text": ["a", "b"], "label": ["neutral", "posative"]}, UnknownName,
         r"^dev\.csv:3: unknown label 'posative', did you mean 'positive'\? known: negative, neutral, positive$"),
        ("sentiment", {"text": ["a"], "label": [None]}, UnknownName, r"^dev\.csv:2: unknown label ''"),
        ("sentiment", {"text": [], "label": []}, SourceError, r"dev\.csv: no rows"),
        ("emotion", {"text": ["a"], "labels": ["joy|hope"]}, UnknownName, r"^dev\.csv:2: unknown emotion 'hope'"),
        ("emotion", {"text": ["a"], "labels": [None]}, UnknownName, r"^dev\.csv:2: unknown emotion ''"),
        ("aspect", {"text": ["abc"], "start": [0], "end": [4], "label": ["neutral"]}, SourceError,
         r"^dev\.csv:2: span 0 to 4 does not lie in its text of 3 characters$"),
        ("aspect", {"text": ["abc"], "start": [2], "end": [2], "label": ["neutral"]}, SourceError, "span 2 to 2"),
        ("aspect", {"text": ["abc"], "start": [-1], "end": [2], "label": ["neutral"]}, SourceError, "span -1 to 2"),
        ("aspect", {"text": ["abc"], "start": ["x"], "end": [2], "label": ["neutral"]}, SourceError,
         r"^dev\.csv:2: start 'x' is not a whole number$"),
    ],
)  # fmt: skip
def test_one_line_for_what_is_wrong(tmp_path, task, rows, error, message):
    with pytest.raises(error, match=message) as caught:
        read_labelled(write(tmp_path, rows), COLUMNS[task])
    assert isinstance(caught.value, CxError)
    assert "\n" not in str(caught.value)


def test_rows_that_cannot_be_parsed_are_not_left_out_silently(tmp_path):
    path = tmp_path / "dev.csv"
    path.write_text("text,label\na,neutral\nb,c,neutral\nd\n")
    with pytest.raises(SourceError, match=r"^dev\.csv:3: expected 2 fields, got 3 \(and 1 more\)$"):
        read_labelled(path, COLUMNS["sentiment"])


def test_files_that_cannot_be_read(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("")
    with pytest.raises(SourceError, match="empty file"):
        read_labelled(tmp_path / "a.csv", COLUMNS["sentiment"])
    with pytest.raises(SourceError, match="no such file"):
        read_labelled(tmp_path / "none.csv", COLUMNS["sentiment"])
    with pytest.raises(SourceError, match="is a directory"):
        read_labelled(tmp_path, COLUMNS["sentiment"])
    with pytest.raises(UsageError, match="matches 2 files, expected one"):
        read_labelled(tmp_path / "*.csv", COLUMNS["sentiment"])
    (tmp_path / "a.xlsx").write_text("")
    with pytest.raises(SourceError, match="empty file"):
        read_labelled(tmp_path / "a.xlsx", COLUMNS["sentiment"])
    (tmp_path / "a.docx").write_text("")
    with pytest.raises(UsageError, match="unknown kind of file"):
        read_labelled(tmp_path / "a.docx", COLUMNS["sentiment"])


def test_label_matrix():
    matrix = label_matrix([[0, 27], [3], []])
    assert matrix.dtype == bool
    assert np.argwhere(matrix).tolist() == [[0, 0], [0, 27], [1, 3]]
    assert label_matrix([]).shape == (0, 28)


@pytest.mark.parametrize(
    ("text", "mention", "at", "cleaned"),
    [
        ("the staff were kind", "staff", 0, "the staff were kind"),
        ("  the   staff were\nkind, staff!", "staff", 1, "the staff were kind, staff!"),
        ("write to ann@example.com about the food", "food", 0, "write to [EMAIL] about the food"),
        ("fish &amp; chips were cold", "chips", 0, "fish & chips were cold"),
    ],
)
def test_spans_follow_cleaning(text, mention, at, cleaned):
    start = -1
    for _ in range(at + 1):
        start = text.index(mention, start + 1)
    found, begin, end = cleaned_span(text, start, start + len(mention))
    assert found == cleaned
    assert found[begin:end] == mention
    assert found[:begin].count(mention) == at


def test_span_that_cleaning_takes_away():
    assert cleaned_span("well \u200b\u200b done", 5, 7) is None
