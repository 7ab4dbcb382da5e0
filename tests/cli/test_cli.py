"""The command line as a user meets it: exit codes, one clear line, files that are whole or not there."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from cx_nlp import schema


@pytest.fixture
def reviews(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text('id,comment\na,"Lovely staff, terrible wait"\nb,\nc,only,ragged\nd,Thanks\n', encoding="utf-8")
    return path


def test_score_writes_one_row_for_each_row_in_order(cx, tiny, reviews):
    args = ("score", reviews, "--text-column", "comment", "--id-column", "id", "--model", tiny, "--output", "o.parquet")
    code, _, err = cx(*args)
    assert code == 0 and "4 rows, 2 scored, 1 not readable" in err
    table = pq.read_table("o.parquet")
    assert table.schema.names == schema.SCORE_FILE.names
    frame = table.to_pandas()
    assert frame["feedback_id"].tolist() == ["a", "b", "2", "d"]
    assert frame["score_status"].tolist() == ["scored", "no_text", "unreadable", "scored"]
    assert frame["sentiment_label"].tolist()[3] == "positive" and pd.isna(frame["p_positive"][1])
    first = Path("o.parquet").read_bytes()
    assert cx(*args)[0] == 0 and Path("o.parquet").read_bytes() == first, "a rerun gives the same bytes"


def test_score_without_output_prints_json_lines(cx, tiny, reviews):
    code, out, _ = cx("score", reviews, "--text-column", "comment", "--model", tiny)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [r["feedback_id"] for r in rows] == ["0", "1", "2", "3"]
    assert abs(rows[0]["p_negative"] + rows[0]["p_neutral"] + rows[0]["p_positive"] - 1) < 1e-4


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["score", "none.csv", "--text-column", "comment"], 1, "none.csv"),
        (["score", "reviews.csv", "--text-column", "coment"], 2, "did you mean 'comment'"),
        (["score", "reviews.csv", "--text-column", "comment", "--id-column", "key"], 2, "--id-column"),
        (["score", "."], 2, "--text-column"),
        (["score", ".", "--text-column", "x"], 1, "directory"),
        (["score", "empty.csv", "--text-column", "comment"], 1, "empty"),
        (["score", "header.csv", "--text-column", "comment"], 1, "no rows"),
        (["score", "binary.csv", "--text-column", "comment"], 1, "binary.csv"),
        (["score", "notes.docx", "--text-column", "comment"], 2, "unknown kind of file"),
        (["score", "reviews.csv", "--text-column", "comment", "--output", "no/such/o.parquet"], 2, "no such folder"),
        (["score", "reviews.csv", "--text-column", "comment", "--model", "bert"], 2, "unknown model 'bert'"),
        (["score", "reviews.csv", "--text-column", "comment", "--engine", "bf16"], 2, "unknown engine 'bf16'"),
        (["run", "--config", "none.yaml"], 2, "config not found"),
        (["run", "--config", "typo.yaml"], 2, "did you mean 'sources'"),
        (["evaluate", "sentiment", "none.csv"], 1, "none.csv"),
        (["evaluate", "sentiment", "empty.csv"], 1, "empty"),
        (["evaluate", "aspect", "labels.csv"], 1, "no rows"),
        (["evaluate", "emotion", "labels.csv"], 1, "no column 'labels'"),
        (["doctor", "--lake", "none"], 2, "no lake at none"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_bad_input_is_one_clear_line(cx, reviews, tmp_path, arguments, code, says):
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "header.csv").write_text("id,comment\n")
    (tmp_path / "labels.csv").write_text("text,start,end,label\n")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "notes.docx").write_bytes(b"PK")
    (tmp_path / "typo.yaml").write_text("lake: l\nsource: {}\n")
    before = sorted(p.name for p in tmp_path.iterdir())
    got, out, err = cx(*arguments)
    assert got == code and says in err, err
    assert out == "" and "Traceback" not in err
    if "No such command" not in err and "Missing option" not in err:
        assert len(err.strip().splitlines()) == 1, err
    assert sorted(p.name for p in tmp_path.iterdir()) == before, "nothing half-written is left"


@pytest.mark.parametrize(
    "arguments", [[], ["score"], ["run"], ["evaluate"], ["evaluate", "sentiment"], ["evaluate", "emotion"],
                  ["evaluate", "aspect"], ["doctor"]]
)  # fmt: skip
def test_help_shows_an_example(cx, arguments):
    code, out, _ = cx(*arguments, "--help")
    assert code == 0 and "Example:" in out and "cx-nlp" in out


def test_evaluate_prints_one_json_object_with_intervals(cx, tiny, tmp_path):
    rows = [("lovely great", "positive"), ("awful bad", "negative"), ("the box", "neutral")] * 10
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(tmp_path / "labelled.csv", index=False)
    code, out, err = cx("evaluate", "sentiment", "labelled.csv", "--model", tiny, "--json")
    assert code == 0, err
    report = json.loads(out)
    assert report["task"] == "sentiment" and report["n"] == 30 and report["accuracy"] == 1.0
    assert set(report["ci"]) >= {"accuracy", "macro_f1", "macro_recall", "ece"}
    assert report["confusion"] == [[10, 0, 0], [0, 10, 0], [0, 0, 10]]


def test_evaluate_says_why_a_figure_cannot_be_had(cx, tiny, tmp_path):
    pd.DataFrame({"text": ["lovely", "awful", "great"], "label": "positive"}).to_csv("one.csv", index=False)
    code, out, err = cx("evaluate", "sentiment", "one.csv", "--model", tiny, "--json")
    report = json.loads(out)
    assert code == 0 and err == "" and "NaN" not in out
    assert report["accuracy"] == pytest.approx(2 / 3) and report["ci"]["ece_excess"][0] < report["ece_excess"]
    assert report["macro_f1"] is report["macro_recall"] is report["ci"]["macro_f1"] is None
    assert report["notes"]["macro_f1"] == "no row is labelled negative, neutral"
    code, out, _ = cx("evaluate", "sentiment", "one.csv", "--model", tiny)
    assert code == 0 and "note, macro_f1: no row is labelled negative, neutral" in out


def test_score_keeps_ids_that_look_like_numbers_and_masks_an_address(cx, tiny, tmp_path):
    (tmp_path / "ids.csv").write_text("id,comment\n2125550123,Good\n4111111111111111,Bad\njo@example.com,Thanks\n")
    code, out, _ = cx("score", "ids.csv", "--text-column", "comment", "--id-column", "id", "--model", tiny)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [r["feedback_id"] for r in rows] == ["2125550123", "4111111111111111", "[EMAIL]"]
    assert isinstance(rows[0]["n_tokens"], int)


def test_score_refuses_two_files_and_its_own_input_as_output(cx, tiny, reviews, tmp_path):
    (tmp_path / "reviews2.csv").write_text("id,comment\n1,Good\n")
    code, _, err = cx("score", "reviews*.csv", "--text-column", "comment", "--model", tiny)
    assert code == 2 and "matches 2 files" in err
    code, _, err = cx("score", reviews, "--text-column", "comment", "--model", tiny, "--output", reviews)
    assert code == 2 and "is the input itself" in err and reviews.read_text().startswith("id,comment")


def test_an_impossible_date_in_a_config_is_one_line(cx, tmp_path):
    (tmp_path / "c.yaml").write_text("lake: l\nsources: {s: {fixed: {submitted_at: 2026-02-30}}}\n")
    code, _, err = cx("run", "--config", "c.yaml")
    assert code == 2 and "not readable as YAML: day is out of range" in err and len(err.splitlines()) == 1
