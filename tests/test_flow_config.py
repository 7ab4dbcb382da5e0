"""When nights run, how long, on what, and who hears of them: what a config may say and what it may not."""

import datetime as dt

import pytest
import yaml

from cx_nlp.config import load_config
from cx_nlp.errors import UsageError
from tests import nights


@pytest.fixture
def load(tmp_path, tiny):
    def loaded(**sections):
        path = nights.write_config(tmp_path, tiny)
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | sections))
        return load_config(path)

    return loaded


def test_the_sections_and_their_defaults(load, tmp_path):
    plain = load()
    assert (plain.flow.cron, plain.flow.timezone, plain.flow.retries, plain.flow.timeout) == (
        "0 3 * * *",
        "UTC",
        2,
        None,
    )
    # Prefect takes every section apart as dict(section) does: a field must not be named like a method of dict.
    assert dict(plain.quality)["duplicates"].stop == 0 and dict(plain.flow) and dict(plain)
    assert plain.dask is None and plain.notify == [] and plain.evaluation == {}
    given = load(
        flow={"cron": "30 2 * * 1-5", "timezone": "Europe/London", "timeout": "6h", "late_after": "90m"},
        dask={"workers": 2},
        notify=["json://127.0.0.1:9/x", "slack://${SLACK}"],
        evaluation={"tweets": {"task": "sentiment", "data": "x/tweets.csv", "floor": {"macro_f1": 0.6}}},
    )
    assert given.flow.timeout == dt.timedelta(hours=6) and given.flow.late_after == dt.timedelta(minutes=90)
    assert given.dask.workers == 2 and given.evaluation["tweets"].data == str(tmp_path / "x/tweets.csv")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"flow": {"cron": "3 o'clock"}}, "expected five fields"),
        ({"flow": {"timezone": "Europe/Londn"}}, "did you mean 'Europe/London'"),
        ({"flow": {"timeout": 3600}}, "expected a time such as 2d, 12h or 30m"),
        ({"flow": {"timeout": 0}}, "expected more than no time"),
        ({"flow": {"timout": "6h"}}, "did you mean 'timeout'"),
        ({"dask": {}}, "expected workers .* or scheduler"),
        ({"dask": {"workers": 2, "scheduler": "tcp://a:1"}}, "one of the two"),
        ({"dask": {"workers": 0}}, "greater than or equal to 1"),
        ({"notify": ["slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"]}, "holds a token"),
        ({"evaluation": {"x": {"task": "sentiment"}}}, "evaluation.x.data"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(load, wrong, says):
    with pytest.raises(UsageError, match=says) as caught:
        load(**wrong)
    assert "\n" not in str(caught.value) and "TIiajkdnlazkcOXrIdevi7FQ" not in str(caught.value)
