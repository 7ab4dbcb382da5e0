"""Chunks as sources give them, prepared in one call."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from cx_nlp.config import SourceConfig
from cx_nlp.identity import Hasher
from cx_nlp.prepare import prepare

HASHER = Hasher(b"test key")
START = datetime(2026, 11, 22, 6, tzinfo=UTC)
MAPPING = {"feedback_id": "id", "customer_id": "customer", "submitted_at": "date", "text": "comment", "nps": "score"}
ROW = {"id": "r1", "customer": "C-1009", "date": "2026-03-04", "comment": "The staff were lovely", "score": "9"}


@dataclass
class Bad:
    position: str
    detail: str
    raw: str


@dataclass
class Piece:
    rows: pd.DataFrame
    positions: list[str]
    bad: list[Bad] = field(default_factory=list)


def chunk(*rows, bad=(), columns=None):
    frame = pd.DataFrame(
        list(rows), columns=columns or list(dict.fromkeys(k for row in rows for k in row)), dtype="str"
    )
    return Piece(frame, [f"s.csv:{line}" for line in range(2, len(rows) + 2)], list(bad))


def source(columns=None, **extra):
    return SourceConfig(kind="csv", path="x", columns=MAPPING if columns is None else columns, **extra)


def run(piece, config=None, **extra):
    config = config or source()
    return prepare(
        piece, **{"name": "survey", "source": config, "hasher": HASHER, "run_start": START, "file": "s.csv"} | extra
    )


def one(row, config=None, **extra):
    staged, rejects = run(chunk(row), config, **extra)
    assert len(staged) == 1, rejects.to_dict("records")
    return staged.iloc[0]


def reason(row, config=None):
    _, rejects = run(chunk(row), config)
    return rejects["reason"].iloc[0] if len(rejects) else None
