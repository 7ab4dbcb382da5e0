"""CSV files for tests, and what the source reads of them."""

from pathlib import Path

import pandas as pd

from cx_nlp.sources import csv as source


def write(tmp_path: Path, content: str | bytes, name: str = "survey.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path: Path, **options) -> tuple[pd.DataFrame, list[str], list]:
    chunks = list(source.read(path, **options))
    frame = pd.concat([chunk.rows for chunk in chunks], ignore_index=True)
    return frame, [p for c in chunks for p in c.positions], [b for c in chunks for b in c.bad]


def records(path: Path, **options) -> list[list]:
    frame, _, _ = read(path, **options)
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
