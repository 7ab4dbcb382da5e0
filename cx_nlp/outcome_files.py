"""The optional files beside the feedback: what customers did (`measures.outcomes`), what was answered (`measures.loops`).

CSV (UTF-8, a header) or Parquet. They are read whole and checked before a run touches the lake; what is wrong is one
line with the file and the row, which repeats no value: a cell in the wrong column may well be a customer's id. A
customer's id lives only until it is hashed as the feedback's are.
"""

import csv
import datetime as dt
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cx_nlp import identity
from cx_nlp.errors import SourceError, UnknownName

OUTCOME_COLUMNS = ("customer", "as_of", "stayed", "spend", "recommended", "persona")
LOOP_COLUMNS = ("source", "feedback_id", "answered_at", "resolved")
OUTCOMES = pa.schema(
    [("customer_key", pa.string()), ("as_of", pa.date32()), ("stayed", pa.bool_()), ("spend", pa.float64()),
     ("recommended", pa.bool_()), ("persona", pa.string())]
)  # fmt: skip
LOOPS = pa.schema(
    [("source", pa.string()), ("feedback_id", pa.string()), ("answered_at", pa.timestamp("us", tz="UTC")),
     ("resolved", pa.bool_())]
)  # fmt: skip
_YES, _NO = ("yes", "true", "y", "1"), ("no", "false", "n", "0")
Row = dict[str, Any]


def outcomes(path: Path, hasher: identity.Hasher) -> pa.Table:
    """Columns of OUTCOMES, in order of customer_key and as_of; an empty file gives no rows.

    customer and as_of (a date) are required, each pair once; stayed and recommended are yes or no, spend a number,
    persona a name; any may be left out or empty. Raises SourceError or UnknownName, one line.
    """
    rows: list[Row] = []
    seen: dict[tuple, str] = {}
    for place, row in _rows(path, OUTCOME_COLUMNS, needed=("customer", "as_of")):
        key = identity.customer_key(hasher, _text(row.get("customer")))
        if key is None:
            raise SourceError(f"{place}: customer is empty")
        as_of = _value(place, row, "as_of", _day, "a date (YYYY-MM-DD)")
        if as_of is None:
            raise SourceError(f"{place}: as_of is empty, expected a date (YYYY-MM-DD)")
        _once(seen, (key, as_of), place, "customer and as_of")
        made = {"customer_key": key, "as_of": as_of, "persona": _text(row.get("persona"))}
        made |= {name: _value(place, row, name, _flag, "yes or no") for name in ("stayed", "recommended")}
        rows.append(made | {"spend": _value(place, row, "spend", _number, "a number")})
    rows.sort(key=lambda row: (row["customer_key"], row["as_of"]))
    return pa.Table.from_pylist(rows, schema=OUTCOMES)


def personas(rows: pa.Table) -> pa.Table:
    """Rows of `outcomes` -> customer_key, persona: the newest that each customer has; without any, no row."""
    newest = {row["customer_key"]: row["persona"] for row in rows.to_pylist() if row["persona"]}
    columns = {
        "customer_key": pa.array(list(newest), pa.string()),
        "persona": pa.array(list(newest.values()), pa.string()),
    }
    return pa.table(columns)


def loops(path: Path) -> pa.Table:
    """Columns of LOOPS in the file's order; an empty file gives no rows.

    source and feedback_id are required, each pair once, as the lake names them; answered_at is a time (without a zone it
    is UTC, a date alone is the end of that day) or empty where nobody answered; resolved is yes or no. Raises as above.
    """
    rows: list[Row] = []
    seen: dict[tuple, str] = {}
    for place, row in _rows(path, LOOP_COLUMNS, needed=("source", "feedback_id", "answered_at")):
        source, feedback_id = _text(row.get("source")), _text(row.get("feedback_id"))
        if source is None or feedback_id is None:
            raise SourceError(f"{place}: {'source' if source is None else 'feedback_id'} is empty")
        _once(seen, (source, feedback_id), place, "source and feedback_id")
        rows.append(
            {
                "source": source, "feedback_id": feedback_id,
                "answered_at": _value(place, row, "answered_at", _moment, "a date or a time (ISO 8601)"),
                "resolved": _value(place, row, "resolved", _flag, "yes or no"),
            }
        )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=LOOPS)


def _rows(path: Path, known: tuple[str, ...], *, needed: tuple[str, ...]) -> Iterator[tuple[str, Row]]:
    """(file and row as a person would look it up, cells by column); lines without any cell are passed over."""
    read = _parquet if path.suffix == ".parquet" else _csv
    try:
        header, rows = read(path)
        for name in header:
            if name not in known:
                raise UnknownName("column", name, known, where=str(path))
        if len(set(header)) < len(header):
            raise SourceError(f"{path}: a column occurs twice")
        missing = [name for name in needed if name not in header]
        if missing:
            raise SourceError(f"{path}: lacks column {missing[0]}, expected {', '.join(needed)}")
        yield from rows
    except FileNotFoundError:
        raise SourceError(f"no file {path}") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None
    except (csv.Error, UnicodeDecodeError, pa.ArrowException) as error:
        kind = "UTF-8 CSV" if read is _csv else "Parquet"
        raise SourceError(f"{path}: not readable as {kind}: {type(error).__name__}") from None


def _csv(path: Path) -> tuple[list[str], Iterator[tuple[str, Row]]]:
    file = path.open(encoding="utf-8-sig", newline="")
    reader = csv.reader(file, strict=True)
    header = [name.strip() for name in next(reader, [])]

    def rows() -> Iterator[tuple[str, Row]]:
        with file:
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(header):
                    raise SourceError(f"{path} line {reader.line_num}: {len(cells)} cells, expected {len(header)}")
                yield f"{path} line {reader.line_num}", dict(zip(header, cells, strict=True))

    return header, rows()


def _parquet(path: Path) -> tuple[list[str], Iterator[tuple[str, Row]]]:
    table = pq.ParquetFile(path).read()
    return table.column_names, ((f"{path} row {nr}", row) for nr, row in enumerate(table.to_pylist(), start=1))


def _once(seen: dict[tuple, str], key: tuple, place: str, what: str) -> None:
    if key in seen:
        raise SourceError(f"{place}: {what} as in {seen[key]}, expected once")
    seen[key] = " ".join(place.split(" ")[-2:])  # "line 7"


def _value(place: str, row: Row, name: str, read: Callable[[Any], Any], expected: str) -> Any:
    """A cell as its type; None where it is empty or the file has no such column."""
    cell = row.get(name)
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    try:
        return read(cell)
    except (ValueError, TypeError, OverflowError):
        raise SourceError(f"{place}: {name} is not {expected}") from None


def _text(cell: Any) -> str | None:
    return None if cell is None or not str(cell).strip() else str(cell).strip()


def _flag(cell: Any) -> bool:
    if isinstance(cell, bool):
        return cell
    word = str(cell).strip().casefold()
    if word not in _YES + _NO:
        raise ValueError
    return word in _YES


def _number(cell: Any) -> float:
    value = float(cell)
    if isinstance(cell, bool) or not math.isfinite(value):
        raise ValueError
    return value


def _day(cell: Any) -> dt.date:
    if isinstance(cell, dt.datetime):
        return cell.date()
    return cell if isinstance(cell, dt.date) else dt.date.fromisoformat(cell.strip())


def _moment(cell: Any) -> dt.datetime:
    if isinstance(cell, str):
        text = cell.strip()
        cell = dt.date.fromisoformat(text) if len(text) == 10 else dt.datetime.fromisoformat(text)
    if not isinstance(cell, dt.datetime):
        cell = dt.datetime.combine(cell, dt.time(23, 59, 59))
    return cell.replace(tzinfo=dt.UTC) if cell.tzinfo is None else cell.astimezone(dt.UTC)
