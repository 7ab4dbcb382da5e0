"""Many dates at once: `backfill` reads them from the sources, `rescore` scores again what the lake holds.

Both go through bounded groups of neighbouring dates, each a run and a commit of its own (`<run_id>.1`, `.2`, …), and
compute figures once, at the end. So what a kill can cost is one group, however long the history: the next call finds
the rows of committed groups unchanged (or of today's version), and scores none of them again.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cx_nlp import logs, night, progress, quality, store
from cx_nlp.night import Night
from cx_nlp.themes.taxonomy import Taxonomy

if TYPE_CHECKING:
    from cx_nlp.score.scorer import Scorer

COMMIT_ROWS = 40_000  # of a group but the last: a minute or two of scoring
TASK_ROWS = 4_000  # of a part of a group that is scored beside others
Counts = dict[str, dict[str, int]]
# The rows of a plan, scored in parts of TASK_ROWS, side by side, and then `discovery.discover` once over all of them; groups
# come in order of date, so themes are discovered as nights would have. `done` is told how many rows are scored.
ScoreAll = Callable[[Night, store.Plan, Callable[[int], None]], Sequence[store.Built]]


def backfill(this: Night, *, score: ScoreAll, taxonomy: Taxonomy, model_version: Callable[[], str]) -> Counts:
    """Commit what was staged of the dates of `this`, group by group; -> the accounting by source, over all groups.

    Call it under the lock, after `take_source`. No watermark moves and no file counts as taken. A row that moves
    from one group into another is read in both, as it is when single dates are run one after the other.
    """
    assert this.dates is not None
    rows = store.staged_dates(this.lake, this.run_id, this.dates)
    total: Counts = {name: {} for name in this.config.sources}
    part = None
    with progress.bar("backfill", total=sum(rows.values())) as done:
        for part, dates in _parts(this, rows):
            stages = logs.Stages(part.run_id)
            with stages("resolve"):
                plan = night.resolve(part, staged_by=this.run_id)
            # Rows that change nothing are done as soon as that is known.
            done(sum(rows[date] for date in dates) - sum(plan.to_score.values()))
            _commit(part, plan, stages, score, done, taxonomy, model_version, every=False)
            _add(total, plan.counts)
    _settle(part or this, taxonomy)
    store.drop_staging(this.lake, this.run_id)
    return total


def wanted(this: Night, scorer: "Scorer", languages: Sequence[str]) -> store.rescoring.Wanted:
    """What the scorer would write today for texts of these languages; those that it cannot read are left out."""
    by_language = {}
    for language in languages:
        if language in scorer.languages:
            versions = scorer.versions(language)
            has_spans = language in scorer.model.languages
            by_language[language] = (versions["model_version"], versions["engine"], has_spans)
    return store.rescoring.Wanted(by_language, scorer.taxonomy.version, this.config.sentences)


def rescore(
    this: Night,
    wanted: store.rescoring.Wanted,
    *,
    score: ScoreAll,
    taxonomy: Taxonomy,
    model_version: Callable[[], str],
) -> int:
    """Score again, from their stored text, the rows that other versions have scored; -> how many there were.

    Call it under the lock. `dates` of `this` limits it; None takes all. What counts as read is nothing; `scored` of
    `runs` says how many rows each group renewed. Where all rows are of today's versions no byte changes.
    """
    scratch = store.staging(this.lake, this.run_id)
    stale = store.rescoring.stale(this.lake, scratch, wanted, dates=this.dates)
    part = None
    with progress.bar("rescore", total=sum(stale.values())) as done:
        for part, dates in _parts(this, stale):
            stages = logs.Stages(part.run_id)
            with stages("resolve"):
                plan = store.rescoring.plan(
                    part.lake, part.run_id, started_at=part.started_at, wanted=wanted, dates=(dates[0], dates[-1])
                )
            _commit(part, plan, stages, score, done, taxonomy, model_version, every=True)
    _settle(part or this, taxonomy)
    store.drop_staging(this.lake, this.run_id)
    return sum(stale.values())


def _parts(this: Night, rows: Mapping[dt.date, int]) -> Iterator[tuple[Night, list[dt.date]]]:
    """A run for each group of neighbouring dates, numbered in their order, and its dates."""
    for number, dates in enumerate(store.grouped(rows, COMMIT_ROWS), 1):
        yield replace(this, run_id=f"{this.run_id}.{number}", dates=(dates[0], dates[-1])), dates


def _commit(
    part: Night,
    plan: store.Plan,
    stages: logs.Stages,
    score: ScoreAll,
    done: Callable[[int], None],
    taxonomy: Taxonomy,
    model_version: Callable[[], str],
    *,
    every: bool,
) -> None:
    with stages("quality"):
        checks = quality.entry(plan, part.config.quality, flow=part.flow)
        quality.enforce(checks)
    with stages("score"):
        built = list(score(part, plan, done))
    with stages("quality"):
        left = quality.leaving(plan, built, part.config.quality)
        quality.enforce(left, before=checks)
        built.append(quality.keep(plan, built, [*checks, *left]))
    version = model_version() if any(one.scored for one in built) else None
    owes = store.Due(tuple(plan.to_score), every) if plan.to_score else store.owed(part.lake)
    night.commit(
        part, plan, built, (), taxonomy=taxonomy, model_version=version, seconds=stages.seconds, owes=owes
    )  # fmt: skip


def _settle(last: Night, taxonomy: Taxonomy) -> None:
    """Compute once what all groups owe, those of a call that was killed too. last: the last group, if there was one."""
    owed = store.owed(last.lake)
    if owed is None:
        return
    today = last.started_at.astimezone(dt.UTC).date()
    plan = store.Plan(last.lake, last.run_id, last.started_at, (today, today), {}, {}, {})
    stages = logs.Stages(last.run_id)
    with stages("measure"):
        built = [night.measure(last, plan, [], taxonomy=taxonomy)]
    runs = store.rows_of_run(last.lake, last.run_id, last.started_at)
    store.commit_run(plan, built, runs=[row | {"seconds_measure": stages.seconds["measure"]} for row in runs])


def _add(total: Counts, counts: Counts) -> None:
    for source, some in counts.items():
        for kind, rows in some.items():
            total.setdefault(source, {})[kind] = total.get(source, {}).get(kind, 0) + rows
