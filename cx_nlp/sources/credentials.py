"""Credentials: taken from the environment when a source is opened, and kept out of everything that is written.

A config holds `${NAME}`, or `${block:secret/NAME}` for one that the scheduler keeps, never what it stands for, so neither
a config nor its hash can give anything away. Texts of drivers pass through `Filled.hide` before they reach an error.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from cx_nlp.errors import TransientError, UsageError

_PLACE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*|block:[a-z0-9-]+/[A-Za-z0-9-]+(?:\.[A-Za-z_][A-Za-z0-9_]*)?)\}")
_BLOCK = "block:"
# Up to the last @ before the path: a password may hold any sign, and the name of a block a slash.
_AUTHORITY = re.compile(r"://(?P<user>(?:\$\{[^}]*\}|[^/?#])*)@")
_NAMES = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|sas|key|credential|signature|sig)"
_SECRET = re.compile(rf"(?:^|[_.-]|x-amz-|access|api|account|private|session|auth){_NAMES}s?$", re.IGNORECASE)
MAX_TEXT = 200


@dataclass(frozen=True)
class Filled:
    """A text with its placeholders filled in. `repr` shows neither it nor what was filled in."""

    text: str = field(repr=False)
    values: tuple[str, ...] = field(repr=False, default=())

    def hide(self, message: object) -> str:
        """A driver's message as one line of at most MAX_TEXT characters, without secrets and personal data."""
        from cx_nlp.clean import clean_text

        line = _folded(str(message))
        # Folded too: a secret from a file often ends in a line break, which no line holds any more.
        for value in sorted({_folded(value) for value in self.values} - {""}, key=len, reverse=True):
            line = line.replace(value, "***")
        return clean_text(line)[:MAX_TEXT]


def _folded(text: str) -> str:
    return " ".join(text.split())


def refuse_literal(url: str | None) -> None:
    """Raise UsageError, which does not quote it, for a URL that holds a password, token or key in plain text."""
    if url is None:
        return
    if match := _AUTHORITY.search(url):
        _, colon, password = match["user"].partition(":")
        if colon and not _only_places(password):
            raise UsageError("url holds a password in plain text; write ${NAME} and set NAME in the environment")
    for name, value in re.findall(r"[?&;]([^=&;?]+)=([^&;]*)", url):
        if _SECRET.search(name) and not _only_places(value):
            raise UsageError(f"url holds {name} in plain text; write ${{NAME}} and set NAME in the environment")


def refuse_literal_options(options: Mapping[str, Any]) -> None:
    """The same for fsspec's storage options, however deep they are nested."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            refuse_literal_options(value)
        elif isinstance(value, str) and _SECRET.search(str(name)) and not _only_places(value):
            raise UsageError(f"options.{name} is in plain text; write ${{NAME}} and set NAME in the environment")


def _only_places(value: str) -> bool:
    return not _PLACE.sub("", value)


def check(url: str | None, options: Mapping[str, Any], *, where: str) -> None:
    """Raise UsageError for a placeholder whose variable is not set, before anything is opened."""
    fill(url or "", where=f"{where}.url")
    fill_options(options, where=f"{where}.options")


def fill(url: str, *, where: str) -> Filled:
    """A URL with each ${NAME} taken from the environment, percent-encoded where it is user, password or parameter.

    A placeholder that is the whole URL, or stands in its path, is taken as it is. where: names the setting in errors.
    Raises UsageError for a variable that is not set.
    """
    match = _AUTHORITY.search(url)
    before_host = match.end() if match else 0
    parameters = url.find("?") if "?" in url else len(url)
    found: list[str] = []

    def value(place: re.Match[str]) -> str:
        plain = _variable(place[1], where)
        encode = place.start() < before_host or place.start() > parameters
        found.append(plain)
        return quote(plain, safe="") if encode else plain

    text = _PLACE.sub(value, url)
    return Filled(text, _secrets(text, found))


def fill_options(options: Mapping[str, Any], *, where: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Storage options with each ${NAME} filled in, and the values that went in."""
    found: list[str] = []

    def value(place: re.Match[str]) -> str:
        found.append(_variable(place[1], where))
        return found[-1]

    def filled(one: Any) -> Any:
        if isinstance(one, Mapping):
            return {key: filled(inner) for key, inner in one.items()}
        return _PLACE.sub(value, one) if isinstance(one, str) else one

    return filled(options), tuple(text for text in found if text)


# What finds the value of "secret/NAME"; this library knows no scheduler, so whoever runs it says how.
LookUp = Callable[[str], str]
_look_up: ContextVar[LookUp | None] = ContextVar("cx_nlp_look_up", default=None)


@contextmanager
def looking_up(look_up: LookUp) -> Iterator[None]:
    """Within it `${block:TYPE/NAME}`, or `${block:TYPE/NAME.FIELD}`, is filled in with look_up("TYPE/NAME.FIELD").

    look_up raises KeyError for a block that it does not know; any other error of its own is not shown, as it may quote
    what it read.
    """
    token = _look_up.set(look_up)
    try:
        yield
    finally:
        _look_up.reset(token)


def _block(name: str, where: str) -> str:
    look_up = _look_up.get()
    if look_up is None:
        raise UsageError(f"{where}: block {name} can only be read within a flow (cx-nlp run, schedule or a deployment)")
    try:
        return look_up(name)
    except KeyError:
        raise UsageError(f"{where}: block {name} is not known") from None
    except Exception as error:
        raise TransientError(f"{where}: block {name} cannot be read: {type(error).__name__}") from None


def _variable(name: str, where: str) -> str:
    if name.startswith(_BLOCK):
        return _block(name.removeprefix(_BLOCK), where)
    plain = os.environ.get(name)
    if plain is None:
        raise UsageError(f"{where}: environment variable {name} is not set")
    return plain


def _secrets(url: str, found: list[str]) -> tuple[str, ...]:
    """Every form in which a message may repeat a secret: as set, as it stands in the URL, as the driver decodes it.

    A whole URL from the environment is a secret as such, and so are its user and password, and its parameters.
    """
    plain = set(found)
    if found and (match := _AUTHORITY.search(url)):
        plain |= {match["user"], match["user"].partition(":")[2]}
    plain |= {value for name, value in re.findall(r"[?&]([^=&?]+)=([^&]*)", url) if found or _SECRET.search(name)}
    forms = {form for value in plain for form in (value, quote(value, safe=""), unquote(value))}
    return tuple(sorted(form for form in forms if len(form) > 1))
