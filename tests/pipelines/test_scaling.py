"""Scoring on a real Dask cluster of separate worker processes: the same lake as one process gives, and kill -9 survived."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests import nights
from tests.pipelines.test_serving import environment, wait

pytestmark = pytest.mark.nightly
DAYS = 12
TEXTS = ("The staff were lovely but the delivery was terrible", "Thanks, great service", "The app is slow and broken")
APART = {"feedback": "run_id, scored_at", "theme_mentions": "run_id", "themes": "first_seen", "measures": "run_id"}


@pytest.fixture
def folders(tmp_path, tiny, monkeypatch):
    """Two configs of the same survey: one for this process, one for a cluster of two workers."""
    monkeypatch.setenv("CX_NLP_KEY", "one key for both lakes, as their hashes must agree")
    rows = [
        [f"{d}-{k}", f"r{d}-{k}", f"2026-03-{d:02} 10:00", "", f"c{k}", f"{TEXTS[k % 3]} {d} {k}", str(k % 11), "buy"]
        for d in range(1, DAYS + 1)
        for k in range(200)
    ]
    found = []
    for name, dask in (("one", {}), ("many", {"dask": {"workers": 2, "rows": 200}})):
        (tmp_path / name / "in").mkdir(parents=True)
        nights.write_csv(tmp_path / name / "in" / "a.csv", rows)
        config = nights.write_config(tmp_path / name, tiny)
        config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | dask))
        found.append(config)
    return found


def tables(lake: Path) -> dict[str, list[str]]:
    found = {
        table: sorted(map(str, nights.query(lake, f"SELECT * EXCLUDE ({apart}) FROM {table}")))
        for table, apart in APART.items()
    }
    assert all(found.values()) and len(found["feedback"]) == DAYS * 200
    return found


def workers_of(process: subprocess.Popen) -> list[int]:
    """Processes that a nanny has started: children of its children that run Dask's worker."""
    import psutil

    children = psutil.Process(process.pid).children(recursive=True)
    return [child.pid for child in children if "multiprocessing.spawn" in " ".join(_command(child))]


def _command(process) -> list[str]:
    import psutil

    try:
        return process.cmdline()
    except psutil.Error:
        return []


def start(config: Path, log) -> subprocess.Popen:
    env = environment(config.parent) | {"CX_NLP_KEY": os.environ["CX_NLP_KEY"]}
    return subprocess.Popen(
        [sys.executable, "-m", "cx_nlp.cli", "run", "--config", str(config)], env=env, stdout=log, stderr=log
    )


def test_a_cluster_gives_what_one_process_gives(folders, tmp_path):
    one, many = folders
    nights.run(one)
    with (tmp_path / "log").open("w") as log:
        process = start(many, log)
        try:
            assert process.wait(timeout=900) == 0, (tmp_path / "log").read_text()
        finally:
            process.kill()
    assert tables(many.parent / "lake") == tables(one.parent / "lake")


def test_a_killed_worker_is_survived_without_scoring_twice(folders, tmp_path):
    one, many = folders
    nights.run(one)
    notes: dict[str, set[tuple[int, int]]] = {}
    with (tmp_path / "log").open("w") as log:
        process = start(many, log)
        try:
            wait(lambda: seen(many.parent / "lake", notes), seconds=400, of=process)
            victims = workers_of(process)
            assert victims, "no worker processes found"
            os.kill(victims[0], signal.SIGKILL)
            killed_at = len(notes)
            while process.poll() is None:
                seen(many.parent / "lake", notes)
                time.sleep(0.02)
        finally:
            process.kill()
    assert process.returncode == 0, (tmp_path / "log").read_text()
    assert 1 <= killed_at < DAYS, "it was to be killed in the middle"
    assert all(len(versions) == 1 for versions in notes.values()), "a group was built twice"
    assert tables(many.parent / "lake") == tables(one.parent / "lake")


def seen(lake: Path, notes: dict[str, set[tuple[int, int]]]) -> bool:
    """Remember each group's note by inode and time: built again it would be another."""
    for path in lake.glob("_staging/*/plan/built/*.json"):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        notes.setdefault(path.name, set()).add((stat.st_ino, stat.st_mtime_ns))
    return bool(notes)
