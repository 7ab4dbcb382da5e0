"""What Prefect hears of an error: it keeps an error's words and traceback in its database, its logs and its storage."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from cx_nlp.errors import CxError, Unexpected

Given = ParamSpec("Given")
Result = TypeVar("Result")
_OURS = ("cx_nlp", "cx_nlp_pipelines", "pipelines")


def quiet(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """The function, but that a defect's own words, which may quote a row, stay within it: Unexpected names kind and place.

    Errors a person can act on pass as they are, and so does all else where CX_NLP_DEBUG is set.
    """

    @wraps(function)
    def call(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except (CxError, OSError):
            raise
        except Exception as error:
            if os.environ.get("CX_NLP_DEBUG"):
                raise
            defect = Unexpected(type(error).__name__, _place(error))
        # Outside the handler: raised within, it would carry the defect along as its context.
        raise defect

    return call


def _place(error: Exception) -> str:
    """File and line of the innermost frame of this project, else of all."""
    trace, ours, last = error.__traceback__, "", ""
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        last = f"{path.parent.name}/{path.name}:{trace.tb_lineno}"
        ours = last if set(path.parts) & set(_OURS) else ours
        trace = trace.tb_next
    return ours or last or "an unknown place"
