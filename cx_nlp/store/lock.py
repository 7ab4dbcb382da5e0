"""One run at a time on a lake: a lock of the kernel's, which a killed process cannot leave behind."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from cx_nlp.errors import LakeBusy, LakeError

_POLL_SECONDS = 0.2
# A forked child shares the parent's lock and would keep it when the parent is killed, so children close these.
_held: set[int] = set()


def _close_in_child() -> None:
    for handle in _held:
        with contextlib.suppress(OSError):
            os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)


@contextlib.contextmanager
def locked(lake: Path, *, wait: float = 0.0, holder: str = "") -> Iterator[None]:
    """Hold the lake alone; the folder is made if it is not there. `holder` (a run's id) is told to those who wait.

    Raises LakeBusy if another process (or another caller in this one) still holds it after `wait` seconds, LakeError
    if the lake cannot be opened.
    """
    path = lake / "_lock"
    try:
        lake.mkdir(parents=True, exist_ok=True)
        handle = _open(path)
    except OSError as error:
        raise LakeError(f"lake {lake}: cannot be opened: {error.strerror or error}") from None
    _held.add(handle)
    try:
        _acquire(handle, path, wait)
        _sign(handle, f"process {os.getpid()}{f', run {holder}' if holder else ''}\n")
        yield
    finally:
        # The file stays: removing it would let two runs hold locks on two files of one name.
        if handle in _held:  # else this is a forked child, which closed it
            _held.discard(handle)
            os.close(handle)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError:  # somebody who may only read can still check a lake while no run changes it
        return os.open(path, os.O_RDONLY)


def _acquire(handle: int, path: Path, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0:
                who = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another process"
                raise LakeBusy(f"lake {path.parent}: held by {who}; waited {wait:g} s") from None
            time.sleep(min(_POLL_SECONDS, left))


def _sign(handle: int, text: str) -> None:
    with contextlib.suppress(OSError):  # opened for reading only
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)
