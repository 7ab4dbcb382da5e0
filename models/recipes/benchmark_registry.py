"""A night's discovery over a million mentions that no taxonomy knows: seconds and peak memory.

    python -m models.recipes.benchmark_registry --mentions 1000000

Vectors are made up: of every ten mentions six lie around one of 250 centres, which is what they are called by, and four
around none. All comes from one seed, is put aside as scoring does, and given to `cx_nlp.discovery.discover` in a new lake.
"""

import datetime as dt
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pandas as pd

from cx_nlp import discovery, night, schema, store
from cx_nlp.discovery_config import DiscoveryConfig
from cx_nlp.store import files, registry_files
from cx_nlp.themes.registry import POOL
from cx_nlp.themes.vectors import grid, unit

CENTRES, WIDTH, CUSTOMERS = 250, 384, 400_000
STRAY = 0.4  # share of mentions around no centre
TIGHT, SHARED = 0.85, 0.25  # weight of the centre beside noise of 0.5, and of what all mentions have in common
SLICE = 5_000  # rows that scoring puts aside at once
FIRST = dt.date(2026, 1, 1)
SEED = 0


def made_up(rng: np.random.Generator, centres: np.ndarray, n: int) -> tuple[list[str], np.ndarray]:
    """centres (C, H) unit vectors -> n mentions and their vectors int16 (n, H)."""
    of, stray = rng.integers(0, len(centres), n), rng.random(n) < STRAY
    noise = unit(rng.normal(size=(n, WIDTH)))
    vectors = np.where(stray[:, None], noise, TIGHT * centres[of] + 0.5 * noise) + SHARED * centres[0]
    odd = rng.integers(0, 100_000, n)
    names = [f"{_word(c)} {_word(o)}" if s else _word(c) for c, o, s in zip(of, odd, stray, strict=True)]
    return names, grid(vectors)


def _word(number: int) -> str:
    """A word that no other number has."""
    return "thing" + "".join(chr(ord("a") + int(digit)) for digit in str(number))


def scored(plan: store.Plan, *, seed: int = SEED) -> store.Built:
    """What scoring leaves of a plan's dates, with one mention a row: files of mentions, and those put aside."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(CENTRES, WIDTH)))
    writes = []
    for day, n in plan.to_score.items():
        names, vectors = made_up(rng, centres, n)
        ids = [f"h1-{day:%j}{row:07}" for row in range(n)]
        customers = [f"c{number}" for number in rng.integers(0, CUSTOMERS, n)]
        frame = pd.DataFrame({
            "source": "survey", "feedback_id": ids, "feedback_date": day, "mention_id": 0, "mention": names, "start": 0,
            "end": 6, "may_quote": True, "customer": customers, "step": 0, "number": POOL,
        })  # fmt: skip
        for at in range(0, n, SLICE):
            part = frame.iloc[at : at + SLICE].assign(vector=list(vectors[at : at + SLICE]))
            registry_files.put_aside(plan.lake, plan.run_id, f"{day.isoformat()}.{at:09}", part)
        mentions = frame.assign(is_negated=False, method="none", run_id=plan.run_id).reindex(
            columns=schema.THEME_MENTIONS.names
        )
        final = files.partition(plan.lake, "theme_mentions", day)
        table = schema.as_table(mentions, schema.THEME_MENTIONS)
        writes.append((files.write_table(final, table, schema.THEME_MENTIONS, run_id=plan.run_id), final))
    return store.Built(writes=tuple(writes))


def run(lake: Path, *, mentions: int, days: int) -> dict[str, object]:
    """-> mentions, seconds (of the clock, of the processor), mentions that got a theme, peak of the process in MiB."""
    now = dt.datetime.now(dt.UTC)
    per_day = {FIRST + dt.timedelta(day): mentions // days for day in range(days)}
    plan = store.Plan(lake, night.new_run_id(now), now, None, {}, per_day, {})
    built = scored(plan)
    started = time.monotonic(), time.process_time()
    # The model's name is told, so that the scorer, which only a change of model would need, is never asked for.
    done = discovery.discover(
        plan, [built], lambda: sys.exit("the scorer was asked for"), DiscoveryConfig(), model="made up"
    )
    return {
        "mentions": sum(per_day.values()), "seconds": round(time.monotonic() - started[0], 1),
        "processor_seconds": round(time.process_time() - started[1], 1),
        "got_a_theme": sum(count for one in done for _, count in one.discovered),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


@click.command()
@click.option("--mentions", type=click.IntRange(1_000), default=1_000_000, show_default=True)
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="Dates that they lie on.")
def main(mentions: int, days: int) -> None:
    """Discover themes in made-up mentions and print one JSON object.

    Example: python -m models.recipes.benchmark_registry --mentions 100000
    """
    with tempfile.TemporaryDirectory() as folder:
        click.echo(json.dumps(run(Path(folder) / "lake", mentions=mentions, days=days)))


if __name__ == "__main__":
    main()
