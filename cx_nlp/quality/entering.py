"""At the entry, before anything is scored: is tonight's input what this source usually gives?"""

import datetime as dt
import statistics
from collections.abc import Iterator

import duckdb

from cx_nlp import schema
from cx_nlp.quality.frames import STAGED_COLUMNS, staged_problems
from cx_nlp.quality.judge import Check, judge, unknown
from cx_nlp.quality.ranges import range_checks
from cx_nlp.quality_config import QualityConfig
from cx_nlp.store import Plan, duck, files

# Columns of which a sudden lack tells of a broken export; what a source never fills is not judged.
WATCHED = {
    **{name: f"{name} IS NULL" for name in ("question", "channel", "touchpoint", "segment", "customer_key")},
    **{name: f"{name} IS NULL" for name in ("nps", "csat", "ces", "rating")},
    "text": f"score_status = '{schema.ScoreStatus.NO_TEXT}'",
}


def entry(plan: Plan, config: QualityConfig, *, flow: str) -> list[Check]:
    """Check what a plan is about to change: volume, surge, rejected, unknown_language, nulls_<column>, ranges.

    flow: whose earlier runs the volume is compared with; a run of one date has no volume to judge. Sources come in the
    plan's order; a night without rows is judged by its volume alone.
    """
    found = [] if plan.dates else list(_volumes(plan, config, flow))
    for source, counts in plan.counts.items():
        if counts["read"]:
            found.append(_share(source, "rejected", counts["rejected"], counts["read"], config, "rows were rejected"))
    if not any(counts["new"] + counts["replaced"] for counts in plan.counts.values()):
        return found
    rows = plan.folder / "rows.parquet"
    with duck.session(plan.folder) as con:
        con.execute(f"CREATE VIEW staged AS SELECT * FROM {duck.parquet(con, [rows], schema.STAGED)}")
        found += _languages(con, config)
        found += _nulls(con, plan, config)
        columns = ", ".join(f'"{name}"' for name in STAGED_COLUMNS)
        found += range_checks(con, "ranges", f"SELECT {columns} FROM staged", staged_problems, config.ranges)
    return found


def _volumes(plan: Plan, config: QualityConfig, flow: str) -> Iterator[Check]:
    """New rows by day of running, not by run: a second run on the same day is no empty day."""
    today = plan.started_at.astimezone(dt.UTC).date()
    days = [path for date, path in files.partitions(plan.lake, "runs").items() if date <= today]
    with duck.session(plan.folder) as con:
        known = con.execute(
            f"""SELECT source, CAST(started_at AT TIME ZONE 'UTC' AS DATE) AS day, sum(new)::BIGINT
            FROM {duck.parquet(con, days[-config.history - 1 :], schema.RUNS)}
            WHERE status = 'done' AND flow = ? GROUP BY ALL ORDER BY ALL""",
            [flow],
        ).fetchall()
    for source, counts in plan.counts.items():
        new = counts["new"] + sum(rows for name, day, rows in known if name == source and day == today)
        before = [rows for name, day, rows in known if name == source and day < today]
        median = statistics.median(before) if before else 0.0
        if len(before) < config.min_history or not median:
            says = f"{new:,} new rows; {len(before)} earlier days with a median of {median:,.0f}"
            yield unknown(source, "volume", n=new, says=says)
            continue
        says = f"{new:,} new rows, {new / median:.3g} times the median {median:,.0f} of {len(before)} days"
        yield judge(source, "volume", new / median, n=new, limits=config.volume, says=says, below=True)
        yield judge(source, "surge", new / median, n=new, limits=config.surge, says=says)


def _languages(con: duckdb.DuckDBPyConnection, config: QualityConfig) -> Iterator[Check]:
    foreign = f"score_status = '{schema.ScoreStatus.UNSUPPORTED_LANGUAGE}'"
    texts = f"score_status = '{schema.ScoreStatus.SCORED}' OR {foreign}"
    query = f"""SELECT source, count(*) FILTER ({foreign}), count(*) FILTER ({texts})
        FROM staged GROUP BY source ORDER BY source"""
    for source, unread, n in con.execute(query).fetchall():
        if n:
            yield _share(source, "unknown_language", unread, n, config, "texts are in a language that no model reads")


def _nulls(con: duckdb.DuckDBPyConnection, plan: Plan, config: QualityConfig) -> Iterator[Check]:
    latest = list(files.partitions(plan.lake, "feedback").values())[-config.history :]
    con.execute(f"CREATE VIEW known AS SELECT * FROM {duck.parquet(con, latest, schema.FEEDBACK)}")
    missing = ", ".join(f"count(*) FILTER ({test})" for test in WATCHED.values())
    query = "SELECT source, count(*), {} FROM {} GROUP BY source ORDER BY source"
    before = {source: (n, counts) for source, n, *counts in con.execute(query.format(missing, "known")).fetchall()}
    for source, n, *counts in con.execute(query.format(missing, "staged")).fetchall():
        rows, usual = before.get(source, (0, [0] * len(WATCHED)))
        for name, now, then in zip(WATCHED, counts, usual, strict=True):
            if rows == then:  # never filled so far, or the source's first night
                continue
            says = f"{now:,} of {n:,} new rows lack it, {then:,} of {rows:,} before"
            if min(n, rows) < config.min_rows:
                yield unknown(source, f"nulls_{name}", n=n, says=says)
            else:
                yield judge(source, f"nulls_{name}", now / n, n=n, limits=config.nulls, says=says, base=then / rows)


def _share(source: str, check: str, hits: int, n: int, config: QualityConfig, what: str) -> Check:
    says = f"{hits:,} of {n:,} {what}"
    if n < config.min_rows:
        return unknown(source, check, n=n, says=says)
    return judge(source, check, hits / n, n=n, limits=getattr(config, check), says=says)
