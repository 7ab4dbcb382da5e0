"""What the recipes' command lines share: an error that a person can act on ends them in one line."""

import functools
from collections.abc import Callable

from cx_nlp.errors import CxError


def one_line(main: Callable[[], None]) -> Callable[[], None]:
    """main, ending in SystemExit with one line where it raises CxError or OSError; any other error is a defect and stays."""

    @functools.wraps(main)
    def run() -> None:
        try:
            main()
        except OSError as error:
            named = error.filename is not None and error.strerror is not None
            raise SystemExit(f"{error.filename}: {error.strerror}" if named else _folded(error)) from None
        except CxError as error:
            raise SystemExit(_folded(error)) from None

    return run


def _folded(error: Exception) -> str:
    return " ".join(str(error).split())
