"""What is kept of a run that failed."""

import datetime as dt
from typing import TYPE_CHECKING

from cx_nlp import __version__, store
from cx_nlp.errors import RunStopped, SourceError, TransientError, Unexpected

if TYPE_CHECKING:
    from cx_nlp.night import Night

# Errors whose message may be kept: they quote no row and no credential.
_SAYS_NO_TEXT = (SourceError, TransientError, RunStopped, Unexpected)


def fail(night: "Night", error: BaseException) -> None:
    """Write down that the run failed; the lake stays as it was. The message names no row's text."""
    rows = [
        {
            "source": name,
            "flow": night.flow,
            "started_at": night.started_at,
            "finished_at": dt.datetime.now(dt.UTC),
            "config_hash": night.config.hash,
            "code_version": __version__,
            "error": reason(error),
        }
        for name in night.config.sources or ("(all)",)  # rescore reads none
    ]
    store.record_failure(night.lake, night.run_id, rows, quality=getattr(error, "checks", ()))


def reason(error: BaseException) -> str:
    """An error in one line that quotes no row and no credential: its kind, and its words where they may be kept."""
    said = f": {' '.join(str(error).split())}" if isinstance(error, _SAYS_NO_TEXT) else ""
    return f"{type(error).__name__}{said}"
