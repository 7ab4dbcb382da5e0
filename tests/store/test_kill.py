"""kill -9 at random moments: the lake is always in one whole state, and the next night completes it."""

import datetime as dt
import multiprocessing
import random
import time

import pytest

from cx_nlp import store
from tests.store import nights

KILLS = 20
ROWS = 6


def rows_of(day: int) -> list[dict]:
    """A growing source: night n reads days 0..n; an older row is edited, a response grows, a row moves."""
    rows = [
        nights.row(f"{n}-{k}", f"staff {n} {k}", f"2026-02-0{n + 1}", csat=k % 5 + 1, response_id=f"r{k}")
        for n in range(day + 1)
        for k in range(ROWS)
    ]
    edited = [nights.row("0-0", f"bad wait {day}", f"2026-02-0{day + 1}", updated_at=f"2026-02-1{day}T00:00:00")]
    return rows[1:] + edited + [nights.row(None), nights.row(None)]


def run(lake, day: int, slow: bool = False, attempt: str = "x") -> None:
    """One night; slow: a commit that takes its time, so that a kill falls into it."""
    nights.night(
        lake,
        f"night-{day}-{attempt}",
        rows_of(day),
        [nights.reject(f"bad {day}")],
        started_at=nights.START + dt.timedelta(days=day),
        step=(lambda name: time.sleep(0.02)) if slow else (lambda name: None),
    )


def comparable(lake) -> dict:
    runs = nights.table(lake, "runs", "source, started_at, read, new, replaced, unchanged, superseded, rejected")
    return nights.content(lake) | {"runs": runs}


@pytest.fixture(scope="module")
def forkserver():
    """Processes that start fast: the server has imported all, and started no thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store.test_kill"])
    return context


def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path, forkserver):
    days = 3
    whole = tmp_path / "whole"
    after = []
    for day in range(days):
        start = time.monotonic()
        run(whole, day)
        seconds = time.monotonic() - start
        after.append(comparable(whole))

    chance = random.Random(20260301)
    killed = committed = 0
    lake, day, attempt = tmp_path / "lake-0", 0, 0
    while killed < KILLS:
        attempt += 1
        slow = chance.random() < 0.5
        process = forkserver.Process(target=run, args=(lake, day, slow, str(attempt)))
        process.start()
        process.join(chance.uniform(0.02, 1.5 * seconds + (1.0 if slow else 0.0)))
        process.kill()
        process.join(30)
        killed += process.exitcode == -9
        assert process.exitcode in (0, -9)
        # What a reader sees at once is whole files, whatever state each is of.
        for table in ("feedback", "theme_mentions", "sentences", "rejects", "runs", "themes"):
            nights.table(lake, table)
        with store.locked(lake, wait=5):
            healed = store.open_lake(lake)
        committed += bool(healed.finished)
        state = comparable(lake)
        if day and state == after[day - 1]:
            continue
        if not day and not state["runs"]:
            assert not state["feedback"]
            continue
        assert state == after[day]
        day += 1
        if day == days:  # and from the start
            lake, day = tmp_path / f"lake-{attempt}", 0
    assert killed == KILLS
    for left in range(day, days):
        run(lake, left)
    assert comparable(lake) == after[-1]
