"""At the exit, before anything is replaced: are the tables that wait for the commit whole, and do scores drift?"""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from cx_nlp import schema
from cx_nlp.quality.frames import MENTION_COLUMNS, SCORED_COLUMNS, mention_problems, scored_problems
from cx_nlp.quality.judge import ALL, Check, judge, unknown
from cx_nlp.quality.ranges import range_checks
from cx_nlp.quality_config import QualityConfig
from cx_nlp.store import Built, Plan, after, duck, files

BINS = 10  # of equal width over [0, 1]
MONTHS = 13  # that are looked through for a reference
_SHARES = ("negative", "neutral", "positive")


def leaving(plan: Plan, built: Sequence[Built], config: QualityConfig) -> list[Check]:
    """Check the tables as the run will leave them: duplicates, mention_duplicates, orphans, score_ranges, mention_ranges, drift_*.

    Keys of feedback are unique over the whole lake, whatever partition they stand in; the rest is looked at where the
    run changes something. A run that changes no feedback has nothing to check.
    """
    dates = sorted({date for one in built for _, path in one.writes if (date := _date_of(path))})
    feedback, mentions = after(plan, built, "feedback"), after(plan, built, "theme_mentions")
    if not dates and not any(path.parts[-3] in files.SCORED_TABLES for one in built for path in one.deletes):
        return []
    changed = {files.partition_date(path): path for path in feedback}
    spoken = {files.partition_date(path): path for path in mentions}
    found: list[Check] = []
    with duck.session(plan.folder) as con:
        for name, paths, to in (
            ("lake", feedback, schema.FEEDBACK),
            ("feedback", [changed[date] for date in dates if date in changed], schema.FEEDBACK),
            ("mentions", [spoken[date] for date in dates if date in spoken], schema.THEME_MENTIONS),
            ("earlier", files.partitions(plan.lake, "feedback").values(), schema.FEEDBACK),
        ):
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM {duck.parquet(con, paths, to)}")
        found.append(_twice(con, "duplicates", "lake", ("source", "feedback_id"), config))
        found.append(_twice(con, "mention_duplicates", "mentions", schema.KEYS["theme_mentions"], config))
        found.append(_orphans(con, config))
        ours = f"WHERE run_id = {duck.literal(plan.run_id)}"
        status = f"AND score_status = '{schema.ScoreStatus.SCORED}'"
        for check, table, columns, problems, where in (
            ("score_ranges", "feedback", SCORED_COLUMNS, scored_problems, f"{ours} {status}"),
            ("mention_ranges", "mentions", MENTION_COLUMNS, mention_problems, ours),
        ):
            listed = ", ".join(f'"{name}"' for name in columns)
            found += range_checks(con, check, f"SELECT {listed} FROM {table} {where}", problems, config.ranges)
        found += _drift(con, plan, config)
    return found


def _date_of(path: Path) -> dt.date | None:
    return files.partition_date(path) if path.parts[-3] in files.SCORED_TABLES else None


def _twice(con: duckdb.DuckDBPyConnection, check: str, table: str, key: Sequence[str], config: QualityConfig) -> Check:
    listed = ", ".join(key)
    n = duck.count(con, table)
    twice = duck.count(con, f"(SELECT {listed} FROM {table} GROUP BY {listed} HAVING count(*) > 1)")
    says = f"{twice:,} keys stand twice in {n:,} rows"
    return judge(ALL, check, twice, n=n, limits=config.duplicates, says=says)


def _orphans(con: duckdb.DuckDBPyConnection, config: QualityConfig) -> Check:
    n = duck.count(con, "mentions")
    key = "source, feedback_id, feedback_date"
    alone = duck.count(con, f"(SELECT {key} FROM mentions ANTI JOIN feedback USING ({key}))")
    says = f"{alone:,} of {n:,} theme mentions have no feedback of their date"
    return judge(ALL, "orphans", alone, n=n, limits=config.orphans, says=says)


def _drift(con: duckdb.DuckDBPyConnection, plan: Plan, config: QualityConfig) -> Iterator[Check]:
    """Tonight's scored rows of each source against its reference month, which is of the committed lake."""
    first, last = _span(plan, config)
    now = _histograms(con, "feedback", f"run_id = {duck.literal(plan.run_id)}")
    then = _histograms(con, "earlier", f"feedback_date BETWEEN DATE '{first}' AND DATE '{last}'")
    for source, _ in sorted(now):
        by_share = now[source, ""]
        months = {month: value for (name, month), value in then.items() if name == source}
        month = config.reference_month or max(
            (m for m, value in months.items() if sum(value["negative"]) >= config.min_rows), default=None
        )
        reference = months.get(month, {}) if month else {}
        for share in _SHARES:
            n, m = sum(by_share[share]), sum(reference.get(share, ()))
            if min(n, m) < config.min_rows:
                said = f"{n:,} rows scored; {f'{m:,} rows in {month}' if month else 'no month to compare with'}"
                yield unknown(source, f"drift_{share}", n=n, says=said)
                continue
            value, noise = psi(by_share[share], reference[share])
            says = (
                f"PSI {value:.3f} of p_{share} in {n:,} rows against {m:,} of {month} (chance alone gives {noise:.3f})"
            )
            yield judge(source, f"drift_{share}", value, n=n, limits=config.drift, says=says, base=noise)


def _span(plan: Plan, config: QualityConfig) -> tuple[dt.date, dt.date]:
    """First and last day from which a reference may come: the month asked for, else the months that are over."""
    if config.reference_month:
        first = dt.date.fromisoformat(f"{config.reference_month}-01")
        return first, (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    newest = max([*files.partitions(plan.lake, "feedback"), *plan.to_score], default=plan.started_at.date())
    last = newest.replace(day=1) - dt.timedelta(days=1)
    return (last - dt.timedelta(days=31 * MONTHS)).replace(day=1), last


def _histograms(con: duckdb.DuckDBPyConnection, table: str, where: str) -> dict[tuple[str, str], dict[str, list[int]]]:
    """(source, month, or "" for tonight's) -> rows by tenth of each sentiment probability."""
    month = "''" if table == "feedback" else "strftime(feedback_date, '%Y-%m')"
    shares = ", ".join(f"least(floor(p_{share} * {BINS}), {BINS - 1})::INT AS {share}" for share in _SHARES)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE binned AS SELECT source, {month} AS month, {shares} FROM {table}
        WHERE {where}""")
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    for share in _SHARES:
        query = (
            f"SELECT source, month, {share}, count(*) FROM binned WHERE {share} IS NOT NULL GROUP BY ALL ORDER BY ALL"
        )
        for source, of_month, tenth, rows in con.execute(query).fetchall():
            counts = found.setdefault((source, of_month), {name: [0] * BINS for name in _SHARES})
            counts[share][min(max(tenth, 0), BINS - 1)] += rows
    return found


def psi(now: Sequence[int], then: Sequence[int]) -> tuple[float, float]:
    """Population stability index of two histograms of the same bins, and what chance alone gives on average.

    PSI = sum of (a - b) ln(a / b) over the bins' shares, at least 0; 0.1 is read as a shift, 0.25 as a large one
    (Siddiqi, Credit Risk Scorecards, 2006). Half a row is added to each bin in use, so that an empty one counts and
    stays finite. Of two samples of one population it is about (bins - 1) (1/n + 1/m) (Yurdakul and Naranjo, 2020).
    Raises ValueError for a histogram without rows.
    """
    used = [(a + 0.5, b + 0.5) for a, b in zip(now, then, strict=True) if a or b]
    if not sum(now) or not sum(then):
        raise ValueError(f"psi of {sum(now)} and {sum(then)} rows, expected some in both")
    n, m = sum(a for a, _ in used), sum(b for _, b in used)
    value = math.fsum((a / n - b / m) * math.log((a / n) / (b / m)) for a, b in used)
    return value, (len(used) - 1) * (1 / sum(now) + 1 / sum(then))
