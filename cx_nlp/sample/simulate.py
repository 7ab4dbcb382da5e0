"""python -m cx_nlp.sample.simulate: do intervals hold what they promise, and are planted facts found, over many samples?

Each sample is drawn anew from the population that the facts describe, and measured with the functions that make a
lake's tables. Facts on ratings: how often does the stated value lie within the 95 % interval? Facts that need texts read:
how often are sign and rank right? Samples without any fact: how often is something found that is not there? Texts are
not scored: `reader` gives the planted labels with a stated share of errors.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import duckdb
import numpy as np
import pandas as pd

from cx_nlp.intervals import wilson
from cx_nlp.measures import contrasts, drivers, emotions, fence, journey, passives, rates, relations
from cx_nlp.sample import facts as planted
from cx_nlp.sample import reader
from cx_nlp.sample.facts import Fact, load_facts
from cx_nlp.sample.generate import generate
from cx_nlp.sample.simulate_leaders import false_alarms, led
from cx_nlp.sample.world import START

MIN_N, RESAMPLES = 20, 200
FOUND = 0.05  # q, or one less the level of an interval, at which something counts as found
PARTS = ("covered", "recognised", "false_finds", "two_levels", "led", "false_alarms")
OF_NOTHING = ("false_finds", "two_levels", "false_alarms")  # asked of samples without any fact
OF_LEVELS = ("two_levels",)  # asked where every theme lies below one of three
Score = tuple[str, bool]  # what was asked, and whether the answer was right (or, of no facts, wrong)


def load(
    truth: pd.DataFrame, *, error: float, rng: np.random.Generator, levels: bool = False
) -> duckdb.DuckDBPyConnection:
    """A connection after `relations.load`, with what a reader with these errors makes of a sample. levels: OF_LEVELS."""
    said, named = reader.read(truth, error=error, rng=rng)
    themes = sorted(set(named["theme_id"].to_pylist())) if levels else []
    parents = {theme: f"{reader.TAXONOMY}/above-{number % 3}" for number, theme in enumerate(themes)}
    con = duckdb.connect(config={"threads": 1})
    con.register("in_feedback", said)
    con.register("in_mentions", named)
    relations.load(con, feedback="in_feedback", mentions="in_mentions", parents=parents)
    return con


def covered(con: duckdb.DuckDBPyConnection, facts: Sequence[Fact]) -> Iterator[Score]:
    """Facts on ratings -> whether the interval of the measure that should find it holds the stated value."""
    whole, by_touchpoint = (rates.of_period(con, "all", split, min_n=MIN_N) for split in ((), ("touchpoint",)))
    for fact in facts:
        if isinstance(fact, planted.Level | planted.BeliefGap):
            rows = whole if fact.scope.touchpoint is None else by_touchpoint
            mine = rows[(rows["measure"] == fact.measure) & (rows["role"] == "customer")]
            if fact.scope.touchpoint is not None:
                mine = mine[mine["touchpoint"] == fact.scope.touchpoint]
            low, high = mine[["low", "high"]].iloc[0]
        elif isinstance(fact, planted.Commenters):
            _, low, high = contrasts.contrast(con, fact.measure, "said IS NOT NULL").effect()
        elif isinstance(fact, planted.Change) and fact.measure in contrasts.OUTCOMES:
            inside = f"day BETWEEN DATE '{fact.window.first}' AND DATE '{fact.window.last}'"  # type: ignore[union-attr]
            here = f"touchpoint = {relations.literal(str(fact.scope.touchpoint))}"
            _, low, high = contrasts.contrast(con, fact.measure, inside, where=here).effect()
        else:
            continue
        yield fact.id, bool(low <= fact.value <= high)


def recognised(con: duckdb.DuckDBPyConnection, facts: Sequence[Fact], rng: np.random.Generator) -> Iterator[Score]:
    """Facts that need texts -> whether the measure that should find it has its sign right and ranks it first."""
    driving = drivers.drivers(con, min_n=MIN_N, rng=rng, resamples=RESAMPLES)
    apart = passives.passives(con, min_n=MIN_N)
    crossed = passives.crossings(con, min_n=MIN_N).set_index(["text", "nps_group"])["group_share"]
    for fact in facts:
        theme = f"{reader.TAXONOMY}/{fact.scope.theme}"
        if isinstance(fact, planted.Decoy):
            row = driving[(driving["outcome"] == fact.measure) & (driving["theme_id"] == theme)].iloc[0]
            yield fact.id, bool(row["presence_low"] <= 0 <= row["presence_high"])
        elif isinstance(fact, planted.Driver):
            # What weighs most is what many name: `impact` ranks, while `presence` is also large where few are touched.
            mine = driving[driving["outcome"] == fact.measure].set_index("theme_id")
            signs = mine.loc[theme, ["impact", "presence"]] * fact.value > 0
            yield fact.id, bool(signs.all() and mine["impact"].abs().idxmax() == theme)
        elif isinstance(fact, planted.MarksGroup):
            of = apart[apart["kind"] == "theme"]
            yield fact.id, all(_first(of, theme, against) for against in ("promoter", "detractor"))
        elif isinstance(fact, planted.Emotion):
            of = apart[apart["kind"] == "emotion"].assign(z=lambda rows: -rows["z"])
            yield fact.id, _first(of, fact.measure.removeprefix("emotion_"), str(fact.scope.nps_group))
        elif isinstance(fact, planted.Tone):
            angry = crossed.xs("detractor", level="nps_group").drop("none", errors="ignore")
            more = crossed.get(("negative", "detractor"), 0.0) > crossed.get(("negative", "promoter"), 0.0)
            yield fact.id, bool(more and angry.idxmax() == "negative")
        elif isinstance(fact, planted.Change) and fact.measure == "theme_share":
            yield fact.id, _best_week(con, theme) == fact.window.first  # type: ignore[union-attr]


def _first(rows: pd.DataFrame, term: str, against: str) -> bool:
    mine = rows[rows["against"] == against].set_index("term")["z"]
    return bool(term in mine.index and mine[term] > 0 and mine.idxmax() == term)


def _best_week(con: duckdb.DuckDBPyConnection, theme: str) -> object:
    """The Monday of the week in which the theme has its largest share of the customers' comments."""
    counts = []
    for split in ((), ("theme_id",)):
        rows = rates.of_period(con, "week", split, min_n=MIN_N)
        rows = rows[(rows["measure"] == "comments") & (rows["role"] == "customer")]
        rows = rows[rows["theme_id"] == theme] if split else rows
        counts.append(rows.set_index("start")["value"])
    share = (counts[1] / counts[0]).dropna()
    return pd.Timestamp(share.idxmax()).date() if len(share) else None


def false_finds(con: duckdb.DuckDBPyConnection, rng: np.random.Generator) -> Iterator[Score]:
    """Of a sample with nothing planted: for each family of tests whether any find is made (q), for each interval of an
    effect whether it leaves out 0. Rates of either should not be above FOUND.
    """
    apart = passives.passives(con, min_n=MIN_N)
    for (kind, against), rows in apart[apart["kind"] != "lean"].groupby(["kind", "against"]):
        yield f"passives, {kind}, {against}", bool((rows["q"] < FOUND).any())
    conversions = fence.conversions(con, min_n=MIN_N)
    yield "conversions", bool(len(conversions) and (conversions["q"] < FOUND).any())
    for outcome, rows in emotions.emotion_outcomes(con, min_n=MIN_N).groupby("outcome"):
        yield f"emotion_outcomes, {outcome}", bool((rows["q"] < FOUND).any())
    for name, rows, column in (
        ("drivers, presence", drivers.drivers(con, min_n=MIN_N, rng=rng, resamples=RESAMPLES), "presence"),
        ("journey, effect", journey.journey(con, order=(), min_n=MIN_N), "effect"),
    ):
        for low, high in rows[~rows["suppressed"]][[f"{column}_low", f"{column}_high"]].to_numpy():
            yield name, bool(not low <= 0 <= high)


def two_levels(con: duckdb.DuckDBPyConnection, rng: np.random.Generator) -> Iterator[Score]:
    """Of a sample with nothing planted and OF_LEVELS: for each interval of a driver whether it leaves out 0."""
    rows = drivers.drivers(con, min_n=MIN_N, rng=rng, resamples=RESAMPLES)
    rows = rows[~rows["suppressed"]]
    ends = rows[["theme_id", "presence_low", "presence_high"]].itertuples(index=False)
    for theme_id, low, high in ends:
        level = "above" if "/above-" in theme_id else "below"
        yield f"drivers, presence, {level}", bool(not low <= 0 <= high)


def simulate(
    facts: Sequence[Fact], *, samples: int, rows: int, error: float, seed: int, parts: Sequence[str] = PARTS
) -> dict[str, dict[str, list[int]]]:
    """-> for each of `parts`, {what was asked: [how often it was so, how often it was asked]}, see PARTS."""
    counted: dict[str, dict[str, list[int]]] = {part: {} for part in parts}
    for number in range(seed, seed + samples):
        for of, levels in ((facts, False), ((), False), ((), True)):
            wanted = [part for part in parts if (part in OF_NOTHING, part in OF_LEVELS) == (not of, levels)]
            if not wanted:
                continue
            rng = np.random.default_rng(number)
            truth = generate(seed=number, rows=rows, facts=of, start=START).truth
            with load(truth, error=error, rng=rng, levels=levels) as con:
                for part in wanted:
                    for asked, hit in _asked(part, con, facts, rng):
                        counts = counted[part].setdefault(asked, [0, 0])
                        counts[0] += hit
                        counts[1] += 1
    return counted


def _asked(
    part: str, con: duckdb.DuckDBPyConnection, facts: Sequence[Fact], rng: np.random.Generator
) -> Iterator[Score]:
    if part == "covered":
        return covered(con, facts)
    if part in ("led", "false_alarms"):
        return led(con, facts, rng) if part == "led" else false_alarms(con, rng)
    if part == "two_levels":
        return two_levels(con, rng)
    return recognised(con, facts, rng) if part == "recognised" else false_finds(con, rng)


@click.command()
@click.option("--facts", "facts_file", type=click.Path(path_type=Path), required=True, help="YAML of planted facts")
@click.option("--samples", type=click.IntRange(1), default=200, show_default=True)
@click.option("--rows", type=click.IntRange(300), default=1200, show_default=True, help="records a sample, about")
@click.option(
    "--error", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="of the reader, see reader.py"
)
@click.option(
    "--seed", type=int, default=1000, show_default=True, help="of the first sample; the next has the next one"
)
@click.option("--only", "parts", type=click.Choice(PARTS), multiple=True, default=PARTS, help="may be repeated")
@click.option("--json", "as_json", is_flag=True)
def main(
    facts_file: Path, samples: int, rows: int, error: float, seed: int, parts: Sequence[str], as_json: bool
) -> None:
    """Draw samples, measure them, and count how often the measures are right.

    Example: python -m cx_nlp.sample.simulate --facts configs/sample/facts.yaml --samples 200
    """
    found = simulate(load_facts(facts_file), samples=samples, rows=rows, error=error, seed=seed, parts=parts)
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, counts in found.items():
        total = [sum(column) for column in zip(*counts.values(), strict=True)]
        click.echo(f"\n{name}")
        for asked, (hits, n) in {**counts, "(all)": total}.items():
            low, high = wilson(hits / n, n)
            click.echo(f"  {asked:34}{hits:>6} of {n:<6}{hits / n:>7.1%}  [{low:.1%}, {high:.1%}]")


if __name__ == "__main__":
    main()
