"""What Prefect is told before it is imported."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cx_nlp_pipelines import prepare

from tests import nights


def test_a_proxy_does_not_stand_between_prefect_and_its_own_server():
    environment = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "intranet", "HOME": "/"}
    prepare(environment)
    assert environment["NO_PROXY"] == "intranet,127.0.0.1,localhost,::1"
    assert environment["no_proxy"] == "127.0.0.1,localhost,::1"
    before = dict(environment)
    prepare(environment)
    assert environment == before


def test_the_users_own_settings_win():
    environment = {"PREFECT_LOGGING_LEVEL": "DEBUG", "PREFECT_HOME": "/somewhere"}
    prepare(environment)
    assert environment["PREFECT_LOGGING_LEVEL"] == "DEBUG" and environment["PREFECT_HOME"] == "/somewhere"
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_without_a_home_prefect_gets_a_temporary_one(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    environment: dict[str, str] = {}
    prepare(environment)
    assert Path(environment["PREFECT_HOME"]).is_dir()


@pytest.mark.prefect
def test_a_killed_night_leaves_no_server_behind(tmp_path, tiny):
    config = nights.survey(tmp_path, tiny)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    env |= {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "cx_nlp.cli", "run", "--config", str(config)]
    night = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "lake" / "_lock").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (tmp_path / "lake" / "_lock").exists(), "the flow never began"
    night.send_signal(signal.SIGTERM)
    assert night.wait(timeout=60) != 0
    deadline = time.monotonic() + 20
    while (left := _servers(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []
    assert nights.run(config)["survey"]["read"] == 9, "the next run goes on as if nothing had been"


def _servers(home) -> list[str]:
    """Processes whose environment names this test's PREFECT_HOME."""
    found = []
    for pid in (path.name for path in Path("/proc").iterdir() if path.name.isdigit()):
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if str(home / "prefect").encode() in environment and pid != str(os.getpid()):
            found.append(pid)
    return found
