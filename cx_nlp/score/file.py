"""`cx-nlp score`: a file in, a file out; no lake, no identity, no accounting."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cx_nlp import progress, sources
from cx_nlp.clean import CLEAN_VERSION, clean_text
from cx_nlp.columns import shown_columns
from cx_nlp.errors import SourceError, UsageError
from cx_nlp.identity import is_personal
from cx_nlp.language import text_status
from cx_nlp.schema import SCORE_FILE, SCORES, ScoreStatus, as_table
from cx_nlp.score.engines import AUTO
from cx_nlp.score.scorer import Scorer, score_rows
from cx_nlp.themes.taxonomy import load_taxonomies


@dataclass(frozen=True)
class Done:
    rows: int
    scored: int
    bad: int  # lines that could not be read as rows; they keep their place in the output, without scores


def score_file(
    input_: str,
    *,
    text_column: str,
    id_column: str | None = None,
    output: Path | None = None,
    kind: str | None = None,
    language: str = "en",
    model: str = "minilm-cx",
    threads: int = 0,
    engine: str = AUTO,
) -> Done:
    """Score `input_` ("-" is stdin) into a Parquet file, or as JSON lines on stdout if `output` is None.

    One row out for each row in, in input order; the output appears whole or not at all.
    Raises UsageError for a wrong column or file type, SourceError for a file that cannot be read.
    """
    if output is not None and output.is_dir():
        raise UsageError(f"--output is a directory, expected a file name: {output}")
    if output is not None and not output.absolute().parent.is_dir():
        raise UsageError(f"--output: no such folder: {output.parent}")
    if output is not None and output.exists() and input_ != "-" and Path(input_).exists() and output.samefile(input_):
        raise UsageError(f"--output is the input itself: {output}")
    rows = scored = bad = 0
    with _input(input_, kind) as (path, reader), _output(output) as write:
        frames = _frames(reader(path), text_column=text_column, id_column=id_column, path=path)
        first = next(frames, None)  # wrong columns end here, before a model is loaded
        if first is None:
            raise SourceError(f"{input_}: no rows")
        scorer = Scorer.load(model=model, taxonomy=load_taxonomies(["general"]), threads=threads, engine=engine)
        with progress.bar("scoring", total=None) as step:
            frame: pd.DataFrame | None = first
            while frame is not None:
                table = _scored(scorer, frame, language=language)
                write(table)
                rows, bad = rows + len(frame), bad + int(frame["is_bad"].sum())
                scored += pa.compute.sum(pa.compute.equal(table["score_status"], "scored")).as_py() or 0
                step(len(frame))
                frame = next(frames, None)
    return Done(rows, scored, bad)


def _frames(chunks, *, text_column: str, id_column: str | None, path: Path) -> Iterator[pd.DataFrame]:
    """Chunks of a source -> frames of `feedback_id`, `raw`, `is_bad` in input order."""
    number = 0
    for chunk in chunks:
        for option, column in (("--text-column", text_column), ("--id-column", id_column)):
            if column is not None and column not in chunk.rows.columns:
                found = shown_columns(
                    chunk.rows.columns, near=column, wanted=[text_column, *([id_column] if id_column else [])]
                )
                raise UsageError(f"{path}: no column {column!r} ({option}), {found}")
        good = pd.DataFrame({"raw": chunk.rows[text_column].fillna("").to_numpy(), "at": chunk.positions})
        good["feedback_id"] = chunk.rows[id_column].to_numpy() if id_column else None
        broken = pd.DataFrame({"raw": "", "at": [row.position for row in chunk.bad], "feedback_id": None})
        good["is_bad"], broken["is_bad"] = False, True
        if good.empty and broken.empty:
            continue
        frame = pd.concat([good, broken])
        frame["at"] = frame["at"].str.extract(r"(\d+)$", expand=False).astype(int)  # line or row number
        frame = frame.sort_values("at", kind="stable").reset_index(drop=True)
        numbers = pd.Series([str(number + i) for i in range(len(frame))])
        frame["feedback_id"] = frame["feedback_id"].where(frame["feedback_id"].notna(), numbers)
        number += len(frame)
        yield frame


def _scored(scorer: Scorer, frame: pd.DataFrame, *, language: str) -> pa.Table:
    # Ids stay what they are, so that rows can be joined again; only one that is personal data itself is masked.
    ids = [clean_text(name) if is_personal(name) else name for name in frame["feedback_id"]]
    out = pd.DataFrame({"feedback_id": ids})
    out["text"] = [clean_text(text) for text in frame["raw"]]
    found = [text_status(text, default=language, supported=scorer.languages) for text in out["text"]]
    out["score_status"], out["language"] = [str(status) for status, _ in found], [lang for _, lang in found]
    out.loc[frame["is_bad"], "score_status"] = str(ScoreStatus.UNREADABLE)
    to_score = out[out["score_status"] == ScoreStatus.SCORED]
    documents, _, _ = score_rows(scorer, to_score["text"], to_score["language"])
    for name in [*(name for name, _ in SCORES), "model_version", "engine"]:
        out[name] = documents[name].reindex(out.index).astype(object).where(lambda s: s.notna(), None)
    out["clean_version"] = CLEAN_VERSION
    return as_table(out, SCORE_FILE)


@contextmanager
def _input(name: str, kind: str | None):
    """-> the file to read and its reader; stdin is kept in a temporary file that only we can read."""
    if name != "-":
        path, *others = sources.expand(name)
        if others:
            raise UsageError(f"{name} matches {len(others) + 1} files, expected one")
        yield path, sources.resolve(kind or sources.kind_of(path))
        return
    kind = kind or "csv"
    with tempfile.NamedTemporaryFile(prefix="stdin-", suffix=f".{kind}") as file:
        while block := sys.stdin.buffer.read(1 << 20):
            file.write(block)
        file.flush()
        yield Path(file.name), sources.resolve(kind)


@contextmanager
def _output(path: Path | None):
    """-> a function that takes tables; the file appears under its name only once all of them are written."""
    if path is None:
        yield _print
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with pq.ParquetWriter(temporary, SCORE_FILE, compression="zstd") as writer:
            yield writer.write_table
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _print(table: pa.Table) -> None:
    # JSON, not CSV: a comment that begins with "=" must not become a formula in somebody's spreadsheet.
    for row in table.to_pylist():
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    sys.stdout.flush()
