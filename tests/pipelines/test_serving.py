"""Nights on one machine: the server, the cron, the watch on late nights, and that all of it ends together."""

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from cx_nlp_pipelines import serving

from cx_nlp import store
from cx_nlp.config import load_config
from cx_nlp.errors import PermanentError
from tests import nights
from tests.pipelines.test_settings import _servers

DUE = dt.datetime(2026, 3, 2, 3, 0, tzinfo=dt.UTC)


def test_cron_is_local_to_its_zone_and_follows_summer_time():
    following = serving._times("30 3 * * *", "Europe/London")
    winter = following(dt.datetime(2026, 3, 28, 0, 0, tzinfo=dt.UTC))
    assert winter.astimezone(dt.UTC) == dt.datetime(2026, 3, 28, 3, 30, tzinfo=dt.UTC)
    assert following(winter).astimezone(dt.UTC) == dt.datetime(2026, 3, 29, 2, 30, tzinfo=dt.UTC)
    with pytest.raises(PermanentError, match="is not a cron"):
        serving._times("99 3 * * *", "UTC")


def test_an_address_is_told_without_its_password():
    assert serving._shown("https://me:w0rd@prefect.example/api") == "https://prefect.example/api"
    assert serving._shown("http://127.0.0.1:4200/api") == "http://127.0.0.1:4200/api"


def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PermanentError, match=f"port {port} is taken"), serving.server(port):
            pass


def test_a_late_night_is_told_of_once(tmp_path, tiny, monkeypatch):
    """A clock that runs an hour a look, over two nights: the first is late, the second is done."""
    settings = load_config(nights.write_config(tmp_path, tiny))
    looks = iter([DUE - dt.timedelta(hours=1) + n * dt.timedelta(hours=1) for n in range(40)])
    told, stopping = [], threading.Event()
    monkeypatch.setattr(serving, "_POLL_SECONDS", 0)
    monkeypatch.setattr(serving, "_tell", lambda settings, line: told.append(line))

    def clock():
        now = next(looks, None)
        if now is None:
            stopping.set()
            return DUE
        if now == DUE + dt.timedelta(hours=25):
            row = {"source": "survey", "flow": "nightly", "started_at": now, "status": "done", "finished_at": now}
            store.record_failure(settings.lake, "second", [row])
        return now

    def daily(after):
        return DUE if after < DUE else DUE + dt.timedelta(days=1 + (after - DUE).days)

    serving._watch(settings, daily, dt.timedelta(hours=2), stopping, clock)
    assert told == ["the night of 2026-03-02 03:00 UTC is late: 2:00:00 after its start no run is done"]


def environment(home):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | {"PREFECT_HOME": str(home / "prefect"), "HTTP_PROXY": "http://127.0.0.1:9"}


def wait(what, *, seconds: float, of: subprocess.Popen | None = None):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        assert of is None or of.poll() is None, f"ended with code {of.returncode}"
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what.__name__}")


def done_runs(lake):
    if not any(lake.glob("runs/*/*.parquet")):
        return 0
    return nights.query(lake, "SELECT count(*) FROM runs WHERE status = 'done'")[0][0]


@pytest.mark.nightly
def test_schedule_runs_a_night_on_its_cron_and_leaves_nothing(tmp_path, tiny):
    config = nights.survey(tmp_path, tiny)
    command = [
        sys.executable,
        "-m",
        "cx_nlp.cli",
        "schedule",
        "--config",
        str(config),
        "--cron",
        "* * * * *",
        "--port",
        "0",
    ]
    said = tmp_path / "log"
    with said.open("w") as log:
        process = subprocess.Popen(command, env=environment(tmp_path), stdout=log, stderr=log)
        try:
            wait(lambda: done_runs(tmp_path / "lake"), seconds=400, of=process)
            # The next night waits for the lake, and so is at work when it is told to stop.
            with store.locked(tmp_path / "lake", wait=30, holder="the test"):
                time.sleep(10)
                idle = len(_servers(tmp_path))
                wait(lambda: len(_servers(tmp_path)) > idle, seconds=120, of=process)
                time.sleep(5)
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=20) == 0, "sooner than the night gives up waiting"
        finally:
            process.kill()
    assert "nights at '* * * * *' (UTC)" in said.read_text() and "Traceback" not in said.read_text()
    wait(lambda: not _servers(tmp_path), seconds=30)
    assert nights.query(tmp_path / "lake", "SELECT count(*) FROM feedback") == [(7,)]


@pytest.mark.nightly
def test_a_killed_schedule_takes_its_server_along(tmp_path, tiny):
    config = nights.write_config(tmp_path, tiny)
    command = [sys.executable, "-m", "cx_nlp.cli", "schedule", "--config", str(config), "--port", "0"]
    log = tmp_path / "log"
    with log.open("w") as sink:
        process = subprocess.Popen(command, env=environment(tmp_path), stdout=sink, stderr=sink)
        wait(lambda: "nights at" in log.read_text(), seconds=300, of=process)
        running = _servers(tmp_path)
        assert str(process.pid) in running and len(running) > 1, "or what follows would find nothing to be gone"
        process.kill()
        process.wait()
    wait(lambda: not _servers(tmp_path), seconds=60)
    assert _servers(tmp_path) == []


@pytest.mark.nightly
def test_a_worker_picks_up_a_scheduled_run(tmp_path, tiny):
    """A real server on the loopback interface, a work pool, the deployments of prefect.yaml, and a process worker."""
    import yaml

    from tests.pipelines.test_deployments import ROOT

    config = nights.survey(tmp_path, tiny)
    project = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    project.pop("definitions")
    project["deployments"] = [one for one in project["deployments"] if one["name"] == "nightly"]
    project["deployments"][0]["parameters"] = {"config": config.name}
    project["deployments"][0]["schedules"] = [{"cron": "* * * * *", "timezone": "UTC"}]
    (tmp_path / "prefect.yaml").write_text(yaml.safe_dump(project))
    env = environment(tmp_path)
    env |= {
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }

    def prefect(*arguments):
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stdout + done.stderr

    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        with serving.server(0) as api:
            env["PREFECT_API_URL"] = api
            prefect("work-pool", "create", "cx-nlp", "--type", "process")
            prefect("deploy", "--all")
            with (tmp_path / "log").open("w") as log:
                command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cx-nlp", "--limit", "1"]
                worker = subprocess.Popen(command, env=env, cwd=tmp_path, stdout=log, stderr=log)
                try:
                    wait(lambda: done_runs(tmp_path / "lake"), seconds=400, of=worker)
                finally:
                    worker.send_signal(signal.SIGTERM)
                    worker.wait(timeout=90)
    assert nights.query(tmp_path / "lake", "SELECT count(*) FROM feedback") == [(7,)]
    assert nights.query(tmp_path / "lake", "SELECT DISTINCT flow FROM runs") == [("nightly",)]
