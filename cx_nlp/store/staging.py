"""Rows on their way into the lake, put aside under `_staging/<run_id>/` until the whole input has been read.

What is there is one run's own: the next run sweeps it, so nothing needs to be synced.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cx_nlp import schema
from cx_nlp.store import files

# A rejected row as staged: `occurrence` and `run_id` come with the merge, `file` and `nr` tell how it is counted.
STAGED_REJECTS = pa.schema(
    [field for field in schema.REJECTS if field.name not in ("occurrence", "run_id")]
    + [pa.field("file", pa.string(), nullable=False), pa.field("nr", pa.int64(), nullable=False)]
)


@dataclass(frozen=True)
class Staged:
    """Rows put aside from one file."""

    rows: int
    rejects: int


def stage(
    lake: Path,
    run_id: str,
    chunks: Iterable[tuple[pd.DataFrame, pd.DataFrame]],
    *,
    name: str,
    file: str,
) -> Staged:
    """Put aside all rows of one source file, chunk by chunk.

    chunks: (columns of `schema.STAGED`, columns of `schema.REJECTS` without occurrence and run_id), as `prepare`
    gives them; either frame may be empty. name: unique in the run ("survey-00003"); the same name again, as after a
    retry, replaces all that an earlier try left. file: the source file as rows name it.
    Raises LakeError if the disk refuses.
    """
    folder = files.staging(lake, run_id)
    name = quote(name, safe="")  # a source may be called a/b
    rows = rejects = 0
    with files.refusals(f"stage {file}"):
        for kind in ("rows", "rejects"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            for stale in (folder / kind).glob("*.parquet"):
                if stale.name.rsplit(".", 2)[0] == name:
                    stale.unlink()
        for number, (accepted, rejected) in enumerate(chunks):
            part = f"{name}.{number:06}.parquet"
            if len(accepted):
                _write(folder / "rows" / part, accepted, schema.STAGED)
            if len(rejected):
                counted = rejected.assign(file=file, nr=range(rejects, rejects + len(rejected)))
                _write(folder / "rejects" / part, counted, STAGED_REJECTS)
            rows, rejects = rows + len(accepted), rejects + len(rejected)
    return Staged(rows, rejects)


def unstage(lake: Path, run_id: str, source: str) -> None:
    """Remove what the run has put aside under names "<source>-<number>"; raises LakeError if the disk refuses."""
    prefix = quote(source, safe="")
    with files.refusals(f"clear the staging of {source}"):
        for kind in ("rows", "rejects"):
            for stale in staged_files(lake, run_id, kind):
                if stale.name.rsplit(".", 2)[0].rpartition("-")[0] == prefix:
                    stale.unlink()


def staged_files(lake: Path, run_id: str, kind: str) -> list[Path]:
    """The run's staged Parquet files of a kind ("rows" or "rejects"), sorted."""
    return sorted((files.staging(lake, run_id) / kind).glob("*.parquet"))


def _write(path: Path, frame: pd.DataFrame, to: pa.Schema) -> None:
    missing = [name for name in to.names if name not in frame.columns]
    if missing:
        raise KeyError(f"staged frame lacks columns: {', '.join(missing)}")
    table = pa.Table.from_pandas(frame[to.names], schema=to, preserve_index=False)
    pq.write_table(files.conform(table, to), path, compression="zstd")
