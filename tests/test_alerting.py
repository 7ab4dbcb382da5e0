"""A night that alerts: the table, the file, the message, and that nothing of it fails a night or repeats itself."""

import json

import pytest
import yaml

from cx_nlp import alerting, cli, night
from cx_nlp.config import load_config
from cx_nlp.leader_config import AlertsConfig
from tests import nights


def alert(**values: object) -> dict:
    return {
        "as_of": None, "rule": "r", "severity": "medium", "owner": "Logistics", "against": "week", "touchpoint": "deliver",
        "theme_id": "(all)", "measure": "nps", "value": -12.34, "before": 40.0, "n": 50, "n_before": 60, "q": 0.004,
        "run_id": "r2",
    } | values  # fmt: skip


def test_only_what_is_new_is_told_and_the_severe_first():
    before = [alert(run_id="r1")]
    after = [alert(), alert(touchpoint="buy"), alert(rule="s", severity="high"), alert(rule="old", run_id="r1")]
    assert [(one["rule"], one["touchpoint"]) for one in alerting.news(before, after, "r2")] == [
        ("s", "deliver"),
        ("r", "buy"),
    ]
    assert alerting.news([], [alert(run_id="r1")], "r2") == [], "a night that computed nothing tells nothing"


def test_a_line_says_what_where_and_whose_in_one_line():
    said = alerting.line(alert(touchpoint="deli\nver", q=None))
    assert said == "[medium] nps of deli ver: -12.3, was 40.0 (against week, n 50 and 60), for Logistics; rule r"


def test_what_cannot_be_told_fails_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(alerting, "standing", lambda lake: [alert()])
    config = AlertsConfig(output=tmp_path / "no.jsonl", urls=["json://${NOT_SET_ANYWHERE}"])
    (tmp_path / "no.jsonl").mkdir()
    assert alerting.announce(config, tmp_path, "r2", []) == 0
    assert "could not be told: IsADirectoryError" in caplog.text


@pytest.fixture(scope="module")
def lake(tmp_path_factory, tiny):
    """A night over the small survey, with a rule that each night meets."""
    folder = tmp_path_factory.mktemp("alerting")
    path = nights.survey(folder, tiny)
    raw = yaml.safe_load(path.read_text())
    raw["alerts"] = {
        "rules": [{"name": "any", "measure": "responses", "against": "night", "condition": "above 0"}],
        "output": "told.jsonl",
    }
    (folder / "beliefs.csv").write_text("statement,measure,scope,as_of,believed,n_leaders\nWe are liked,nps,,,60,24\n")
    (folder / "actions.csv").write_text("action,theme,started\nCall back,no-such,2026-03-02\n")
    raw["measures"] = {"beliefs": "beliefs.csv", "actions": "actions.csv", "min_n": 1}
    path.write_text(yaml.safe_dump(raw))
    nights.run(path)
    return path


def test_a_night_writes_the_tables_and_tells_of_them_once(lake):
    config = load_config(lake)
    where = config.lake
    assert nights.query(where, "SELECT rule, measure, touchpoint, owner FROM alerts") == [
        ("any", "responses", "(all)", None)
    ]
    assert nights.query(where, "SELECT statement, believed, origin, n_leaders FROM perception") == [
        ("We are liked", 60.0, "file", 24)
    ]
    assert nights.query(where, "SELECT DISTINCT verdict, reason, n FROM action_effects") == [
        ("too_few", "unknown_theme", 0)
    ]
    run_id = alerting.standing(where)[0]["run_id"]
    assert alerting.announce(config.alerts, where, run_id, []) == 1
    assert alerting.announce(config.alerts, where, run_id, alerting.standing(where)) == 0
    (told,) = [json.loads(line) for line in (lake.parent / "told.jsonl").read_text().splitlines()]
    assert told["rule"] == "any" and told["as_of"] == "2026-03-03" and "text" not in told


def test_a_lake_without_a_list_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["list", "close-the-loop", "--lake", str(tmp_path), "--output", str(tmp_path / "x.csv")])
    assert end.value.code == 2 and "no list close_the_loop" in capsys.readouterr().err


def test_a_wrong_file_ends_the_night_before_the_lake_is_touched(lake, tmp_path, tiny):
    path = nights.survey(tmp_path, tiny)
    raw = yaml.safe_load(path.read_text()) | {"measures": {"actions": "none.csv"}}
    path.write_text(yaml.safe_dump(raw))
    with pytest.raises(Exception, match="no file"):
        night.check(load_config(path))
    assert not (tmp_path / "lake").exists()
