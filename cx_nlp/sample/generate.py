"""A sample from a seed and a list of planted facts: streamed by block, or whole in memory, and written to files."""

import datetime as dt
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cx_nlp.errors import UsageError
from cx_nlp.sample import noise, world
from cx_nlp.sample.draw import draw_block
from cx_nlp.sample.export import COLUMNS, Broken, csv_line, export, json_line, source_of
from cx_nlp.sample.facts import Fact
from cx_nlp.sample.people import make_people
from cx_nlp.sample.pieces import expand
from cx_nlp.sample.population import Population, build
from cx_nlp.sample.truth import truth_of
from cx_nlp.sample.world import Draws

BLOCK = 20_000  # responses held in memory at a time
# Records a response: second comments and litter come on top.
_A_RESPONSE = 1 + world.SOURCES["survey"] * world.COMMENTED["survey"] * world.SECOND_COMMENT + 0.035
_VOICE_SCHEMA = pa.schema(
    [(name, pa.string()) for name in COLUMNS["voice"]]
).set(0, pa.field("written_at", pa.timestamp("us"))).set(5, pa.field("experience_score", pa.int8()))  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """tables: {file name: rows as that file holds them}; broken: lines that are no records; truth: see `truth.truth_of`."""

    tables: dict[str, pd.DataFrame]
    broken: list[Broken]
    truth: pd.DataFrame


def stream(
    *, seed: int, rows: int, days: int = 90, facts: Sequence[Fact] = (), start: dt.date = world.START
) -> Iterator[Sample]:
    """The sample in blocks of days, in time order; memory does not grow with `rows`. See `generate`."""
    if rows < 1:
        raise UsageError(f"rows is {rows}, expected 1 or more")
    if seed < 0:
        raise UsageError(f"seed is {seed}, expected 0 or more")
    population = build(facts, start=start, days=days)
    return _blocks(population, seed, rows)


def _blocks(population: Population, seed: int, rows: int) -> Iterator[Sample]:
    responses = max(1, round(rows / _A_RESPONSE))
    draws = Draws(seed)
    people = make_people(seed, rows)
    by_day = np.bincount(
        world.choose(population.weights.sum(axis=0), draws.uniform("day", responses)), minlength=population.days
    )
    day = np.repeat(np.arange(population.days), by_day)
    items = noise.plan(draws, rows=rows, responses=responses)
    extra = responses
    for number in range(0, responses, BLOCK):
        end = min(number + BLOCK, responses)
        here = Draws(seed, number + 1)
        dice = random.Random(f"{seed} {number}")
        frame = draw_block(population, people, here, number=number, day=day[number:end])
        mine = [item for item in items if number <= item[1] < end]
        littered = noise.litter(expand(frame, here, dice=dice), mine, dice=dice, extra=extra)
        extra += len(mine)
        tables, broken = export(littered, start=population.start)
        yield Sample(tables, broken, truth_of(littered.rows, start=population.start))


def generate(
    *, seed: int, rows: int, days: int = 90, facts: Sequence[Fact] = (), start: dt.date = world.START
) -> Sample:
    """About `rows` records over `days` days from `start`; pure: the same arguments give the same sample.

    facts: what is true in the population (see `facts.load_facts`); with none all groups, days and themes are alike.
    Two samples with the same seed and other facts have the same people, moments and noise. Below 300 rows there are no
    copies and broken rows. Raises UsageError where facts contradict each other or do not fit the period.
    """
    parts = list(stream(seed=seed, rows=rows, days=days, facts=facts, start=start))
    tables: dict[str, pd.DataFrame] = {}
    broken: list[Broken] = []
    for part in parts:
        for file in part.tables:
            before = len(tables[file]) if file in tables else 0
            broken += [Broken(b.file, b.after + before, b.line) for b in part.broken if b.file == file]
            tables[file] = (
                pd.concat([tables[file], part.tables[file]], ignore_index=True) if before else part.tables[file]
            )
    return Sample(tables, broken, pd.concat([part.truth for part in parts], ignore_index=True))


def write(parts: Sample | Iterable[Sample], folder: Path) -> dict[str, int]:
    """Write a sample, or its blocks one after the other, into a folder -> {file name: records, broken ones included}.

    Files of the same names are replaced. Raises UsageError if the folder holds surveys of another sample, which
    `survey-*.csv` would mix with this one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        writers: dict[str, Any] = {}
        for part in [parts] if isinstance(parts, Sample) else parts:
            for file, table in part.tables.items():
                if file not in writers:
                    writers[file] = stack.enter_context(_writer(folder / file))
                broken = [line for line in part.broken if line.file == file]
                _append(writers[file], file, table, broken)
                counts[file] = counts.get(file, 0) + len(table) + len(broken)
    strangers = {path.name for path in folder.glob("survey-*.csv")} - set(counts)
    if strangers:
        raise UsageError(f"{folder} also holds {', '.join(sorted(strangers))}, of another sample: remove them")
    return dict(sorted(counts.items()))


def _writer(path: Path) -> Any:
    if path.suffix == ".parquet":
        return pq.ParquetWriter(path, _VOICE_SCHEMA, compression="zstd")
    stream = path.open("w", encoding="utf-8", newline="")
    if path.suffix == ".csv":
        stream.write(csv_line(COLUMNS["survey"]))
    return stream


def _append(writer: Any, file: str, table: pd.DataFrame, broken: Sequence[Broken]) -> None:
    if source_of(file) == "voice":
        writer.write_table(
            pa.Table.from_pandas(table, schema=_VOICE_SCHEMA, preserve_index=False).replace_schema_metadata()
        )
        return
    columns = [table[name].tolist() for name in table]
    lines = [
        csv_line(row) if file.endswith(".csv") else json_line(table.columns, row) for row in zip(*columns, strict=True)
    ]
    for item in sorted(broken, key=lambda item: item.after, reverse=True):
        lines.insert(item.after, item.line)
    writer.writelines(lines)
