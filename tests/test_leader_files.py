"""The files in which people say what they believe and did, and the alert rules: read, or refused in one line."""

import datetime as dt
from pathlib import Path

import pytest
import yaml

from cx_nlp import leader_files
from cx_nlp.config import load_config
from cx_nlp.errors import SourceError, UnknownName, UsageError

SAMPLE = Path(__file__).parents[1] / "configs" / "sample"
BELIEFS = "statement,measure,scope,as_of,believed,n_leaders\n"
ACTIONS = "action,theme,touchpoint,owner,started,announced\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_samples_files_are_read():
    beliefs = leader_files.read_beliefs(SAMPLE / "beliefs.csv")
    assert [(one.measure, one.believed, one.n_leaders, dict(one.scope)) for one in beliefs] == [
        ("csat_top_box", 0.8, 24, {}), ("nps", 45.0, 24, {})
    ]  # fmt: skip
    assert beliefs[0].as_of == dt.date(2026, 3, 28)
    first = leader_files.read_actions(SAMPLE / "actions.csv")[0]
    assert (first.theme, first.touchpoint, first.started) == ("phone-wait", "support", dt.date(2026, 2, 2))


def test_what_may_be_left_out(tmp_path):
    path = write(tmp_path, BELIEFS + "a,nps,touchpoint=buy; theme=g/x,,4,9\n\n,,,,,\n")
    (belief,) = leader_files.read_beliefs(path)
    assert belief.as_of is None and dict(belief.scope) == {"touchpoint": "buy", "theme_id": "g/x"}
    (action,) = leader_files.read_actions(write(tmp_path, "action,theme,started\nx,y,2026-01-02\n"))
    assert action.touchpoint is None and action.owner is None
    assert leader_files.read_beliefs(write(tmp_path, BELIEFS)) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a,npx,,,4,9", "line 2: unknown measure 'npx', did you mean 'nps'"),
        ("a,nps,,,many,9", "line 2: believed and n_leaders must be numbers"),
        ("a,nps,,,400,9", "line 2: believed is 400"),
        ("a,nps,,,4,0", "n_leaders 0"),
        ("a,nps,shop=1,,4,9", "unknown key of a scope 'shop'"),
        ("a,nps,respondent_role=employee,,4,9", "respondent_role=employee"),
        ("a,nps,buy,,4,9", "scope holds 'buy'"),
        ("a,nps,,yesterday,4,9", "as_of is not a date"),
        (",nps,,,4,9", "statement is empty"),
        ("a,nps,,4,9", "5 cells, expected 6"),
        ("a,nps,,,4,9\na,nps,,,5,9", "line 3: statement, measure, scope and as_of as in a line above"),
    ],
)
def test_a_belief_that_is_wrong_is_one_line_with_its_place(tmp_path, line, says):
    with pytest.raises((SourceError, UnknownName)) as error:
        leader_files.read_beliefs(write(tmp_path, BELIEFS + line + "\n"))
    assert says in str(error.value) and "\n" not in str(error.value) and "file.csv" in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ACTIONS + "x,y,,,,\n", "started is empty"),
        (ACTIONS + "x,y,,,soon,\n", "started is not a date"),
        (ACTIONS + "x,y,,,2026-01-02,\nx,y,,,2026-01-02,\n", "line 3"),
        ("action,started\n", "expected the columns"),
        ("acton,theme,started\n", "did you mean 'action'"),
        ('action,theme,started\n"x,y,2026-01-02\n', "not readable as UTF-8 CSV"),
    ],
)
def test_an_action_that_is_wrong_is_one_line(tmp_path, text, says):
    with pytest.raises((SourceError, UnknownName), match=says):
        leader_files.read_actions(write(tmp_path, text))


def test_no_such_file(tmp_path):
    with pytest.raises(SourceError, match="no file"):
        leader_files.read_actions(tmp_path / "none.csv")


def config(tmp_path: Path, **changes: object) -> Path:
    path = tmp_path / "c.yaml"
    source = {"kind": "csv", "path": "x.csv", "timezone": "UTC", "columns": {"text": "t", "submitted_at": "d"}}
    path.write_text(yaml.safe_dump({"lake": "lake", "sources": {"s": source}, **changes}))
    return path


RULE = {"name": "r", "measure": "nps", "condition": "drop > 10"}


def test_rules_come_from_the_config_and_its_file_and_paths_are_the_configs(tmp_path):
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"rules": [RULE | {"name": "other"}]}))
    loaded = load_config(config(tmp_path, alerts={"rules": [RULE], "rules_file": "rules.yaml", "output": "a.jsonl"}))
    assert [rule.name for rule in loaded.alerts.all_rules()] == ["r", "other"]
    assert loaded.alerts.output == tmp_path / "a.jsonl"
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"rules": [RULE]}))
    with pytest.raises(UsageError, match="'r' is the name of several"):
        leader_files.check(load_config(config(tmp_path, alerts={"rules": [RULE], "rules_file": "rules.yaml"})))


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        ({"rules": [RULE | {"measure": "npz"}]}, "unknown measure of an alert rule 'npz'"),
        ({"rules": [RULE | {"against": "year"}]}, "unknown against"),
        ({"rules": [RULE | {"severity": "hih"}]}, "did you mean 'high'"),
        ({"rules": [RULE | {"condition": "drop"}]}, "condition 'drop'"),
        ({"rules": [RULE | {"conditon": "drop > 1"}]}, "did you mean 'condition'"),
        ({"urls": ["slack://TokenA/TokenB"]}, r"alerts.urls\[1\]"),
        ({"url": []}, "did you mean 'urls'"),
    ],
)
def test_rules_that_are_wrong_end_as_the_config_is_read(tmp_path, alerts, says):
    with pytest.raises(UsageError, match=says):
        load_config(config(tmp_path, alerts=alerts))


@pytest.mark.parametrize(
    "text",
    [
        "rules: [{name: r, measure: npz, condition: drop > 1}]",
        "rules: [{name: r}]",
        "[]",
        "rules: [",
        "rules: [{nam: r}]",
    ],
)
def test_a_file_of_rules_that_is_wrong_is_named(tmp_path, text):
    (tmp_path / "rules.yaml").write_text(text)
    loaded = load_config(config(tmp_path, alerts={"rules_file": "rules.yaml"}))
    with pytest.raises(UsageError, match=r"rules\.yaml") as error:
        leader_files.check(loaded)
    assert "\n" not in str(error.value)


def test_owners_come_from_the_taxonomy_and_an_unknown_theme_is_one_warning(tmp_path, caplog):
    write(tmp_path, ACTIONS + "One,account-login,,,2026-01-02,\nTwo,no-such,,,2026-01-02,\n")
    loaded = load_config(config(tmp_path, measures={"actions": "file.csv", "close_the_loop": {"days": 2}}))
    found = leader_files.leaders(loaded, {"general/account_login": "digital", "general/price": None})
    assert found.owners == {"general/account_login": "digital"} and found.days == 2 and len(found.actions) == 2
    assert [record.getMessage() for record in caplog.records] == ["action 'Two': the lake knows no theme 'no-such'"]
