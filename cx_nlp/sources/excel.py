"""Excel workbooks (.xlsx, .xlsm), one sheet, row by row: every value as the text that a person sees.

Dates are ISO, whole numbers have no ".0", numbers formatted with leading zeros keep them, a formula gives the value
that Excel stored with it, an error such as #N/A is missing. A workbook keeps all different texts of its sheets in one
table, which is held in memory; Excel's limit of 1,048,576 rows bounds it.
"""

import datetime as dt
import difflib
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cx_nlp.errors import CxError, SourceError
from cx_nlp.sources.chunk import Chunk, chunked, clean_names
from cx_nlp.sources.files import one_line_errors
from cx_nlp.sources.values import as_text

log = logging.getLogger("cx_nlp")
_ZIP = b"PK\x03\x04"
_OLD = b"\xd0\xcf\x11\xe0"
_LEADING_ZEROS = re.compile("0{2,}")
_SHOWS_TIME = re.compile(r"[hHsS]|AM/PM")
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')  # parts of a number format that are no codes


def read(
    path: Path, *, chunk_rows: int = 5000, encoding: str | None = None, sheet: str | int | None = None
) -> Iterator[Chunk]:
    """Yield the rows of one sheet in chunks of at most `chunk_rows`; its first row with a value is the header.

    sheet: a name, or a number from 1; None takes the first visible one. Empty rows are skipped; cells right of the last
    named column are left out, with a warning. Positions are "name.xlsx:row 7", as Excel counts. `encoding` is ignored.
    Raises SourceError: no such file or sheet, no header, duplicate column names, a file that is damaged, encrypted or none.
    """
    import openpyxl

    with one_line_errors(path), path.open("rb") as stream:
        magic = stream.read(4)
        if magic != _ZIP:
            what = "an old or an encrypted workbook; save it as .xlsx without a password" if magic == _OLD else "none"
            raise SourceError(f"{path}: {'empty file' if not magic else f'not an Excel workbook (.xlsx) but {what}'}")
        stream.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about styles and extensions that it leaves out
                # The stream, not the path: openpyxl judges a file by the end of its name.
                book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
            try:
                yield from _chunks(_sheet(book, sheet, path), path, chunk_rows)
            finally:
                book.close()
        except (CxError, OSError, MemoryError):
            raise
        except Exception as error:  # a damaged workbook shows as any error of zip, XML or openpyxl
            raise SourceError(f"{path}: not readable as an Excel workbook ({type(error).__name__})") from None


def _sheet(book: Any, wanted: str | int | None, path: Path) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        raise SourceError(f"{path}: the workbook has no sheet of cells")
    if wanted is None:
        return next((sheet for sheet in sheets.values() if sheet.sheet_state == "visible"), book.worksheets[0])
    if isinstance(wanted, int):
        if 1 <= wanted <= len(sheets):
            return book.worksheets[wanted - 1]
    elif wanted in sheets:
        return sheets[wanted]
    near = difflib.get_close_matches(str(wanted), sheets, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise SourceError(f"{path}: no sheet {wanted!r}, {hint}it has {', '.join(map(repr, list(sheets)[:10]))}")


def _chunks(sheet: Any, path: Path, chunk_rows: int) -> Iterator[Chunk]:
    # Some writers state a size that is wrong, and no cell beyond it would be read.
    sheet.reset_dimensions()
    rows = ((number, _values(cells)) for number, cells in enumerate(sheet.iter_rows(), start=1))
    filled = ((number, values) for number, values in rows if any(value is not None for value in values))
    _, header = next(filled, (0, []))
    while header and header[-1] is None:
        header.pop()
    if not header:
        raise SourceError(f"{path}: sheet {sheet.title!r} is empty, expected a row of column names")
    columns = clean_names([name or "" for name in header], path)
    outside = 0

    def records() -> Iterator[tuple[str, list[str | None]]]:
        nonlocal outside
        for number, values in filled:
            outside += any(value is not None for value in values[len(columns) :])
            row = values[: len(columns)] + [None] * (len(columns) - len(values))
            if any(value is not None for value in row):
                yield f"{path.name}:row {number}", row

    yield from chunked(columns, records(), chunk_rows=chunk_rows)
    if outside:
        log.warning("%s: cells right of the last named column left out in %d rows", path.name, outside)


def _values(cells: Any) -> list[str | None]:
    return [None if cell.value is None or cell.data_type == "e" else _text(cell) for cell in cells]


def _text(cell: Any) -> str | None:
    value, form = cell.value, str(cell.number_format or "")
    if isinstance(value, str):
        return value or None
    if isinstance(value, dt.datetime):
        shows_time = _SHOWS_TIME.search(_QUOTED.sub("", form))
        return value.date().isoformat() if value.time() == dt.time() and not shows_time else as_text(value)
    if isinstance(value, float):
        value = float(f"{value:.15g}")  # Excel shows 15 digits: 0.1 + 0.2 is 0.3 there
    text = as_text(value)
    if text is not None and _LEADING_ZEROS.fullmatch(form) and text.isdigit():
        return text.zfill(len(form))
    return text
