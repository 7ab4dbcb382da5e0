"""One value as a library gives it -> its text, in the same canonical form whatever the source.

5.0 becomes "5", True "true", a time ISO 8601 (UTC with "Z" if it has a zone, bare if not), a list or object JSON text.
"""

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any


def as_text(value: Any) -> str | None:
    """The text of one value; None for None, NaN and a time that is none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, dt.datetime):
        return _time(value)
    if isinstance(value, bytes | bytearray | memoryview):  # older writers leave text unmarked
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, dict | list | tuple):
        return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)
    return str(value)


def number(value: Any) -> str | None:
    """A float (NumPy's, of any width) in its shortest form: "5" not "5.0", 15 digits without exponent; NaN is None."""
    if math.isnan(value):
        return None
    if math.isfinite(value) and value == int(value) and abs(value) < 1e16:
        return str(int(value))
    return str(value)


def _decimal(value: Decimal) -> str | None:
    if value.is_nan():
        return None
    if value.is_infinite():
        return str(value)
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _time(value: dt.datetime) -> str | None:
    if value != value:  # pandas' NaT
        return None
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
        return f"{_trimmed(value)}Z"
    return _trimmed(value)


def _trimmed(value: dt.datetime) -> str:
    text = value.isoformat()
    return text.rstrip("0") if value.microsecond else text


def _plain(value: Any) -> Any:
    """A nested value in JSON's types: no NaN, which JSON lacks, and the rest as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else int(value) if value.is_integer() and abs(value) < 1e16 else value
    if value is None or isinstance(value, bool | int | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else as_text(value)
