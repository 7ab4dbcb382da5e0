"""`cx-nlp list`: what a CRM gets, what a spreadsheet must not run, and consent that nobody gave."""

import csv
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from cx_nlp import cli, lists, schema
from cx_nlp.store import files
from tests.measures.frames import DAY, feedback, made, mentions, tables

DOCS = (Path(__file__).parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists") / "lake"
    frame = pd.DataFrame({"nps": [10, 9, 10], "customer_key": ["a", "b", "c"], "may_quote": [True, False, None]})
    frame["text"] = [
        "=HYPERLINK(1) they were all so very kind",
        "They came at once and were so kind",
        'Said "wow", so kind of you all',
    ]
    frame["sentiment_label"], frame["sentiment_score"] = "positive", [0.9, 0.8, 0.7]
    said = feedback(frame)
    named = mentions(
        [{"feedback_id": f"f000000{i}", "theme_id": "g/staff", "sentiment_label": "positive"} for i in range(3)]
    )
    found = tables(said, named, min_n=1)["advocates"]
    listed = pa.Table.from_pandas(found, schema=schema.TABLES["advocates"], preserve_index=False)
    for table, rows in (("feedback", said), ("advocates", listed)):
        path = files.partition(folder, table, DAY)
        path.parent.mkdir(parents=True)
        files.write_table(path, rows, schema.TABLES[table], run_id="r").replace(path)
    return folder


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main([str(one) for one in arguments])
    return int(end.value.code or 0)


def exported(lake: Path, tmp_path: Path, *options: str) -> list[dict[str, str]]:
    path = tmp_path / "a.csv"
    assert run("list", "advocates", "--lake", lake, "--output", path, *options) == 0
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_list_has_its_columns_and_runs_no_formula(lake, tmp_path):
    rows = exported(lake, tmp_path)
    assert list(rows[0]) == list(lists.ADVOCATES)
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["text"].startswith("'=HYPERLINK") and rows[2]["text"].startswith('Said "wow"')
    assert rows[0]["feedback_date"] == DAY.isoformat() and rows[0]["segment"] == ""


def test_an_unknown_consent_is_never_a_yes(lake, tmp_path):
    assert [row["may_quote"] for row in exported(lake, tmp_path)] == ["yes", "no", "unknown"]
    assert {row["may_contact"] for row in exported(lake, tmp_path)} == {"unknown"}
    assert [row["feedback_id"] for row in exported(lake, tmp_path, "--quotable")] == ["f0000000"]
    assert exported(lake, tmp_path, "--contactable") == []


def test_who_left_the_lake_is_on_no_list(lake, tmp_path):
    copy = tmp_path / "lake"
    for table, keep in (("feedback", slice(1, None)), ("advocates", slice(None))):
        rows = files.read_table(files.partition(lake, table, DAY), schema.TABLES[table]).to_pylist()[keep]
        path = files.partition(copy, table, DAY)
        path.parent.mkdir(parents=True)
        files.write_table(
            path, pa.Table.from_pylist(rows, schema=schema.TABLES[table]), schema.TABLES[table], run_id="r"
        ).replace(path)
    assert [row["feedback_id"] for row in lists.advocates(copy)] == ["f0000001", "f0000002"]


def test_a_lake_without_a_list_is_one_line(tmp_path, capsys):
    assert run("list", "advocates", "--lake", tmp_path, "--output", tmp_path / "x.csv") == 2
    assert "no list of advocates in" in capsys.readouterr().err


def test_the_docs_explain_each_column():
    part = DOCS.split("## `advocates`", 1)[1].split("\n## ", 1)[0]
    explained = re.findall(
        r"`(\w+)`", "".join(line.split("|")[1] for line in part.splitlines() if line.startswith("| `"))
    )
    assert explained == list(lists.ADVOCATES)


@pytest.fixture(scope="module")
def to_answer(tmp_path_factory):
    """A lake whose list holds two angry customers, one of whom has said no to being contacted since."""
    folder = tmp_path_factory.mktemp("answer") / "lake"
    frame = pd.DataFrame({"text": ["=cmd() never again", "so angry", "fine"], "nps": [1, 9, 9]})
    frame["sentiment_label"] = ["negative", "negative", "positive"]
    frame["primary_emotion"] = ["anger", "anger", "neutral"]
    found = made("close_the_loop", feedback(frame)).assign(as_of=DAY, respondent_role="customer", run_id="r")
    frame["may_contact"] = [None, False, None]
    listed = pa.Table.from_pandas(found, preserve_index=False)
    for table, rows in (("feedback", feedback(frame)), ("close_the_loop", listed)):
        path = files.partition(folder, table, DAY)
        path.parent.mkdir(parents=True)
        files.write_table(path, rows, schema.TABLES[table], run_id="r").replace(path)
    return folder


def test_what_needs_an_answer_has_keys_and_its_text_on_request(to_answer, tmp_path):
    path = tmp_path / "today.csv"
    for options in ([], ["--with-text"]):
        assert run("list", "close-the-loop", "--lake", to_answer, "--output", path, *options) == 0
        with path.open(encoding="utf-8", newline="") as file:
            (row,) = csv.DictReader(file)
        assert (row["feedback_id"], row["reasons"], row["priority"], row["contact"]) == (
            "f0000000",
            "angry|at_risk",
            "1",
            "unknown",
        )
        assert row.get("text") == ("'=cmd() never again" if options else None)


@pytest.mark.parametrize(
    "text", ["\u200b=1", "＝1", "\ufeff @a", "=1+1", "+1", "-1", "@a", "  =1", "\t=1", "\r=1", "\n=1"]
)
def test_what_starts_like_a_formula_is_a_text(text):
    assert lists.safe_cell(text) == f"'{text}"


def test_other_cells_stay():
    assert [lists.safe_cell(value) for value in ("a=b", -1.5, None, "")] == ["a=b", -1.5, "", ""]
