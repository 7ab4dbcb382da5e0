"""The steps of a night as plain functions over paths, for a flow (or anything else) to call in order.

    with locked(...): open -> for each source: take_source -> resolve -> for each group of dates: score_dates
                      -> discovery.discover -> measure -> commit

What passes between steps are paths, counts and plain values; rows wait in the lake's staging folder.
"""

import contextlib
import datetime as dt
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from cx_nlp import __version__, beside, discovery, identity, inputs, logs, memory, progress, remembered, store
from cx_nlp.checking import check as check
from cx_nlp.config import Config, SourceConfig
from cx_nlp.date_plan import plan_dates
from cx_nlp.errors import RunStopped
from cx_nlp.failing import fail as fail
from cx_nlp.prepare import SUPPORTED, prepare
from cx_nlp.suppress import suppress
from cx_nlp.themes.taxonomy import Taxonomy

if TYPE_CHECKING:
    from cx_nlp.score.scorer import Scorer

log = logging.getLogger("cx_nlp")


@dataclass(frozen=True)
class Night:
    """One run: its name, its moment and what it was asked to do."""

    run_id: str
    flow: str
    started_at: dt.datetime
    config: Config
    dates: tuple[dt.date, dt.date] | None = None  # feedback of these days alone, first and last included
    reread: bool = False

    @property
    def lake(self) -> Path:
        return self.config.lake


@dataclass(frozen=True)
class Taken:
    """One source as read: its files by name with their checksums, rows put aside, and how long it took."""

    source: str
    files: Mapping[str, str]
    unchanged_files: int
    rows: int
    rejects: int
    seconds: float
    window_low: dt.datetime | None = None  # rows changed since then were asked for; None for all
    is_whole: bool = False  # the source is a snapshot, and all of it was read


def new_night(
    config: Config, *, flow: str, dates: tuple[dt.date, dt.date] | None = None, reread: bool = False
) -> Night:
    now = dt.datetime.now(dt.UTC)
    return Night(new_run_id(now), flow, now, config, dates, reread)


def new_run_id(started_at: dt.datetime) -> str:
    """A run id sorts by time and is unique without coordination."""
    return f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def find_files(config: Config) -> dict[str, list[Path]]:
    """source -> its files on this machine, sorted; none for a query or a URL, which is looked up when it is taken.

    Raises SourceError where a path names nothing.
    """
    return {name: inputs.find(source) for name, source in config.sources.items()}


def take_source(night: Night, name: str, paths: Sequence[Path]) -> Taken:
    """Read what the lake has not seen of one source, validate and clean it, put it aside.

    A second call replaces what the first left, so that it can be tried again. Raises SourceError for a source that
    cannot be read or lacks a mapped column, TransientError for one that is away or gone in mid-read.
    """
    started = time.monotonic()
    source = night.config.sources[name]
    hasher = identity.Hasher(identity.load_key(night.lake))
    low = store.watermark(night.lake, name)
    found, low = inputs.of_source(
        night.lake, name, source, paths, run_id=night.run_id, started_at=night.started_at, watermark=low,
        dates=night.dates, reread=night.reread,
    )  # fmt: skip
    store.unstage(night.lake, night.run_id, name)
    forgotten = store.forgotten.of_source(night.lake, name)
    marks: dict[str, str] = {}
    number = rows = rejects = unchanged = 0
    with contextlib.closing(found):
        for one in found:
            if one.read is None:
                unchanged += 1
                continue
            chunks = _prepared(night, name, source, one.read, one.name, hasher)
            if forgotten:
                chunks = (suppress(*chunk, forgotten) for chunk in chunks)
            staged = store.stage(night.lake, night.run_id, chunks, name=f"{name}-{number:05}", file=one.name)
            number, rows, rejects = number + 1, rows + staged.rows, rejects + staged.rejects
            if one.mark is not None:
                marks[one.name] = one.mark
    is_whole = source.snapshot and night.dates is None and not unchanged
    log.info(
        "%s: %d read, %d unchanged since the last run; %d rows, %d rejected", name, number, unchanged, rows, rejects,
        extra=logs.fields(night.run_id, "read", source=name, files=number, rows=rows, rejected=rejects),
    )  # fmt: skip
    return Taken(name, marks, unchanged, rows, rejects, time.monotonic() - started, low, is_whole)


def _prepared(
    night: Night, name: str, source: SourceConfig, read: inputs.Read, file: str, hasher: identity.Hasher
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    date_plan = plan_dates(read(), source)
    if date_plan is not None:
        log.info("%s: dates of respondents %s", name, ", ".join(f"{k} {v}" for k, v in date_plan.counts.items()))
    for chunk in read():
        yield prepare(
            chunk,
            name=name,
            source=source,
            hasher=hasher,
            run_start=night.started_at,
            file=file,
            date_plan=date_plan,
            supported=SUPPORTED | set(night.config.languages),
        )


def resolve(night: Night, taken: Sequence[Taken] = (), *, staged_by: str | None = None) -> store.Plan:
    """Compare what was put aside with the lake: which rows are new, replace, go, or change nothing.

    taken: tells which snapshots were read as a whole; without it no row is removed. staged_by: the run that put the rows
    aside, if it is another. Raises RunStopped, before anything is replaced, for a source with too many rejected rows or a snapshot that is far too small.
    """
    hasher = identity.Hasher(identity.load_key(night.lake))
    plan = store.plan(
        night.lake,
        night.run_id,
        started_at=night.started_at,
        occurrence_id=partial(identity.occurrence_id, hasher),
        sources=list(night.config.sources),
        dates=night.dates,
        staged_by=staged_by,
        whole={one.source: night.config.sources[one.source].snapshot_min for one in taken if one.is_whole},
    )
    for name, source in night.config.sources.items():
        _check_rejected(night, name, source.max_rejected, plan.counts[name])
    return plan


def _check_rejected(night: Night, name: str, most: float | None, counts: Mapping[str, int]) -> None:
    read, rejected = counts["read"], counts["rejected"]
    if most is None or rejected <= most * read:
        return
    reasons = store.reject_reasons(night.lake, night.run_id, name)
    listed = ", ".join(f"{reason} {rows:,}" for reason, rows in reasons.items())
    raise RunStopped(
        f"{name}: {rejected:,} of {read:,} rows rejected ({listed}), expected at most {most:.0%} (max_rejected); "
        "nothing was replaced"
    )


def score_dates(
    night: Night, plan: store.Plan, dates: Sequence[dt.date], scorer: Callable[[], "Scorer"], *, of: int | None = None
) -> store.Built:
    """Score the rows of some dates and write their partitions under temporary names.

    scorer: gives a `Scorer`; called only if a row needs it, so that a night without news loads no model. of: how many
    such calls there are at once; they share the cores, and their caller draws the bar. None: this one alone.
    """
    from cx_nlp.score.scorer import score_staged

    is_kept = night.config.discovery.enabled
    rows = sum(plan.to_score[date] for date in dates)
    with progress.bar("scoring", total=rows) if of is None else contextlib.nullcontext() as step:

        def score(staged: pd.DataFrame):
            memory.give_back()  # what the last slice has freed
            keep: Literal["unthemed", "none"] = "unthemed" if is_kept else "none"
            return score_staged(scorer(), staged, sentences=night.config.sentences, vectors=keep, progress=step)

        kept = logs.timed(night.run_id, "scorer", discovery.keeping(plan, dates, score) if is_kept else score)
        return store.build(plan, dates, kept, threads=max(1, 2 // (of or 1)))


def measure(
    night: Night,
    plan: store.Plan,
    built: Sequence[store.Built],
    *,
    taxonomy: Taxonomy | None = None,
    every: bool = False,
) -> store.Built:
    """Compute the measures of the lake as this run will leave it; nothing where nothing that they follow from changes.

    What it gives is committed with the rest: measures and the rows that they are of change together. taxonomy: None
    takes the lake's. every: those of all past days too.
    """
    from cx_nlp.measures import tables

    settings = night.config.measures
    options = beside.options(night.config, night.lake, taxonomy)
    tables_of = partial(
        tables,
        run_id=night.run_id,
        min_n=settings.min_n,
        days=settings.days,
        weeks=settings.weeks,
        order=settings.journey,
        known_shares=settings.known_shares,
        **options,
    )
    themes = discovery.themes_of(night.lake, built, taxonomy) if taxonomy else None
    digest = beside.digest(night.config, options["confusions"])
    return store.build_measures(plan, built, tables_of, themes=themes, every=every, settings=digest)


def commit(
    night: Night,
    plan: store.Plan,
    built: Sequence[store.Built],
    taken: Sequence[Taken],
    *,
    taxonomy: Taxonomy,
    model_version: str | None,
    seconds: Mapping[str, float],
    owes: store.Due | None = None,
) -> dict[str, dict[str, int]]:
    """Make the run part of the lake; -> its accounting by source. owes: figures that are left for a later run."""
    common = {
        "flow": night.flow,
        "config_hash": night.config.hash,
        "code_version": __version__,
        "model_version": model_version,
        "seconds_resolve": seconds.get("resolve"),
        "seconds_score": seconds.get("score"),
        "seconds_measure": seconds.get("measure"),
        "themes_version": taxonomy.version,
    }
    by_source = {
        one.source: {
            "seconds_read": one.seconds,
            "window_low": one.window_low,
            # A night without news ends where the last one did.
            "window_high": plan.high.get(one.source) or store.watermark(night.lake, one.source),
        }
        for one in taken
    }
    store.commit_run(
        plan,
        built,
        runs=store.run_rows(plan, built, common, by_source),
        themes=discovery.themes_of(night.lake, built, taxonomy),
        taken={one.source: one.files for one in taken},
        settings=remembered.of_config(night.config),
        owes=owes,
    )
    for source, counts in plan.counts.items():
        said = ", ".join(f"{kind} {n}" for kind, n in counts.items() if n or kind == "read")
        log.info("%s: %s", source, said, extra=logs.fields(night.run_id, "commit", source=source, **counts))
    return plan.counts
