"""The flow in Prefect's own test harness: real tasks, real retries, no server."""

import pytest

from tests import nights

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    from cx_nlp_pipelines import nightly
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=60):
        yield nightly


@pytest.fixture
def config(tmp_path, tiny):
    (tmp_path / "in").mkdir()
    nights.write_csv(tmp_path / "in" / "a.csv", nights.ROWS)
    return nights.write_config(tmp_path, tiny)


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
