import multiprocessing
import os
import signal
import time

import pytest

from cx_nlp.errors import LakeBusy, LakeError, TransientError
from cx_nlp.store import locked


def hold(lake, ready, forever=True):
    with locked(lake, holder="night-1"):
        ready.set()
        while forever:
            time.sleep(0.05)


@pytest.fixture
def context():
    return multiprocessing.get_context("spawn")


def test_a_second_run_is_told_who_holds_the_lake(tmp_path):
    told = rf"held by process {os.getpid()}, run night-1; waited 0 s"
    with (
        locked(tmp_path / "lake", holder="night-1"),
        pytest.raises(LakeBusy, match=told),
        locked(tmp_path / "lake"),
    ):
        pass
    with locked(tmp_path / "lake"):
        pass
    assert issubclass(LakeBusy, TransientError)


def test_waiting_is_bounded(tmp_path):
    with locked(tmp_path):
        start = time.monotonic()
        with pytest.raises(LakeBusy, match=r"waited 0\.3 s"), locked(tmp_path, wait=0.3):
            pass
        assert 0.3 <= time.monotonic() - start < 5


def test_the_kernel_frees_the_lock_of_a_killed_run(tmp_path, context):
    ready = context.Event()
    process = context.Process(target=hold, args=(tmp_path, ready))
    process.start()
    try:
        assert ready.wait(60)
        with pytest.raises(LakeBusy, match="night-1"), locked(tmp_path):
            pass
        process.kill()
        process.join(10)
        assert process.exitcode == -signal.SIGKILL
        with locked(tmp_path, wait=5):
            pass
    finally:
        process.kill()
        process.join(10)


def test_a_forked_child_does_not_keep_the_lock(tmp_path):
    with locked(tmp_path):
        child = os.fork()
        if not child:
            time.sleep(30)
            os._exit(0)
    try:
        with locked(tmp_path, wait=5):
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "the child lives, and the lock is ours"
            with pytest.raises(LakeBusy), locked(tmp_path):
                pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_lake_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "lake").touch()
    with pytest.raises(LakeError, match="cannot be opened"), locked(tmp_path / "lake"):
        pass
