"""The flows of many dates, with processes that score side by side."""

import json
import logging
import os
import shutil
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cx_nlp import logs
from cx_nlp.errors import TransientError, Unexpected
from tests import nights, tiny_model

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def harness():
    from cx_nlp_pipelines import backfill, rescore
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield backfill, rescore


@pytest.fixture
def config(tmp_path, tiny):
    return nights.survey(tmp_path, tiny)


def test_days_are_scored_side_by_side_and_then_rescored(harness, config, tiny, monkeypatch):
    backfill, rescore = harness
    monkeypatch.setattr("cx_nlp.history.TASK_ROWS", 1)  # a task a day
    counts = backfill.backfill(str(config), "2026-03-01", "2026-03-31", workers=2)
    assert counts["survey"]["new"] == 7
    lake = config.parent / "lake"
    assert nights.query(lake, "SELECT flow, status, scored FROM runs") == [("backfill", "done", 4)]
    assert nights.query(lake, "SELECT count(*) FROM runs WHERE seconds_measure > 0 AND seconds_score > 0") == [(1,)]
    assert nights.run(config, reread=True)["survey"]["unchanged"] == 7  # the same bytes as a night's
    other = config.parent / "other"
    shutil.copytree(tiny, other)
    tiny_model.write_settings(other, name="other")
    assert rescore.rescore(str(lake), model=str(other), workers=1) == 4
    assert rescore.rescore(str(lake), workers=1) == 0  # the lake remembers what it was told last
    assert nights.query(lake, "SELECT count(*) FROM feedback WHERE model_version LIKE '%other@%'") == [(4,)]


def test_rescore_tells_prefect_no_text(harness, config, monkeypatch):
    _, rescore = harness
    nights.run(config)

    def broken(*_, **__):
        raise ValueError("cannot parse: Mail me about the broken checkout")

    monkeypatch.setattr("cx_nlp.history.rescore", broken)
    with pytest.raises(Unexpected, match="ValueError at") as caught:
        rescore.rescore(str(config.parent / "lake"), workers=1)
    assert "checkout" not in str(caught.value) and caught.value.__context__ is None


def test_rescore_knows_the_blocks_of_a_lake_that_is_published(harness, config):
    from prefect.blocks.system import Secret

    _, rescore = harness
    Secret(value="w0rd").save("cx-copy", overwrite=True)
    nights.run(config)
    config.write_text(config.read_text() + "publish: 'file:///srv/${block:secret/cx-copy}'\n")
    assert rescore.rescore(str(config.parent / "lake"), str(config), workers=1) == 0


def die(folder):
    (folder / "started").touch()
    os.kill(os.getpid(), 9)


def sleep(folder):
    (folder / "pid").write_text(str(os.getpid()))
    time.sleep(60)


def live(folder):
    with pool_of(2) as call:
        call(sleep, folder)


def speak(_):
    logging.getLogger("cx_nlp").info("scored", extra=logs.fields("r1", "score", rows=3))
    return os.getpid()


def miss(rows):
    return rows["Jane"]


def pool_of(number, *, apart=False):
    from cx_nlp_pipelines import pool

    return pool.pool(number, apart=apart)


@pytest.mark.parametrize(("number", "apart"), [(2, False), (1, True)])
def test_a_process_that_is_killed_is_one_line(tmp_path, number, apart):
    with pool_of(number, apart=apart) as call, pytest.raises(TransientError, match="what was committed stays") as told:
        call(die, tmp_path)
    assert (tmp_path / "started").exists()
    assert ("--workers 1" in str(told.value)) == (number > 1), "no advice that changes nothing"


def test_a_block_that_raises_does_not_wait_for_its_process(tmp_path):
    """As a task does whose time is over, while its process goes on."""
    waiting = ThreadPoolExecutor(1)
    deadline = time.monotonic() + 50  # the process would sleep for 60 seconds
    with pytest.raises(TimeoutError), pool_of(1, apart=True) as call:
        given = waiting.submit(call, sleep, tmp_path)
        while not (tmp_path / "pid").exists():
            time.sleep(0.1)
            assert time.monotonic() < deadline
        raise TimeoutError
    assert time.monotonic() < deadline
    with pytest.raises(TransientError):
        given.result(timeout=30)
    waiting.shutdown()


def test_one_process_apart_logs_as_this_one(capfd, monkeypatch):
    monkeypatch.setattr(logs, "_kind", "json")
    monkeypatch.setattr(logs.log, "level", logging.INFO)
    with pool_of(1, apart=True) as call:
        assert call(speak, None) != os.getpid()
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line).items() >= {"message": "scored", "run_id": "r1", "rows": 3}.items()


def test_a_process_of_a_night_that_no_command_set_up_logs_as_the_flow_does(capfd, monkeypatch):
    """As a worker's, which Prefect starts: `schedule` and deployments."""
    monkeypatch.setattr(logs, "_kind", None)
    monkeypatch.setattr(logs.log, "level", logging.INFO)
    monkeypatch.setenv(logs.VARIABLE, "json")
    with pool_of(1, apart=True) as call:
        call(speak, None)
    assert json.loads(capfd.readouterr().err)["message"] == "scored"


def test_a_defect_in_a_process_is_named_by_its_own_place_and_without_its_words():
    with (
        pool_of(1, apart=True) as call,
        pytest.raises(Unexpected, match=r"KeyError at .*test_backfill\.py:\d+") as told,
    ):
        call(miss, {})
    assert "Jane" not in "".join(traceback.format_exception(told.value))


def test_processes_end_when_their_parent_is_killed(tmp_path):
    import multiprocessing

    parent = multiprocessing.get_context("spawn").Process(target=live, args=(tmp_path,))
    parent.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline and parent.is_alive()
        time.sleep(0.1)
    child = int((tmp_path / "pid").read_text())
    parent.kill()
    parent.join()
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{child}/stat")
        if not stat.exists() or stat.read_text().split(") ")[1][0] == "Z":  # a zombie: nobody is left to collect it
            return
        time.sleep(0.1)
    pytest.fail("a process outlived its parent")


def test_one_a_core_and_never_too_many():
    from cx_nlp_pipelines import pool

    assert pool.processes(3) == 3 and 1 <= pool.processes(0) <= pool.MOST
