"""The evaluation flow: figures with n and intervals, and a floor that a figure must not lie below."""

import pytest
import yaml
from cx_nlp_pipelines.evaluation import below, evaluation, figures

from cx_nlp.errors import RunStopped, UnknownName, UsageError
from tests import nights

ROW = {"name": "x", "figure": "accuracy", "value": 0.5, "low": 0.4, "high": 0.6, "n": 100}


def test_only_what_lies_below_its_floor_beyond_doubt_is_named():
    assert below([ROW], {"accuracy": 0.6}) == []
    assert below([ROW], {"accuracy": 0.61}) == ["x: accuracy 0.500 [0.400, 0.600] (n 100), expected 0.61"]
    with pytest.raises(UnknownName, match="did you mean 'accuracy'"):
        below([ROW], {"acuracy": 0.5})


def test_a_figure_without_an_interval_is_no_row():
    report = {
        "task": "sentiment",
        "model": "m@1",
        "n": 9,
        "accuracy": 0.5,
        "ece": 0.1,
        "ci": {"accuracy": [0.4, 0.6], "gone": [0, 1]},
    }
    (row,) = figures("x", report)
    assert (row["figure"], row["value"], row["low"], row["high"], row["n"]) == ("accuracy", 0.5, 0.4, 0.6, 9)


@pytest.mark.prefect
def test_labelled_files_of_a_config_become_a_table(tmp_path, tiny):
    from prefect.client.orchestration import get_client
    from prefect.testing.utilities import prefect_test_harness

    words = {"positive": "lovely great", "negative": "terrible awful", "neutral": "it has a door"}
    lines = [f"the sofa is {word} {n},{label}" for label, word in words.items() for n in range(8)]
    (tmp_path / "labelled.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    config = nights.write_config(tmp_path, tiny)
    plain = config.read_text()
    one = {"task": "sentiment", "data": "labelled.csv", "floor": {"accuracy": 0.5}}
    with prefect_test_harness(server_startup_timeout=180):
        config.write_text(plain + yaml.safe_dump({"evaluation": {"by-hand": one}}))
        rows = evaluation(str(config))
        by_figure = {row["figure"]: row for row in rows}
        assert by_figure["accuracy"]["n"] == 24 and by_figure["accuracy"]["value"] > 0.9
        assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
        with get_client(sync_client=True) as client:
            (artifact,) = [a for a in client.read_artifacts() if a.key == "evaluation-figures"]
        assert '"figure": "accuracy"' in str(artifact.data) and "sofa" not in str(artifact.data)
        config.write_text(plain + yaml.safe_dump({"evaluation": {"by-hand": one | {"floor": {"ece": 9}}}}))
        with pytest.raises((RunStopped, UnknownName)):
            evaluation(str(config))
        config.write_text(plain + yaml.safe_dump({"evaluation": {"by-hand": one | {"task": "sentimant"}}}))
        with pytest.raises(UnknownName, match="did you mean 'sentiment'"):
            evaluation(str(config))
        config.write_text(plain)
        with pytest.raises(UsageError, match="no `evaluation`"):
            evaluation(str(config))
