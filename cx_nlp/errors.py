"""Errors a person can act on. The command line prints them as one line; anything else is a defect.

Retry policy is a type: a `PermanentError` is tried once, a `TransientError` as often as the config says.
Each carries its values in `args`, so that it survives pickling between processes.
"""

import difflib
from collections.abc import Iterable


class CxError(Exception):
    """Base of all errors that end a command with one line and exit code 1."""


class PermanentError(CxError):
    """Trying again cannot help."""


class TransientError(CxError):
    """Trying again may help: a lock held by another run, a file share that is away."""


class UsageError(CxError):
    """The command or its configuration is wrong: exit code 2."""


class UnknownName(UsageError):
    """A name that no table of names holds, with the nearest one that it does."""

    def __init__(self, kind: str, got: str, known: Iterable[str], where: str = "") -> None:
        super().__init__(kind, got, sorted(known), where)

    def __str__(self) -> str:
        kind, got, known, where = self.args
        near = difflib.get_close_matches(got, known, n=1, cutoff=0.5)
        hint = f", did you mean {near[0]!r}?" if near else ","
        return f"{where}{': ' if where else ''}unknown {kind} {got!r}{hint} known: {', '.join(known)}"


class TaxonomyError(UsageError):
    """A taxonomy file that is wrong, with the line where that can be told."""

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        super().__init__(str(file), line, reason)

    def __str__(self) -> str:
        file, line, reason = self.args
        return f"{file}:{line}: {reason}" if line else f"{file}: {reason}"


class SourceError(PermanentError):
    """A source that cannot be read at all: no such file, a directory, a missing column."""


class RunStopped(PermanentError):
    """A run that stopped itself before it replaced anything: too many rows rejected, a snapshot far too small."""


class QualityStopped(RunStopped):
    """A gate stopped the run; `checks` are the rows of the table `quality` that say what all gates found."""

    def __init__(self, message: str, checks: tuple[dict[str, object], ...] = ()) -> None:
        super().__init__(message, checks)

    def __str__(self) -> str:
        return self.args[0]

    @property
    def checks(self) -> tuple[dict[str, object], ...]:
        return self.args[1]


class Unexpected(PermanentError):
    """A defect, by its kind and place alone: its own words may quote feedback, and a scheduler would keep them."""

    def __init__(self, kind: str, place: str) -> None:
        super().__init__(kind, place)

    def __str__(self) -> str:
        kind, place = self.args
        return f"{kind} at {place}: a defect; set CX_NLP_DEBUG=1 to see its words, which may quote feedback"


class LakeError(PermanentError):
    """A lake that cannot be used as it is: another key, another schema version, a broken table."""


class LakeBusy(TransientError):
    """Another run holds the lake's lock."""


class ModelError(PermanentError):
    """A model folder that is missing, cut short, swapped or of another version."""
