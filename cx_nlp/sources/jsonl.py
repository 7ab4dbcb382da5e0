"""JSON Lines, streamed: one object a line, values as they are written.

Numbers keep their literal text ("007" cannot occur in JSON, "5.0" and 20-digit ids can), booleans become
"true" and "false", null is missing, and a list or object becomes JSON text with sorted keys.
"""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, AnyStr

from cx_nlp.errors import SourceError
from cx_nlp.sources.chunk import MAX_COLUMNS, MAX_RAW, MAX_RECORD, BadRow, Chunk, chunked, clean_name, clean_names
from cx_nlp.sources.files import check_text, known_codec, one_line_errors, opened, wide_codec


def read(path: Path, *, chunk_rows: int = 5000, encoding: str | None = None) -> Iterator[Chunk]:
    """Yield the objects of one JSONL (or gzip) file in chunks of at most `chunk_rows` rows.

    A line that is not UTF-8 (or `encoding`), not JSON or not an object is a BadRow; blank lines are skipped. Columns
    are the union of all keys in the file, in order of appearance, and a key that an object lacks is missing: the file
    is read twice for this. Raises SourceError: no such file, unreadable, empty, binary, a JSON array, 2,000 keys.
    """
    with one_line_errors(path):
        head = check_text(path)
        # JSON is UTF-8 (RFC 8259), so nothing is guessed beyond UTF-16, which shows.
        codec = known_codec(encoding, path) if encoding else wide_codec(head) or "utf-8"
        spellings = _keys(path, codec)
        columns = clean_names(spellings, path)
        yield from chunked(columns, _records(path, codec, list(spellings.values())), chunk_rows=chunk_rows)


def _records(path: Path, codec: str, spellings: list[list[str]]) -> Iterator[tuple[str, list[str | None]] | BadRow]:
    for number, line, fault in _lines(path, codec):
        position = f"{path.name}:{number}"
        try:
            if fault:
                raise ValueError(fault)
            values = _values(line)
        except ValueError as error:
            yield BadRow(position, str(error), line[:MAX_RAW])
            continue
        # One column may come under several spellings of its key ("text", " text"): the first with a value counts.
        yield position, [next((v for key in keys if (v := values.get(key)) is not None), None) for keys in spellings]


def _lines(path: Path, codec: str) -> Iterator[tuple[int, str, str]]:
    """(number from 1, text, "" or what is wrong) of each line that is not blank, none longer than MAX_RECORD."""
    with opened(path) as stream:
        # In UTF-16 and UTF-32 a line break is more than one byte: decode first, then split.
        if codec.startswith(("utf-16", "utf-32")):
            text = io.TextIOWrapper(stream, encoding=codec, errors="replace", newline="\n")
            decoded = ((line, fault) for line, fault in _bounded(text.readline, "\n"))
        else:
            decoded = (_decode(line, fault, codec) for line, fault in _bounded(stream.readline, b"\n"))
        for number, (line, fault) in enumerate(decoded, start=1):
            if line := line.strip("\ufeff \t\r\n"):
                yield number, line, fault


def _bounded(readline: Callable[[int], AnyStr], end: AnyStr) -> Iterator[tuple[AnyStr, str]]:
    while line := readline(MAX_RECORD):
        fault, rest = "", line
        while len(rest) == MAX_RECORD and not rest.endswith(end):
            fault, rest = f"longer than {MAX_RECORD:,} bytes", readline(MAX_RECORD)
        yield line, fault


def _decode(line: bytes, fault: str, codec: str) -> tuple[str, str]:
    try:
        return line.decode(codec), fault
    except UnicodeError as error:
        at = f" (byte {error.start + 1} of the line)" if isinstance(error, UnicodeDecodeError) else ""
        return line.decode(codec, "replace"), fault or f"not {codec.removesuffix('-sig')}{at}"


def _keys(path: Path, codec: str) -> dict[str, list[str]]:
    """All keys of the file's objects: cleaned name -> its spellings, in order of appearance."""
    keys: dict[str, None] = {}
    is_first = True
    for _, line, fault in _lines(path, codec):
        try:
            parsed = None if fault else _LITERAL.decode(line)
        except (ValueError, RecursionError):
            parsed = None
        if is_first and line.startswith("[") and (parsed is None or any(isinstance(item, dict) for item in parsed)):
            raise SourceError(f"{path}: a JSON array, expected one JSON object a line")
        is_first = False
        if isinstance(parsed, dict):
            keys.update(dict.fromkeys(parsed))
        if len(keys) > MAX_COLUMNS:
            raise SourceError(f"{path}: more than {MAX_COLUMNS:,} different keys, expected objects of one shape")
    spellings: dict[str, list[str]] = {}
    for key in keys:
        spellings.setdefault(clean_name(key), []).append(key)
    return spellings


def _values(line: str) -> dict[str, str | None]:
    """One line -> its values as text. Raises ValueError with what is wrong, without quoting the line."""
    try:
        parsed = _LITERAL.decode(line)
        if not isinstance(parsed, dict):
            raise ValueError(f"expected a JSON object, got {_kind(parsed)}")
        if any(isinstance(value, dict | list) for value in parsed.values()):
            # Once more with numbers marked as such, so that nested ones are not written back in quotes.
            parsed = _MARKED.decode(line)
        return {key: _as_text(value) for key, value in parsed.items()}
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


class _Number(str):
    """The literal text of a JSON number."""


def _constant(name: str) -> str | None:
    return None if name == "NaN" else name  # pandas writes NaN for missing


_LITERAL = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_constant)
_MARKED = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_constant)


def _as_text(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, _Number) else _dump(value)


def _dump(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_dump(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "an array"
    return "null" if value is None else "a boolean" if isinstance(value, bool) else "a string or a number"
