"""What the README tells a newcomer to type is there and works."""

import re
import subprocess
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from cx_nlp.cli import cli
from tests import nights

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_make_knows_the_two_commands():
    for target in re.findall(r"^    make (\w+)", README, flags=re.MULTILINE):
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)
    assert re.findall(r"^    make (\w+)", README, flags=re.MULTILINE) == ["run", "test"]


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`cx-nlp (\w+)", README))))
def test_every_command_named_exists_with_the_options_named(command):
    assert "Usage:" in CliRunner().invoke(cli, [command, "--help"]).output
    for line in re.findall(rf"cx-nlp {command} [^`|\n]*", README):
        # Of a group, the command that is named first: `cx-nlp themes check FILE`.
        below = [word for word in line.split()[2:3] if word in getattr(cli.commands[command], "commands", {})]
        help_text = CliRunner().invoke(cli, [command, *below, "--help"]).output
        for option in re.findall(r"--[a-z-]+", line):
            if command != "evaluate":
                assert option in help_text, (line, option)


def test_no_command_is_missing_from_the_readme():
    assert set(cli.commands) <= set(re.findall(r"`cx-nlp (\w+)", README))


def test_the_queries_run(tmp_path, tiny, monkeypatch):
    nights.run(nights.survey(tmp_path, tiny))
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```sql\n(.*?)```", README, flags=re.DOTALL)
    queries = [query for query in block.split(";") if query.strip()]
    assert len(queries) == 2
    for query in queries:
        with duckdb.connect() as con:
            assert con.execute(query).fetchall()


def test_the_config_shown_is_a_config(tmp_path, monkeypatch):
    from cx_nlp.config import load_config

    figures, night, more, heads = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "night.yaml").write_text(
        night.replace("taxonomies:", f"{more}taxonomies:") + heads.replace("<commit>", "a" * 40)
    )
    config = load_config(tmp_path / "night.yaml")
    monkeypatch.setenv("TEAM_WEBHOOK", "json://localhost/hook")
    for name in ("leaders.csv", "actions.csv", "crm.csv", "answers.csv"):
        (tmp_path / name).write_text("")
    (tmp_path / "alerts.yaml").write_text((ROOT / "configs" / "alerts.yaml").read_text())
    (tmp_path / "figures.yaml").write_text(night.replace("taxonomies:", f"{figures}taxonomies:"))
    told = load_config(tmp_path / "figures.yaml")
    assert told.measures.beliefs == tmp_path / "leaders.csv" and told.alerts.all_rules()
    assert config.sources["survey"].columns["nps"] == "recommend"
    assert config.sources["tickets"].scales["csat"].values["😀"] == 5
    assert [one.where for one in config.replacements] == ["sentiment", "languages.de.sentiment"]
