import json
import logging

import pytest

from cx_nlp import logs


def line(*args, **options):
    record = logging.getLogger("cx_nlp").makeRecord("cx_nlp", logging.INFO, "f", 1, *args, None, **options)
    return json.loads(logs.JsonLines().format(record))


def test_a_record_is_one_object_with_its_fields():
    found = line("%s: %d read", ("survey", 3), extra=logs.fields("r1", "read", source="survey", rows=3))
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "info", "logger": "cx_nlp", "message": "survey: 3 read", "run_id": "r1", "stage": "read",
        "source": "survey", "rows": 3,
    }  # fmt: skip


def test_an_exception_is_named_and_its_message_is_not():
    try:
        raise ValueError("the text of a row")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("cx_nlp", logging.ERROR, "f", 1, "it failed", None, info)
    text = logs.JsonLines().format(record)
    assert json.loads(text)["exception"] == "ValueError" and "row" not in text and "\n" not in text


def test_stages_add_up_and_one_that_fails_is_not_done(caplog):
    stages = logs.Stages("r1")
    with caplog.at_level(logging.INFO, logger="cx_nlp"):
        for _ in range(2):
            with stages("score"):
                pass
        with pytest.raises(KeyError), stages("measure"):
            raise KeyError
    assert set(stages.seconds) == {"score"} and stages.seconds["score"] >= 0
    fields = [record.cx_nlp for record in caplog.records]
    assert [(one["run_id"], one["stage"]) for one in fields] == [("r1", "score")] * 2
