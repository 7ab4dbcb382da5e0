"""The errors that a model's metrics.json knows of, and every way not to know them."""

import json

import numpy as np
import pytest

from cx_nlp.score.known_errors import KEY, emotional_confusion

CELLS = {"tp": 80, "fp": 10, "fn": 20, "tn": 90, "n": 200, "half": "report", "model": "m@012345678901"}


def test_the_confusion_has_the_truth_in_rows(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps({KEY: CELLS}))
    found = emotional_confusion(tmp_path)
    assert list(found) == ["m@012345678901"]
    assert np.array_equal(found["m@012345678901"], [[90, 10], [20, 80]])


@pytest.mark.parametrize(
    "text",
    [None, "{", "[]", "{}", json.dumps({KEY: {**CELLS, "tp": "x"}}), json.dumps({KEY: {**CELLS, "tp": -1}}),
     json.dumps({KEY: {**CELLS, "model": None}}), json.dumps({KEY: dict.fromkeys(CELLS, 0) | {"model": "m"}})],
)  # fmt: skip
def test_a_model_without_them_has_none(tmp_path, text):
    if text is not None:
        (tmp_path / "metrics.json").write_text(text)
    assert emotional_confusion(tmp_path) == {}
