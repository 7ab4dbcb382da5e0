"""The table of sources, finding files, and that one content reads alike from every format."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from cx_nlp.errors import SourceError, UnknownName, UsageError
from cx_nlp.sources import QUERIES, SOURCES, expand, kind_of, resolve
from cx_nlp.sources.credentials import Filled


def test_every_name_in_the_table_resolves():
    for kind in SOURCES:
        assert callable(resolve(kind))


def test_unknown_kind_names_the_nearest():
    with pytest.raises(UnknownName, match="unknown source kind 'cvs', did you mean 'csv'"):
        resolve("cvs")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.csv", "csv"), ("a.TSV", "csv"), ("a.b.csv.gz", "csv"), ("a.ndjson", "jsonl"), ("a.parquet", "parquet")],
)
def test_kind_of(name, kind):
    assert kind_of(Path(name)) == kind


def test_kind_of_unknown_ending():
    with pytest.raises(UsageError, match=r"unknown kind of file '\.docx', expected one of \.csv"):
        kind_of(Path("a.docx"))


def test_import_is_light():
    code = "import sys, cx_nlp.sources; print([m for m in ('pandas', 'pyarrow') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_globs_are_sorted_and_go_into_folders(tmp_path):
    for name in ("b.csv", "a.csv", "c.txt", "sub/d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.csv").mkdir()
    assert [p.name for p in expand(tmp_path / "*.csv")] == ["a.csv", "b.csv"]
    assert [p.name for p in expand(str(tmp_path / "**" / "*.csv"))] == ["a.csv", "b.csv", "d.csv"]


def test_a_name_with_brackets_is_no_glob(tmp_path):
    path = tmp_path / "export [1].csv"
    path.touch()
    assert expand(path) == [path]


def test_nothing_there(tmp_path):
    (tmp_path / "survey-1.csv").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"no such file: .*survy-1\.csv, did you mean survey-1\.csv\?$"):
        expand(tmp_path / "survy-1.csv")
    with pytest.raises(SourceError, match=r"no such file: .*none/x\.csv$"):
        expand(tmp_path / "none" / "x.csv")
    with pytest.raises(SourceError, match=r"no file matches .*\*\.jsonl$"):
        expand(tmp_path / "*.jsonl")
    with pytest.raises(SourceError, match=r"no file matches .*emp\* \(only directories do\)$"):
        expand(tmp_path / "emp*")
    with pytest.raises(SourceError, match=r"empty is a directory with no file in it$"):
        expand(tmp_path / "empty")
    with pytest.raises(SourceError, match=r"is a directory; name a file, or a glob such as .*\*\.csv$"):
        expand(tmp_path)
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(SourceError, match=r"gone\.csv: a link to a file that does not exist"):
        expand(tmp_path / "*.csv")


def test_no_read_permission(tmp_path, monkeypatch):
    path = tmp_path / "secret.csv"
    path.touch()
    # Whoever runs the tests as root may read everything: ask for the answer that others get.
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(SourceError, match=r"secret\.csv: no permission to read it"):
        expand(path)


def test_one_content_reads_alike_from_every_format(tmp_path):
    frame = pd.DataFrame({"id": ["007", "8"], "text": ["Café, “ok”", None], "nps": [9, 10]})
    frame.to_csv(tmp_path / "f.csv", index=False)
    frame.to_json(tmp_path / "f.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "f.parquet")
    frame.to_excel(tmp_path / "f.excel", index=False, engine="openpyxl")
    table = pa.Table.from_pandas(frame)
    with pa.OSFile(str(tmp_path / "f.datasets"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with closing(sqlite3.connect(tmp_path / "f.sql")) as connection:
        frame.to_sql("f", connection, index=False)
    with duckdb.connect(str(tmp_path / "f.duckdb")) as con:
        con.execute("CREATE TABLE f AS FROM frame")
    where = {kind: tmp_path / f"f.{kind}" for kind in SOURCES} | {"sql": Filled(f"sqlite:///{tmp_path}/f.sql")}
    query = {kind: ("SELECT * FROM f",) if kind in QUERIES else () for kind in SOURCES}
    bound = {kind: {"parameters": {}} if kind in QUERIES else {} for kind in SOURCES}
    read = {kind: next(resolve(kind)(where[kind], *query[kind], **bound[kind])).rows for kind in SOURCES}
    for kind in SOURCES:
        pd.testing.assert_frame_equal(read["csv"], read[kind], obj=kind)


def test_the_nhs_file_reads_alike_as_csv_and_parquet():
    root = Path(os.environ.get("CX_NLP_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "feedback"
    if not root.is_dir():
        pytest.skip("no development data: set CX_NLP_DATA to its folder")
    by_kind = {}
    for kind in ("csv", "parquet"):
        chunks = list(resolve(kind)(root / f"nhs_patient_feedback.{kind}"))
        assert not any(chunk.bad for chunk in chunks)
        by_kind[kind] = pd.concat([chunk.rows for chunk in chunks], ignore_index=True)
    assert len(by_kind["csv"]) == 5096
    assert by_kind["csv"].columns.tolist() == by_kind["parquet"].columns.tolist()
    for column in ("Respondent ID", "Date", "FFT answer", "FFT categorical answer"):
        csv, parquet = by_kind["csv"][column], by_kind["parquet"][column].replace("", pd.NA)
        assert (csv.eq(parquet) | (csv.isna() & parquet.isna())).all(), column
