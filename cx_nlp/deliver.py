"""Say a few lines to people elsewhere: by webhook, e-mail or any other service that apprise knows.

URLs come from a configuration and hold `${NAME}` where a secret belongs; none is ever logged. What is said is for the
caller to choose: counts, ids and names of themes, never a text of feedback.
"""

import contextlib
import logging
from collections.abc import Iterator, Sequence

from cx_nlp.errors import UsageError
from cx_nlp.sources import credentials

log = logging.getLogger("cx_nlp")
MAX_TITLE, MAX_BODY = 200, 8_000  # characters; services cut where they like
# Services whose URL is an address alone. All others carry a token in it, wherever in it that stands.
_PLAIN = ("json", "jsons", "form", "forms", "xml", "xmls", "mailto", "mailtos", "file")


def check_urls(urls: Sequence[str], *, where: str = "urls") -> None:
    """Raise UsageError, which never quotes a URL, for one that holds a secret in plain text or is none at all."""
    for number, url in enumerate(urls, start=1):
        place = f"{where}[{number}]"
        scheme = url.partition("://")[0].lower()
        if "${" in scheme:  # the whole URL comes from the environment
            continue
        if "://" not in url:
            raise UsageError(f"{place}: not a URL, expected SERVICE://... as apprise reads it, or ${{NAME}}")
        if scheme not in _PLAIN and "${" not in url:
            raise UsageError(f"{place}: a {scheme} URL holds a token; write ${{NAME}} and set NAME in the environment")
        try:
            credentials.refuse_literal(url)
        except UsageError as error:
            raise UsageError(f"{place}: {error}") from None


def deliver(title: str, body: str, urls: Sequence[str]) -> int:
    """-> how many of the URLs took the message. A failure is a line in the log, never an error.

    title, body: plain text, cut at MAX_TITLE and MAX_BODY characters. urls: in apprise's form, ${NAME} filled in from
    the environment here. No URLs, no message. A line names a failed URL by its number and service alone.
    """
    taken = 0
    for number, url in enumerate(urls, start=1):
        service = url.partition("://")[0] if "://" in url else "environment"
        try:
            reason = None if _notify(title, body, url) else "refused or away"
        except UsageError:
            reason = "a variable that is not set, or a URL of no known service"
        except Exception as error:  # whatever a plugin does, the night is committed by now
            reason = type(error).__name__
        taken += reason is None
        if reason:
            log.warning("message not delivered to url %d (%s): %s", number, service.lower(), reason)
    return taken


def _notify(title: str, body: str, url: str) -> bool:
    import apprise  # seconds to import, and only a night with something to say needs it

    filled = credentials.fill(url, where="urls").text
    with _silenced("apprise", "urllib3.connectionpool"):
        service = apprise.Apprise()
        if not service.add(filled):
            raise UsageError("urls: no service that apprise knows")
        plain = apprise.NotifyFormat.TEXT
        return bool(service.notify(title=title[:MAX_TITLE], body=body[:MAX_BODY], body_format=plain))


@contextlib.contextmanager
def _silenced(*names: str) -> Iterator[None]:
    """The libraries' own log lines quote addresses, and answers of servers."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.disabled for logger in loggers]
    try:
        for logger in loggers:
            logger.disabled = True
        yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was
