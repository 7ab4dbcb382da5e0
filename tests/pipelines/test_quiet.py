"""A defect's words stay out of Prefect's database; what a person can act on is told as it is."""

import pickle
import traceback

import pytest
from cx_nlp_pipelines.quiet import quiet

from cx_nlp.errors import SourceError, Unexpected


@quiet
def work(error: Exception | None, *, n: int = 1) -> int:
    if error is not None:
        raise error
    return n


def test_a_defect_is_named_by_kind_and_place(monkeypatch):
    name = "enaJ"[::-1]  # a traceback shows lines of source too
    with pytest.raises(Unexpected, match=r"^ValueError at pipelines/test_quiet\.py:\d+: a defect") as caught:
        work(ValueError(f"cannot parse {name}"))
    shown = "".join(traceback.format_exception(caught.value)) + str(pickle.loads(pickle.dumps(caught.value)))
    assert name not in shown and caught.value.__context__ is None
    monkeypatch.setenv("CX_NLP_DEBUG", "1")
    with pytest.raises(ValueError, match=name):
        work(ValueError(f"cannot parse {name}"))


@pytest.mark.parametrize("error", [SourceError("a.csv: no column"), FileNotFoundError("a.csv"), TimeoutError()])
def test_what_a_person_can_act_on_passes(error):
    with pytest.raises(type(error)):
        work(error)
    assert work(None, n=3) == 3
