"""The flow in Prefect's own test harness: real tasks, real retries, no server."""

import pytest
import yaml

from tests import nights

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    from cx_nlp_pipelines import nightly
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield nightly


@pytest.fixture
def config(tmp_path, tiny):
    return nights.survey(tmp_path, tiny)


def artifacts():
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_artifacts()


def test_a_night_commits_and_leaves_a_summary_artifact(harness, config):
    counts = harness.nightly(str(config))
    assert counts["survey"]["read"] == 9 and counts["survey"]["new"] == 7
    lake = config.parent / "lake"
    assert nights.query(lake, "SELECT count(*), count(DISTINCT run_id) FROM feedback") == [(7, 1)]
    assert nights.query(lake, "SELECT status, read, flow FROM runs") == [("done", 9, "nightly")]
    assert any(a.key == "nightly-accounting" and '"read": 9' in str(a.data) for a in artifacts())
    again = harness.nightly(str(config), reread=True)
    assert again["survey"]["unchanged"] == 7


def test_the_model_is_let_go_once_all_is_scored(harness, config, monkeypatch):
    from cx_nlp_pipelines import loaded

    held = []

    def watched(owner, name):
        made = getattr(owner, name)

        def call(*given, **options):
            held.append(loaded._loaded_scorer.cache_info().currsize)
            return made(*given, **options)

        monkeypatch.setattr(owner, name, call)

    watched(harness.night, "measure")
    watched(harness.pools.discovery, "discover")
    harness.nightly(str(config))
    assert held == [0, 0], "themes are discovered, then measures made, without the model"
    ((version,),) = nights.query(config.parent / "lake", "SELECT DISTINCT model_version FROM runs")
    assert version and "sentiment=" in version, "the run still says which model it was"


def test_a_large_night_works_in_processes_of_its_own_and_gives_the_same_lake(harness, tmp_path, tiny, monkeypatch):
    monkeypatch.setenv("CX_NLP_KEY", "one key for both lakes, as their hashes must agree")
    lakes = []
    for most in (harness.LARGE, 0):
        (tmp_path / str(most)).mkdir()
        config = nights.survey(tmp_path / str(most), tiny)
        monkeypatch.setattr(harness, "LARGE", most)
        if not most:
            monkeypatch.setattr(
                "cx_nlp_pipelines.loaded.scorer", lambda config: pytest.fail("the model is loaded here")
            )
            monkeypatch.setattr(
                "cx_nlp_pipelines.loaded.load_taxonomies", lambda *names: pytest.fail("spaCy is loaded here")
            )
            monkeypatch.setattr("cx_nlp.night.measure", lambda *given, **options: pytest.fail("measured here"))
        assert harness.nightly(str(config))["survey"]["new"] == 7
        lakes.append(config.parent / "lake")
    apart = {"feedback": "run_id, scored_at", "theme_mentions": "run_id", "measures": "run_id", "drivers": "run_id"}
    for table, columns in apart.items():
        one, other = (nights.query(lake, f"SELECT * EXCLUDE ({columns}) FROM {table} ORDER BY ALL") for lake in lakes)
        assert one == other and one, table
    versions = [nights.query(lake, "SELECT model_version FROM runs") for lake in lakes]
    assert versions[0] == versions[1] and versions[0][0][0]


def test_the_page_shows_counts_themes_progress_and_gates_and_no_text(harness, config):
    harness.nightly(str(config))
    ((run_id,),) = nights.query(config.parent / "lake", "SELECT run_id FROM runs")
    published = {
        a.key: str(a.data) for a in artifacts() if run_id in a.description
    }  # the server keeps other nights' too
    assert {"nightly-accounting", "nightly-quality", "nightly-themes", "nightly-progress"} <= set(published)
    assert all(key == key.lower() for key in published)
    assert float(published["nightly-progress"]) == 100
    assert '"check": "duplicates"' in published["nightly-quality"] and '"theme": ' in published["nightly-themes"]
    said = " ".join(published.values())
    assert not [row[5] for row in nights.ROWS if row[5] and row[5] in said] and "jo@example.com" not in said


def test_a_gate_stops_the_night_before_anything_is_replaced_and_its_report_is_kept(harness, config):
    from cx_nlp.errors import QualityStopped

    gates = {"rejected": {"warn": 0.01, "stop": 0.1}, "min_rows": 5}
    config.write_text(config.read_text() + yaml.safe_dump({"quality": gates}))
    with pytest.raises(QualityStopped, match=r"survey: rejected: 2 of 9 rows were rejected, expected at most 0\.1"):
        harness.nightly(str(config))
    lake = config.parent / "lake"
    assert nights.query(lake, "SELECT status, error[:22] FROM runs") == [("failed", "QualityStopped: qualit")]
    assert not (lake / "feedback").exists() or not list((lake / "feedback").rglob("*.parquet"))
    stopped = nights.query(lake, "SELECT source, \"check\", value, n FROM quality WHERE level = 'stop'")
    assert stopped == [("survey", "rejected", 2 / 9, 9)]


def test_a_parameter_that_is_no_date_is_one_line(harness, config):
    from cx_nlp_pipelines import options

    from cx_nlp.errors import UsageError

    with pytest.raises(UsageError, match="only_date: '2026-13-01' is not a date such as 2026-03-02"):
        harness.nightly(str(config), only_date="2026-13-01")
    with pytest.raises(UsageError, match="last: 'soon' is not a date"):
        options.days("2026-03-01", "soon")
    with pytest.raises(UsageError, match="first: 2026-03-02 is after last: 2026-03-01"):
        options.days("2026-03-02", "2026-03-01")


def test_people_hear_of_a_night_that_failed_in_one_line_without_text(harness, config, monkeypatch):
    from cx_nlp_pipelines import hooks

    from cx_nlp.errors import SourceError, Unexpected

    told = []
    monkeypatch.setattr(hooks, "deliver", lambda title, body, urls: told.append((title, body, urls)))
    config.write_text(config.read_text() + yaml.safe_dump({"notify": ["json://127.0.0.1:9/${TOKEN}"]}))
    (config.parent / "in" / "a.csv").write_text("id,coment\n1,x\n")
    with pytest.raises(SourceError):
        harness.nightly(str(config), only_date="2026-03-02")
    ((title, body, urls),) = told
    assert title == "cx-nlp: nightly-2026-03-02 failed" and urls == ["json://127.0.0.1:9/${TOKEN}"]
    assert body.startswith("SourceError: a.csv: no column") and "\n" not in body

    told.clear()
    monkeypatch.setattr("cx_nlp.night.check", lambda settings: 1 / 0)
    with pytest.raises(Unexpected, match="ZeroDivisionError at"):
        harness.nightly(str(config))
    assert told[0][1].startswith("Unexpected: ZeroDivisionError at"), "a defect's words may quote a row"


def test_a_secret_comes_from_a_block_and_goes_nowhere(harness, config, caplog):
    import sqlite3

    from prefect.blocks.system import Secret

    word = "s3cr3t-w0rd"
    folder = config.parent / word
    folder.mkdir()
    with sqlite3.connect(folder / "desk.db") as con:
        con.execute("CREATE TABLE f (id, response, created, changed, customer, comment, nps, stage)")
        con.executemany("INSERT INTO f VALUES (?, ?, ?, ?, ?, ?, ?, ?)", nights.ROWS[:2])
    con.close()
    Secret(value=word).save("cx-word", overwrite=True)
    settings = yaml.safe_load(config.read_text())
    source = settings["sources"]["survey"]
    source |= {"kind": "sql", "query": "SELECT * FROM f"}
    source["url"] = f"sqlite:///{config.parent}/${{block:secret/cx-word}}/desk.db"
    del source["path"]
    config.write_text(yaml.safe_dump(settings))
    with caplog.at_level("DEBUG", logger="cx_nlp"):
        assert harness.nightly(str(config))["survey"]["new"] == 2
        (folder / "desk.db").write_bytes(b"no database at all")
        with pytest.raises(Exception, match=r"desk|database|survey") as caught:
            harness.nightly(str(config), reread=True)
    lake = config.parent / "lake"
    assert word not in str(caught.value) + caplog.text + " ".join(str(a.data) for a in artifacts())
    assert not [path for path in lake.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]
    assert nights.query(lake, "SELECT count(*) FROM runs WHERE error LIKE '%s3cr3t%'") == [(0,)]


def test_a_night_out_of_time_stops_and_leaves_the_lake(harness, config, monkeypatch):
    import datetime as dt
    import time

    from cx_nlp_pipelines import options

    from cx_nlp import night
    from cx_nlp.errors import RunStopped
    from cx_nlp.flow_config import FlowConfig

    timed = options.Timed(FlowConfig(timeout=dt.timedelta(hours=2), task_timeout=dt.timedelta(hours=1), retries=0))
    task = timed(harness.take)
    assert task.timeout_seconds == 3600 and task.retries == 0 and harness.take.timeout_seconds is None
    timed.ends_at -= 3600 + 1
    assert 0 < timed(harness.take).timeout_seconds < 3600, "what is left of the night is less than a task's own time"
    timed.ends_at -= 3600
    with pytest.raises(RunStopped, match=r"out of time before task take: flow\.timeout is 2:00:00"):
        timed(harness.take)

    real = night.resolve
    monkeypatch.setattr(night, "resolve", lambda *given: time.sleep(5) or real(*given))

    class Quick(options.Timed):
        def _seconds(self, task):
            return 0.5 if task == "resolve" else None

    monkeypatch.setattr(options, "Timed", Quick)
    with pytest.raises(TimeoutError):
        harness.nightly(str(config))
    assert nights.query(config.parent / "lake", "SELECT status, error FROM runs") == [("failed", "TaskRunTimeoutError")]


def test_a_transient_error_is_tried_again_and_a_permanent_one_is_not(harness, config, monkeypatch):
    from cx_nlp import night
    from cx_nlp.errors import SourceError

    calls = []
    real = night.take_source

    def flaky(*args):
        calls.append(1)
        if len(calls) == 1:
            raise OSError("the file share is away")
        return real(*args)

    monkeypatch.setattr(night, "take_source", flaky)
    monkeypatch.setattr("random.random", lambda: 0.0)
    assert harness.nightly(str(config))["survey"]["new"] == 7
    assert len(calls) == 2

    def broken(*args):
        calls.append(1)
        raise SourceError("no such column")

    calls.clear()
    monkeypatch.setattr(night, "take_source", broken)
    with pytest.raises(SourceError, match="no such column"):
        harness.nightly(str(config), reread=True)
    assert len(calls) == 1
    lake = config.parent / "lake"
    assert nights.query(lake, "SELECT status, error FROM runs ORDER BY started_at")[-1] == (
        "failed",
        "SourceError: no such column",
    )
    assert nights.query(lake, "SELECT count(*) FROM feedback") == [(7,)]


def test_prefects_scheduler_can_write_runs_of_a_cron(harness, config):
    """Which it cannot with every version of SQLAlchemy that it accepts: then no night ever begins."""
    from prefect.client.orchestration import get_client

    deployed = harness.nightly.to_deployment("nightly", cron="0 3 * * *", parameters={"config": str(config)}).apply()
    with get_client(sync_client=True) as client:
        answer = client._client.post(f"/deployments/{deployed}/schedule", json={"min_runs": 2})
        assert answer.is_success, answer.text
        runs = client.read_flow_runs()
    assert len([run for run in runs if run.deployment_id == deployed and run.state.is_scheduled()]) >= 2


def test_a_second_run_on_a_held_lake_fails_in_one_line(harness, config, monkeypatch):
    from cx_nlp import store
    from cx_nlp.errors import LakeBusy

    monkeypatch.setattr(harness, "LOCK_WAIT_SECONDS", 0.1)
    with store.locked(config.parent / "lake", holder="other"), pytest.raises(LakeBusy):
        harness.nightly(str(config))


def test_the_command_says_a_wrong_column_in_one_line(config, tmp_path):
    """A real process, with Prefect's own temporary server: no traceback, no library's complaint at exit."""
    import os
    import subprocess
    import sys

    (tmp_path / "in" / "a.csv").write_text("id,coment\n1,x\n")
    command = [sys.executable, "-m", "cx_nlp.cli", "run", "--config", str(config)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    env["PREFECT_HOME"] = str(tmp_path / "prefect")
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=240)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    line = done.stderr.strip()
    assert line.startswith("cx-nlp: a.csv: no column")
