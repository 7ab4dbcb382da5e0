"""The sample scaled up, end to end: rows a second of each stage, peak memory, and what flow and store cost beside scoring.

    python -m models.recipes.benchmark_nights --rows 10000 --rows 100000 --rows 1000000
    python -m models.recipes.benchmark_nights --rows 100000 --model FOLDER --json

Each size is a night of its own in a temporary folder: the generator writes the sample's files, `cx-nlp run` reads them
into a new lake. A tiny model (--model) leaves the cost of flow and store alone. Sizes of one call show whether cost grows
linearly. Memory is what the processes hold together, each shared page counted once (PSS), sampled while they run: Linux.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from cx_nlp.sample.facts import load_facts
from cx_nlp.sample.generate import stream, write

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "configs" / "sample.yaml"
BESIDE = (
    "alerts.yaml",
    *(f"sample/{name}" for name in ("actions.csv", "beliefs.csv", "labelled.csv", "taxonomy.yaml")),
)
# In the order in which a night goes through them; "flow" is what is left of the wall clock: start and orchestration.
STAGES = ("read", "resolve", "score", "store", "discover", "measure", "quality", "commit", "flow")
_EVERY = 0.2  # seconds between samples of memory


@dataclass(frozen=True)
class Result:
    """One size: rows read, seconds by stage, seconds from start to end, of processors, and bytes at the peak."""

    rows: int
    seconds: Mapping[str, float]
    wall: float
    core_seconds: float  # of all processes: unlike the wall clock, hardly moved by what else a machine does
    peak: int

    @property
    def overhead(self) -> float:
        """Flow and store (resolve, partitions, commit, orchestration) as a share of the scoring time; 0.1 is a tenth."""
        beside = sum(self.seconds[stage] for stage in ("resolve", "store", "commit", "flow"))
        return beside / self.seconds["score"] if self.seconds["score"] else float("nan")

    def as_dict(self) -> dict[str, Any]:
        rates = {stage: round(self.rows / s) if s else None for stage, s in self.seconds.items()}
        return {
            "rows": self.rows,
            "wall_seconds": round(self.wall, 2),
            "core_seconds": round(self.core_seconds, 2),
            "rows_per_second": round(self.rows / self.wall, 1),
            "seconds": {stage: round(s, 2) for stage, s in self.seconds.items()},
            "rows_per_second_of_stage": rates,
            "peak_mib": round(self.peak / 2**20),
            "overhead_of_scoring": round(self.overhead, 4),
        }


def stage_seconds(lines: Iterable[str], wall: float) -> dict[str, float]:
    """JSON log lines of a run -> seconds by stage, which add up to the wall clock.

    Scoring is the time within the model and the parser; what `score` took beyond that is writing partitions: "store".
    """
    spent = dict.fromkeys(STAGES, 0.0)
    scoring = None
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if record.get("stage") == "scorer":
            scoring = (scoring or 0.0) + record["seconds"]
        elif record.get("stage") in spent and "seconds" in record:
            spent[record["stage"]] += record["seconds"]
    if scoring is not None:
        spent["store"] = max(0.0, spent["score"] - scoring)
        spent["score"] = scoring
    spent["flow"] = max(0.0, wall - sum(spent.values()))
    return spent


def night(rows: int, folder: Path, *, model: str | None, engine: str | None, workers: int | None) -> Result:
    """Write the sample of a size into a folder and run a night over it. Raises RuntimeError where the night fails."""
    settings = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    settings |= {"lake": "lake"} | ({"model": model} if model else {}) | ({"engine": engine} if engine else {})
    facts = load_facts(SAMPLE.parent / "sample" / "facts.yaml")
    for name in BESIDE:  # the generator writes feedback alone
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE.parent / name, folder / name)
    counts = write(stream(seed=3, rows=rows, days=90, facts=facts), folder / "sample")
    config = folder / "night.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [sys.executable, "-m", "cx_nlp.cli", "--log", "json", "run", "--config", str(config)]
    command += ["--workers", str(workers)] if workers else []
    started, spent = time.monotonic(), _core_seconds()
    with (folder / "log").open("w+", encoding="utf-8") as log:
        env = os.environ | {"PREFECT_HOME": str(folder / "prefect")}
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=log)
        peak = 0
        while process.poll() is None:
            peak = max(peak, tree_bytes(process.pid))
            time.sleep(_EVERY)
        wall = time.monotonic() - started
        log.seek(0)
        lines = log.read().splitlines()
    if process.returncode:
        raise RuntimeError(f"the night of {rows:,} rows ended with {process.returncode}: {lines[-1] if lines else ''}")
    return Result(sum(counts.values()), stage_seconds(lines, wall), wall, _core_seconds() - spent, peak)


def _core_seconds() -> float:
    """Of the children that have ended, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tree_bytes(pid: int) -> int:
    """Memory of a process and all below it, shared pages counted once; 0 once they are gone."""
    return sum(_pss(one) for one in _tree(pid))


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            found += _tree(int(child))
    return found


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:  # it has ended meanwhile
        pass
    return 0


def format_table(results: Iterable[Result]) -> str:
    """A line a size: rows a second of each stage and of all, peak memory, overhead."""
    head = ["rows", *(f"{stage}/s" for stage in STAGES), "all/s", "wall s", "core s", "peak MiB", "overhead"]
    lines = [head]
    for one in results:
        rates = [f"{one.rows / one.seconds[stage]:,.0f}" if one.seconds[stage] else "-" for stage in STAGES]
        rest = [
            f"{one.rows / one.wall:,.0f}",
            f"{one.wall:,.1f}",
            f"{one.core_seconds:,.0f}",
            f"{one.peak / 2**20:,.0f}",
            f"{one.overhead:.1%}",
        ]
        lines.append([f"{one.rows:,}", *rates, *rest])
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


@click.command()
@click.option("--rows", type=click.IntRange(min=1), multiple=True, default=(10_000,), help="About so many; repeatable.")
@click.option("--model", help="A shipped model's name or a folder (default: the sample config's).")
@click.option("--engine", help="As in a config; default: the sample config's.")
@click.option("--workers", type=click.IntRange(min=1), help="Score on a local Dask cluster of so many processes.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to work (default: a temporary folder).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a size instead of the table.")
def main(
    rows: tuple[int, ...],
    model: str | None,
    engine: str | None,
    workers: int | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Run the sample, scaled up to each of --rows, end to end."""
    results = []
    place = str(Path(model).resolve()) if model and "/" in model else model
    for size in rows:
        with tempfile.TemporaryDirectory(dir=folder, prefix=f"nights-{size}-") as scratch:
            results.append(night(size, Path(scratch), model=place, engine=engine, workers=workers))
        if as_json:
            click.echo(json.dumps(results[-1].as_dict()))
    if not as_json:
        click.echo(format_table(results))


if __name__ == "__main__":
    main()
