"""Opening files for the text sources: gzip or not, which encoding, and errors of one line each."""

import codecs
import errno
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from cx_nlp.errors import SourceError, TransientError

_BLOCK = 2**20
_HEAD = 2**16
# Enough text with non-ASCII characters to tell encodings apart.
_SAMPLE = 2**18

_GZIP = b"\x1f\x8b"
_KNOWN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; for that set kind: excel",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as .xlsx or CSV",
    b"PAR1": "Parquet; set kind: parquet",
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"BZh": "bzip2-compressed; decompress it, or use gzip",
    b"\xfd7zXZ": "xz-compressed; decompress it, or use gzip",
    b"\x28\xb5\x2f\xfd": "zstd-compressed; decompress it, or use gzip",
    b"SQLite format 3": "a SQLite database",
}
_WIDE_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose BOM begins alike
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))
# A share that may be missing for a moment, against a file that is wrong.
_AWAY = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EBUSY}


class Encoding(NamedTuple):
    codec: str
    errors: str


@contextmanager
def one_line_errors(path: Path) -> Iterator[None]:
    """What reading `path` can raise, as SourceError (or TransientError for a file share that is away)."""
    try:
        yield
    except FileNotFoundError:
        raise SourceError(f"no such file: {path}") from None
    except IsADirectoryError:
        raise SourceError(f"{path} is a directory, expected a file") from None
    except PermissionError:
        raise SourceError(f"{path}: no permission to read it") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path}: broken gzip file, cut short or damaged ({error})") from None
    except UnicodeError as error:
        raise SourceError(f"{path}: holds text in no known encoding ({error.__class__.__name__})") from None
    except OSError as error:
        kind = TransientError if error.errno in _AWAY else SourceError
        raise kind(f"{path}: cannot be read: {error.strerror or error}") from None


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A binary stream from the file's start, decompressed if it is gzip (by its first bytes, whatever its name)."""
    with path.open("rb") as raw:
        magic = raw.read(len(_GZIP))
        raw.seek(0)
        if magic != _GZIP:
            yield raw
            return
        with gzip.open(raw, "rb") as stream:
            yield stream  # type: ignore[misc]


def check_text(path: Path) -> bytes:
    """The first 64 KiB of the decompressed file. Raises SourceError if it is empty or not text."""
    with opened(path) as stream:
        head = stream.read(_HEAD)
    if not head.strip(b"\r\n\t \x1a"):
        raise SourceError(f"{path}: empty file")
    for magic, what in _KNOWN.items():
        if head.startswith(magic):
            raise SourceError(f"{path}: not text but {what}")
    controls = (len(head) - len(head.translate(None, _CONTROLS))) / len(head)
    # A few NUL bytes happen in real exports; text with so many control characters is none.
    if not wide_codec(head) and controls > (0.3 if _is_utf8(head) else 0.02):
        raise SourceError(f"{path}: binary data, expected text")
    return head


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # not final: the head may end within a character
    except UnicodeDecodeError:
        return False
    return True


def find_encoding(path: Path, given: str | None) -> Encoding:
    """The encoding that decodes the whole file: `given` if it does, else BOM, UTF-8, or the likeliest of the others.

    The file is read once from end to end, in bounded memory: the first non-ASCII letter may be in the last row.
    A file that is UTF-8 but for some stray bytes (two exports put together) stays UTF-8, and those bytes are read as
    cp1252. Raises SourceError for binary data, an encoding that does not fit, or one that cannot be told.
    """
    head = check_text(path)
    if given is not None:
        codec = known_codec(given, path)
        if line := _first_bad_line(path, codec):
            raise SourceError(f"{path}: not {given} (first at line {line}); without `encoding` it is found per file")
        return Encoding(codec, "strict")
    if wide := wide_codec(head):
        return Encoding(wide, "replace")
    if head.startswith(codecs.BOM_UTF8) or _first_bad_line(path, "utf-8") is None:
        return Encoding("utf-8-sig", "cp1252-for-strays")
    return _guess(path)


def known_codec(given: str, path: Path) -> str:
    """The codec of an encoding's name as a person writes it. Raises SourceError for one that Python lacks."""
    try:
        name = codecs.lookup(given).name
        "".encode(given)  # refuses what is no text encoding, such as "hex"
    except (LookupError, ValueError):
        raise SourceError(f"{path}: unknown encoding {given!r}, expected one such as utf-8, cp1252 or utf-16") from None
    return "utf-8-sig" if name == "utf-8" else name


def wide_codec(head: bytes) -> str | None:
    """The UTF-16 or UTF-32 codec that a file's first bytes show, by BOM or by every other byte being NUL."""
    for bom, codec in _WIDE_BOMS:
        if head.startswith(bom):
            return codec
    nuls = head.count(0)
    if nuls < 3 or nuls < len(head) / 20:
        return None
    codec = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    decoded = head[: len(head) // 2 * 2].decode(codec, "replace")
    # Bytes of an 8-bit text taken in pairs give no line breaks.
    return codec if re.search("[\r\n]", decoded) and "\0" not in decoded else None


def _first_bad_line(path: Path, codec: str) -> int | None:
    """None if the whole file decodes, else the number of a line at or shortly before the first failure."""
    decode, line = codecs.getincrementaldecoder(codec)().decode, 1
    with opened(path) as stream:
        while True:
            block = stream.read(_BLOCK)
            try:
                decode(block, final=not block)
            except UnicodeError as error:
                start = error.start if isinstance(error, UnicodeDecodeError) else 0
                return line + block[:start].count(b"\n")
            if not block:
                return None
            line += block.count(b"\n")


def _guess(path: Path) -> Encoding:
    sample = bytearray()
    with opened(path) as stream:
        while len(sample) < _SAMPLE and (line := stream.readline(_HEAD)):
            if not line.isascii():
                sample += line
    as_utf8 = sample.decode("utf-8", "replace")
    strays = as_utf8.count("\ufffd")
    if len(re.findall(r"[^\x00-\x7f\ufffd]", as_utf8)) > strays:
        return Encoding("utf-8-sig", "cp1252-for-strays")
    if _is_western(sample.decode("cp1252", "replace")):
        return Encoding("cp1252", "replace")
    import charset_normalizer

    best = charset_normalizer.from_bytes(bytes(sample)).best()
    if best is None:
        raise SourceError(f"{path}: its encoding cannot be told; set `encoding`, such as cp1252 or shift_jis")
    return Encoding(best.encoding, "replace")


_LETTER = re.compile(r"[^\W\d_]")
_HIGH = re.compile(r"[^\x00-\x7f]")
# What does not happen in Western text: a sign within a word, a capital after a small letter, a character unknown.
_ODD = re.compile(r"(?<=[^\W\d_])(?:[^\w\x00-\x7f’‘´·\u00ad]|[²³¹])(?=[^\W\d_])|(?<=[a-zß-ÿ])[À-ÞŠŽŒŸ]|\ufffd")


def _is_western(decoded: str) -> bool:
    """True if text decoded as cp1252 reads as Western European: accents are the exception, signs stand between words.

    charset-normalizer takes short English texts with £ or ’ for cp1250 or cp852, hence this test before it.
    """
    high = len(_HIGH.findall(decoded))
    letters = _LETTER.findall(decoded)
    accented = sum(not letter.isascii() for letter in letters)
    return accented <= 0.25 * len(letters) and len(_ODD.findall(decoded)) <= 0.1 * high


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("cp1252-for-strays", _as_cp1252)
