"""A disk that is full at any point of a run: one line, the lake as it was, and the next run does all.

The limit on a file's size stands for the disk: the system refuses the write, as it does on a full one.
"""

import multiprocessing
import resource
import traceback

import pytest

from cx_nlp import store
from cx_nlp.doctor import check_lake
from cx_nlp.errors import LakeError
from tests.store import nights
from tests.store.nights import night, row, snapshot

ROWS = [
    row(f"{n}", f"staff and a wait, number {n} " + "x" * (n % 40) * 20, f"2026-02-0{n % 3 + 1}") for n in range(300)
]


def limited(lake, limit, told):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        night(lake, "r2", ROWS, [nights.reject("y")], group=1)
        told.put(None)
    except LakeError as error:
        told.put(str(error))
    except BaseException:
        told.put("\n" + traceback.format_exc())


def run(lake, limit):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store.test_full_disk"])
    told = context.Queue()
    process = context.Process(target=limited, args=(lake, limit, told))
    process.start()
    said = told.get(timeout=300)
    process.join(10)
    return said


@pytest.mark.parametrize("limit", [0, 5_000, 14_000, 20_000, 40_000])
def test_a_full_disk_is_one_line_and_leaves_the_lake_as_it_was(tmp_path, limit):
    lake = tmp_path / "lake"
    night(lake, "r1", [row("a"), row("b", date="2026-02-02")])
    before = snapshot(lake, runs=True)
    said = run(lake, limit)
    with store.locked(lake):
        healed = store.open_lake(lake)
    if said is None or "r2" in healed.finished:
        assert limit >= 20_000
        return
    assert "\n" not in said and len(said) < 400, said
    assert snapshot(lake, runs=True) == before and check_lake(lake) == []
    assert run(lake, resource.RLIM_INFINITY) is None
    assert len(nights.table(lake, "feedback")) == 302 and check_lake(lake) == []
