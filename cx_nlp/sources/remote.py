"""Files on any fsspec URL (s3, gcs, https, …): listed, told apart, and copied here for as long as they are read.

What a store tells about a file's content (an ETag, a checksum) is trusted, so that an unchanged file is not fetched;
where it tells nothing the file is fetched and its SHA-256 taken.
"""

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from cx_nlp.errors import CxError, SourceError, TransientError, UsageError
from cx_nlp.sources.credentials import Filled

EXTRAS = {"s3": "cloud", "s3a": "cloud"}
# What object stores call a value that changes with the content.
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "content_settings_md5", "crc32c", "checksum", "sha256")
_MAGIC = re.compile(r"[*?\[]")
_WEB_MAGIC = re.compile(r"[*\[]")  # "?" begins the parameters of a web address
_NO_LOGIN = ("NoCredentials", "PartialCredentials", "InvalidAccessKey", "SignatureDoesNotMatch", "DefaultCredentials")


@dataclass(frozen=True)
class RemoteFile:
    """A file as the store lists it. `tag` is None where the store tells nothing about its content."""

    key: str
    path: PurePosixPath  # without host and parameters, to name the file by
    tag: str | None


def opened(url: Filled, options: Mapping[str, Any], *, label: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises UsageError for an unknown protocol or a missing package."""
    with one_line(url, label):
        import fsspec

        protocol = fsspec.utils.get_protocol(url.text)
        missing = ""
        try:
            system, path = fsspec.core.url_to_fs(url.text, **options)
        except ImportError as error:
            extra = EXTRAS.get(protocol)
            missing = f"{protocol} needs " + (f"pip install 'cx-nlp[{extra}]'" if extra else url.hide(error))
        except ValueError:
            missing = f"unknown protocol {protocol!r}"
        if missing:
            raise UsageError(f"{label}: {missing}")
        # A process that lives for many nights must not be shown last night's listing.
        system.invalidate_cache()
        return system, path


def listed(url: Filled, options: Mapping[str, Any], *, label: str) -> tuple[Any, list[RemoteFile]]:
    """The file system of a URL, and the files that it (or its glob) names, sorted; never empty.

    Raises SourceError: nothing there, or no permission; TransientError for a store that is away; UsageError for an
    unknown protocol or a missing package. No error shows what was filled in.
    """
    system, path = opened(url, options, label=label)
    with one_line(url, label):
        protocol = url.text.partition(":")[0]
        magic = _WEB_MAGIC if protocol in ("http", "https") else _MAGIC
        if magic.search(path) and not system.exists(path):
            found = system.glob(path, detail=True)
        else:
            found = {path: system.info(path)}
        files = [_file(key, info) for key, info in sorted(found.items()) if info.get("type") != "directory"]
    if not files:
        raise SourceError(f"{label}: no file matches its url")
    return system, files


def _file(key: str, info: Mapping[str, Any]) -> RemoteFile:
    # Only web addresses are quoted: in a bucket, "a%20b.csv" and "a b.csv" are two files.
    plain = unquote(urlsplit(key).path) if key.startswith(("http://", "https://")) else key
    tags = [f"{name.lower()}:{info[name]}:{info.get('size')}" for name in _TAGS if info.get(name)]
    return RemoteFile(key, PurePosixPath(plain), tags[0] if tags else None)


@contextmanager
def fetched(system: Any, file: RemoteFile, folder: Path, url: Filled, *, label: str) -> Iterator[Path]:
    """A private copy of a file, under its own name, gone at the end. folder: made if needed, of this run alone.

    Raises TransientError or SourceError as `listed`.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = folder / (file.path.name or "file")
    try:
        with one_line(url, label):
            copy.touch(mode=0o600)
            system.get_file(file.key, str(copy))
        yield copy
    finally:
        copy.unlink(missing_ok=True)


@contextmanager
def one_line(url: Filled, label: str) -> Iterator[None]:
    """What a store's library raises, as one of this project's errors."""
    failure: CxError | None = None
    try:
        yield
    except CxError:
        raise
    except FileNotFoundError:
        failure = SourceError(f"{label}: no such file at its url")
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        failure = SourceError(f"{label}: its url cannot be read: {_said(error, url)}")
    except OSError as error:
        # A full disk here is not the store's trouble, but as little permanent.
        where = "no room to copy its file" if error.errno == errno.ENOSPC else "its url cannot be read"
        failure = TransientError(f"{label}: {where}: {_said(error, url)}")
    except Exception as error:  # botocore's, aiohttp's, google's: no common base
        kind = SourceError if type(error).__name__.startswith(_NO_LOGIN) else TransientError
        failure = kind(f"{label}: its url cannot be read: {_said(error, url)}")
    if failure is not None:
        raise failure from None


def _said(error: Exception, url: Filled) -> str:
    return f"{type(error).__name__} {url.hide(error)}".strip()
