"""kill -9 at random moments of a lake's life, and what is left after each.

    python -m tests.kills --n 500

A story of runs is told again and again: nights over a growing folder, a backfill in three commits, a rescore to another
model in three commits, a person forgotten, an old export read again. Each run is a process of its own, killed at a
random moment; some get a disk that is slow in a commit, so that kills fall there too. After each kill a reader's glob
must find whole files, the next run's first step must bring the lake into one state that the unkilled story knows too,
`doctor` must find nothing, and the run, called again, must end as if it had never been killed.
"""

import datetime as dt
import json
import multiprocessing
import platform
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import click

from cx_nlp import forget, history, measures, remembered, schema, store
from cx_nlp.doctor import check_lake
from cx_nlp.store import journal
from tests import nights, tiny_model

TABLES = ("feedback", "theme_mentions", "sentences", "rejects", "themes")
EDITED = [
    "1",
    "r1",
    "2026-03-01 10:00",
    "2026-03-05 09:00",
    "c1",
    "The staff were rude and the delivery was late",
    "2",
    "buy",
]
NEW = [[f"n{n}", f"rn{n}", f"2026-03-0{n % 5 + 1} 12:00", "", f"c{n}", "The delivery was late, the staff helpful", str(n), "use"]
       for n in range(10)]  # fmt: skip
OLDER = [[f"o{n}", f"ro{n}", f"2026-02-0{n + 1} 12:00", "", f"c{n}", f"Great checkout number {n}", "9", "buy"]
         for n in range(6)]  # fmt: skip
FEBRUARY = (dt.date(2026, 2, 1), dt.date(2026, 2, 28))


def first_night(folder: Path) -> None:
    nights.write_csv(folder / "in" / "a.csv", nights.ROWS)
    nights.run(folder / "night.yaml")


def second_night(folder: Path) -> None:
    nights.write_csv(folder / "in" / "b.csv", [EDITED, *NEW, *NEW[:2]])
    nights.run(folder / "night.yaml")


def third_night(folder: Path) -> None:
    """A night in which nothing is new but for one row, and another moves to another date."""
    moved = [*NEW[3][:2], "2026-03-09 12:00", "2026-03-09 13:00", *NEW[3][4:]]
    nights.write_csv(folder / "in" / "c.csv", [moved, ["z", "rz", "2026-03-02 10:00", "", "c1", "", "4", "use"]])
    nights.run(folder / "night.yaml")


def backfill(folder: Path) -> None:
    nights.write_csv(folder / "in" / "old.csv", OLDER)
    nights.backfill(folder / "night.yaml", *FEBRUARY)


def rescore(folder: Path) -> None:
    settings = remembered.recall(folder / "lake")
    nights.rescore(settings.model_copy(update={"model": str(folder / "other")}))


def forgetting(folder: Path) -> None:
    forget.erase(folder / "lake", ["c1", "c3"])


def reread(folder: Path) -> None:
    """Every file again: the forgotten must not come back, and somebody new is there."""
    nights.write_csv(folder / "in" / "d.csv", [["y", "ry", "2026-03-04 10:00", "", "c20", "Lovely staff", "9", "use"]])
    nights.run(folder / "night.yaml", reread=True)


STORY = (first_night, second_night, third_night, backfill, rescore, forgetting, reread)
IN_STEPS = (backfill, rescore)  # several commits: states in between are right too
NAMES = {step: step.__name__ for step in STORY}


def child(number: int, folder: Path, slow: bool, figures: bool) -> None:
    history.COMMIT_ROWS = 4
    if not figures:
        measures.tables = nights.one_figure
    if slow:
        carry_out = journal._carry_out
        journal._carry_out = lambda *args: carry_out(*args[:3], lambda name: time.sleep(0.01))
    STORY[number](folder)


def new_folder(root: Path, name: str) -> Path:
    """A folder with two models of one kind, a config, and a lake whose key is always the same one."""
    folder = root / name
    (folder / "in").mkdir(parents=True)
    (folder / "lake").mkdir()
    for model in ("model", "other"):
        tiny_model.build(folder / model)
        tiny_model.write_settings(folder / model, name=f"tiny-{model}")
    (folder / "lake" / "_key").write_text("0" * 64 + "\n")
    (folder / "lake" / "_key").chmod(0o600)
    nights.write_config(folder, folder / "model")
    return folder


def state(lake: Path) -> dict[str, list[tuple]]:
    """All rows of the tables, without what tells runs apart; figures by their values."""
    found = {}
    for table in (*TABLES, "measures"):
        left_out = {"run_id", "scored_at", "dt"} & {*schema.TABLES[table].names, "dt"}
        left_out -= {"dt"} if table == "themes" else set()  # the one table without partitions
        columns = f"* EXCLUDE ({', '.join(sorted(left_out))})" if left_out else "*"
        there = any((lake / table).rglob("*.parquet"))
        found[table] = nights.query(lake, f"SELECT {columns} FROM {table} ORDER BY ALL") if there else []
    return found


def readable(lake: Path) -> None:
    """What a reader finds at any moment: whole files, in each of which every key stands once."""
    for table in schema.TABLES:
        if any((lake / table).rglob("*.parquet")):
            nights.query(lake, f"SELECT * FROM {table}")


def scored_rows(lake: Path, flow: str) -> int:
    ((rows,),) = nights.query(
        lake, f"SELECT coalesce(sum(scored), 0)::INT FROM runs WHERE flow = '{flow}' AND status = 'done'"
    )
    return rows


def tell(context, root: Path, *, figures: bool) -> tuple[list[dict], list[float], dict[str, int]]:
    """The story without a kill -> state after each run, seconds of each, rows scored by backfill and rescore."""
    folder = new_folder(root, "whole")
    states, seconds = [], []
    first = context.Process(target=int)  # the server starts with it
    first.start()
    first.join()
    for number in range(len(STORY)):
        started = time.monotonic()
        process = context.Process(target=child, args=(number, folder, False, figures))
        process.start()
        process.join()
        assert process.exitcode == 0, f"{NAMES[STORY[number]]} failed without being killed"
        seconds.append(time.monotonic() - started)
        states.append(state(folder / "lake"))
    return states, seconds, {flow: scored_rows(folder / "lake", flow) for flow in ("backfill", "rescore")}


def kill(number: int, *, chance: random.Random, root: Path, context, figures: bool = True) -> Counter:
    """Tell the story with `number` kills, from the beginning as often as it takes; -> what the kills left.

    figures: compute all of them, or one in their place.
    """
    states, seconds, scored = tell(context, root, figures=figures)
    found: Counter = Counter()
    told = step = tries = 0
    folder = new_folder(root, "lake-0")
    while found["killed"] < number:
        before = states[step - 1] if step else None
        slow = chance.random() < 0.5
        process = context.Process(target=child, args=(step, folder, slow, figures))
        process.start()
        # A machine that has become busier than it was in the unkilled story gets more time, or no run would ever end.
        process.join(chance.uniform(0.0, 1.1 ** max(0, tries - 10) * (1.1 * seconds[step] + (0.4 if slow else 0.0))))
        process.kill()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL), f"{NAMES[STORY[step]]} ended with {process.exitcode}"
        killed = process.exitcode != 0
        found["killed"] += killed
        tries = tries + 1 if killed else 0
        if killed and found["killed"] % 25 == 0:
            print(f"{found['killed']} of {number} killed, {told} stories told to the end", file=sys.stderr, flush=True)
        lake = folder / "lake"
        readable(lake)
        swept = len(journal.leftovers(lake)) if killed else 0
        with store.locked(lake, wait=10):
            healed = store.open_lake(lake)
        problems = [finding for finding in check_lake(lake) if finding.check != "due" or STORY[step] not in IN_STEPS]
        assert not problems, f"after {NAMES[STORY[step]]}: {problems[0]}"
        now = state(lake)
        if killed:
            found["commits that the next run finished"] += bool(healed.finished)
            found["with leftovers, all swept"] += bool(swept)
            found[f"in {NAMES[STORY[step]]}"] += 1
        if now == states[step] and store.owed(lake) is None:
            found["found after the run's commit"] += killed
            step, tries = step + 1, 0
        elif before is None:
            assert not any(now.values()), "rows before the first commit"
            found["found before the run's commit"] += killed
        elif STORY[step] in IN_STEPS:
            found["found between two commits of a run" if now != before else "found before the run's commit"] += killed
            assert ids(now) >= ids(before), "a row was lost"
        else:
            assert now == before, f"{NAMES[STORY[step]]} left a state that is neither before nor after"
            found["found before the run's commit"] += killed
        assert killed or step, "a run that ended well left no trace"
        if step == len(STORY):
            for flow, rows in scored.items():
                assert scored_rows(lake, flow) == rows, f"{flow} scored rows that were committed"
            found["stories told to the end"] += 1
            shutil.rmtree(folder)
            told, step = told + 1, 0
            folder = new_folder(root, f"lake-{told}")
    for left in range(step, len(STORY)):
        process = context.Process(target=child, args=(left, folder, False, figures))
        process.start()
        process.join()
        assert state(folder / "lake") == states[left], f"{NAMES[STORY[left]]} does not end as the unkilled one"
    assert check_lake(folder / "lake") == []
    return found


def ids(found: dict) -> set:
    return {row[:2] for row in found["feedback"]}


def forkserver():
    """Processes that start fast: the server has imported all and loaded the parser, and holds no lake."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.kills_preload"])
    return context


@click.command()
@click.option("--n", "number", type=int, default=500, show_default=True, help="How many processes to kill.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the moments.")
def main(number: int, seed: int) -> None:
    """Kill runs at random moments and check what is left; prints one JSON object, or fails at the first wrong lake."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as root:
        found = kill(number, chance=random.Random(seed), root=Path(root), context=forkserver())
    versions = {name: version(name) for name in ("duckdb", "pyarrow", "pandas", "spacy", "onnxruntime", "openvino")}
    result = {
        "date": dt.date.today().isoformat(), "n": number, "seed": seed, "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}", "versions": versions,
        "seconds": round(time.monotonic() - started), "found": dict(sorted(found.items())),
    }  # fmt: skip
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
