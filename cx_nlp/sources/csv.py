"""CSV, streamed: any of four delimiters, quoted line breaks, and one bad record at a time.

A record with the wrong number of fields is a BadRow, never a row shifted by one. A quote that is opened and
not closed would swallow the records after it: they are given back and read again.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from cx_nlp.errors import SourceError
from cx_nlp.sources.chunk import MAX_RAW, MAX_RECORD, BadRow, Chunk, chunked, clean_names
from cx_nlp.sources.files import find_encoding, one_line_errors, opened

DELIMITERS = ",;\t|"
_SNIFFED_RECORDS = 200
_HEAD = 2**16
_SEP_LINE = re.compile(r"sep=(.)[\r\n]*", re.IGNORECASE)  # how Excel is told the delimiter
_END_IN_QUOTE = "unexpected end of data"  # the csv module's words
_TOO_LONG = "longer than"


def read(path: Path, *, chunk_rows: int = 5000, encoding: str | None = None) -> Iterator[Chunk]:
    """Yield the records of one CSV (or gzip) file, header first, in chunks of at most `chunk_rows` rows.

    Values are as written, quotes removed; an empty field is missing. Blank lines are skipped. Positions are the file's
    name and the physical line, from 1, on which the record starts. Memory does not grow with the file.
    Raises SourceError: no such file, unreadable, empty, binary, unknown encoding, duplicate column names.
    """
    with one_line_errors(path):
        codec, errors = find_encoding(path, encoding)
        with opened(path) as stream:
            head = io.TextIOWrapper(stream, encoding=codec, errors=errors, newline="").read(_HEAD)
        delimiter = sniff(head)
        # The csv module keeps one limit for the whole process: raise it, never lower another user's.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD + 1))
        with opened(path) as stream:
            lines = _Lines(io.TextIOWrapper(stream, encoding=codec, errors=errors, newline=""))
            columns = _header(lines, delimiter, path)
            yield from chunked(columns, _records(lines, delimiter, len(columns), path.name), chunk_rows=chunk_rows)


def sniff(head: str) -> str:
    """The delimiter of a CSV's beginning: the one that splits most records into as many fields as the header.

    "," if none splits the header: a file of one column.
    """
    head = head.lstrip("\ufeff")
    if match := _SEP_LINE.match(head):
        return match[1]
    lines = list(io.StringIO(head, newline=""))
    if len(head) >= _HEAD - 1:
        lines = lines[:-1] or lines
    best, delimiter = (0.0, 0), ","
    for candidate in DELIMITERS:
        try:
            counts = [len(r) for r in islice(csv.reader(lines, delimiter=candidate), _SNIFFED_RECORDS) if r]
        except csv.Error:  # a field beyond the csv module's limit
            continue
        if counts and counts[0] > 1:
            score = (counts.count(counts[0]) / len(counts), counts[0])
            if score > best:
                best, delimiter = score, candidate
    return delimiter


def _header(lines: "_Lines", delimiter: str, path: Path) -> list[str]:
    while True:
        lines.begin()
        try:
            names = next(csv.reader(lines, delimiter=delimiter, strict=True))
        except StopIteration:
            raise SourceError(f"{path}: no header line") from None
        except csv.Error as error:
            names = _one_record(lines.record, delimiter) if len(lines.record) == 1 else []
            if not names or str(error) == _END_IN_QUOTE:
                raise SourceError(f"{path}: header not readable as CSV: {error}") from None
        if any(name.strip() for name in names) and not _SEP_LINE.fullmatch(lines.record[0]):
            return clean_names(names, path)


class _Lines:
    """The physical lines of a text stream, numbered; remembers those of the current record and can take them back."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self.number = 0  # of the line handed out last
        self.record: list[str] = []
        self._stream = stream
        self._again: deque[str] = deque()
        self._size = 0
        self._read = 0
        self._given_back = 0

    def __iter__(self) -> "_Lines":
        return self

    def begin(self) -> None:
        """The next line starts a record."""
        self.record, self._size = [], 0

    def __next__(self) -> str:
        if self._again:
            line = self._again.popleft()
        else:
            line = self._stream.readline(MAX_RECORD)
            self._read += len(line)
            rest = line if len(line) == MAX_RECORD else ""
            while rest and not rest.endswith(("\n", "\r")):  # what is too long for a record is read past, not kept
                rest = self._stream.readline(MAX_RECORD)
        if not line:
            raise StopIteration
        if self.number == 0:
            line = line.lstrip("\ufeff")
        self.number += 1
        self.record.append(line)
        self._size += len(line)
        if self._size >= MAX_RECORD:
            raise csv.Error(f"{_TOO_LONG} {MAX_RECORD:,} characters")
        return line

    def give_back(self) -> bool:
        """Take back all but the first line of the record, to be handed out again.

        False, and nothing is taken back, once a hostile file has had itself read four times over: each of its lines
        can open a quote that the next ones do not close, and reading would become quadratic.
        """
        size = self._size - len(self.record[0])
        if self._given_back + size > 4 * self._read + MAX_RECORD:
            return False
        self._given_back += size
        self._again.extendleft(reversed(self.record[1:]))
        self.number -= len(self.record) - 1
        self.record = self.record[:1]
        return True


def _records(lines: _Lines, delimiter: str, width: int, name: str) -> Iterator[tuple[str, list[str | None]] | BadRow]:
    """(position, fields) or BadRow for each record after the header; blank lines are skipped."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        position, fault = f"{name}:{lines.number + 1}", ""
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fields, fault = [], str(error)
        if not fault:
            if len(fields) == width:
                yield position, [value or None for value in fields]
                continue
            if not fields or (len(fields) == 1 and not fields[0].strip()):
                continue
        if len(lines.record) > 1 and _swallowed(lines.record[1:], delimiter, width, fault) and lines.give_back():
            yield _bad(position, "a quote opened in this line is not closed", lines.record)
            continue
        if fault == _END_IN_QUOTE or fault.startswith(_TOO_LONG):
            detail = "a quote opened in this record is never closed" if fault == _END_IN_QUOTE else fault
            yield _bad(position, detail, lines.record)
            continue
        # `"He said "great" service",5` is not strict CSV, but the forgiving reading may have the right fields.
        fields = fields or _one_record(lines.record, delimiter)
        if len(fields) == width:
            yield position, [value or None for value in fields]
        elif fields:
            yield _bad(position, f"expected {width} fields, got {len(fields)}", lines.record)
        else:
            yield _bad(position, f"not readable as CSV: {fault}", lines.record)


def _bad(position: str, detail: str, record: list[str]) -> BadRow:
    return BadRow(position, detail, "".join(record).rstrip("\r\n")[:MAX_RAW])


def _swallowed(following: list[str], delimiter: str, width: int, fault: str) -> bool:
    """Whether lines within a broken record are records of their own, swallowed by an open quote before them."""
    if width == 1:  # any line is a record of one field
        return bool(fault)
    for line in following:
        # The last line of a quoted comment holds one quote and the fields after it: that is not a record of its own ...
        if line.count('"') % 2 == 0 and len(_one_record([line], delimiter, strict=True)) == width:
            return True
        # ... unless the quotes are known to be off: then two lines with a stray quote each are not one record.
        if fault and line.count(delimiter) == width - 1:
            return True
    return False


def _one_record(lines: list[str], delimiter: str, *, strict: bool = False) -> list[str]:
    """The fields of lines that are one record, read forgivingly unless `strict`; [] if they are not."""
    try:
        records = list(csv.reader(lines, delimiter=delimiter, strict=strict))
    except csv.Error:
        return []
    return records[0] if len(records) == 1 else []
