"""What a person reads at the end of a run: counts, shares and themes of the lake, with their n and intervals."""

import os
from pathlib import Path

import duckdb

from cx_nlp import explore

_COUNTS = ("read", "new", "replaced", "unchanged", "superseded", "rejected")
TOP_THEMES = 12


def summarise(lake: Path) -> str:
    """A few dozen lines of plain text; says so where a table is missing or empty."""
    if not any(lake.glob("feedback/dt=*/*.parquet")):
        return f"\n{lake}: no feedback yet\n"
    with explore.connect(lake) as con:
        tables = {name for (name,) in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}
        parts = [*_last_run(con), *_texts(con), *(_corrected(con) if "emotional" in tables else []), *_ratings(con)]
        if {"theme_mentions", "themes"} <= tables:
            parts += _themes(con)
    return "\n".join(["", *parts, "", *_where(lake), ""])


def _last_run(con: duckdb.DuckDBPyConnection) -> list[str]:
    names = ", ".join(f'"{name}"' for name in _COUNTS)
    rows = con.execute(
        f"""SELECT source, {names} FROM runs
            WHERE run_id = (SELECT max_by(run_id, (started_at, run_id)) FROM runs) ORDER BY source"""
    ).fetchall()
    lines = ["LAST RUN", "  " + f"{'source':<14}" + "".join(f"{name:>12}" for name in _COUNTS)]
    lines += ["  " + f"{row[0]:<14}" + "".join(f"{n or 0:>12}" for n in row[1:]) for row in rows]
    if not any(row[1] for row in rows):
        lines.append("  nothing new: no file has changed since it was taken (--reread reads all of them again)")
    return lines


def _texts(con: duckdb.DuckDBPyConnection) -> list[str]:
    ((total, first, last, scored),) = con.execute(
        "SELECT count(*), min(feedback_date), max(feedback_date), count(*) FILTER (score_status = 'scored') FROM feedback"
    ).fetchall()
    lines = ["", f"FEEDBACK  {total} pieces, {first} to {last}; {scored} with a text that was scored"]
    if not scored:
        return lines
    shares = explore.sentiment_shares(con, by=None)
    lines += [_share(row.label, row) for row in shares.itertuples()]
    for flag, name in (("is_mixed", "mixed"), ("is_emotional", "emotional")):
        lines += [_share(name, row) for row in explore.flag_shares(con, flag, by=None).itertuples()]
    top = con.execute(
        """SELECT primary_emotion, count(*) FROM feedback WHERE score_status = 'scored' AND primary_emotion <> 'neutral'
           GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 6"""
    ).fetchall()
    return [*lines, "  strongest emotions: " + ", ".join(f"{name} {n}" for name, n in top)]


def _corrected(con: duckdb.DuckDBPyConnection) -> list[str]:
    """How emotional customers' comments are once the classifier's errors are allowed for, and what that does not mean."""
    rows = con.execute("""SELECT n, corrected, corrected_low, corrected_high, claimed FROM emotional
                          WHERE as_of = (SELECT max(as_of) FROM emotional) AND touchpoint = '(all)'
                            AND corrected IS NOT NULL""").fetchall()
    return [
        f"  emotional, corrected for the classifier's errors on Reddit comments (customers, n = {n}): "
        f"{value:.1%}  [{low:.1%}, {high:.1%}]\n"
        f"  (that {claimed:.0%} of decisions are emotional is a claim about decisions; these are texts)"
        for n, value, low, high, claimed in rows
    ]


def _share(name: str, row) -> str:
    return f"  {name:<14}{int(row.hits):>6}  {row.value:>6.1%}  [{row.low:.1%}, {row.high:.1%}]"


def _ratings(con: duckdb.DuckDBPyConnection) -> list[str]:
    found = explore.nps_groups(con, by=None)
    if found.empty:
        return []
    row = found.iloc[0]
    interval = f"  [{row['low']:+.0f}, {row['high']:+.0f}]" if row["low"] == row["low"] else ""
    lines = ["", f"NPS of customers  {row['nps']:+.0f}{interval}  n = {int(row['n'])} responses"]
    return lines + [f"  {name:<14}{row[name]:>6.1%}" for name in ("promoters", "passives", "detractors")]


def _themes(con: duckdb.DuckDBPyConnection) -> list[str]:
    ((with_theme, mentions),) = con.execute("SELECT count(theme_id), count(*) FROM theme_mentions").fetchall()
    lines = ["", f"{'THEMES':<36}{'comments':>9}{'mentions':>10}{'negative':>10}{'neutral':>9}{'positive':>10}"]
    for row in explore.theme_sentiment(con, top=TOP_THEMES).itertuples():
        shares = f"{row.negative:>10.0%}{row.neutral:>9.0%}{row.positive:>10.0%}"
        lines.append(f"  {row.theme[:32]:<34}{row.comments:>9}{row.mentions:>10}{shares}")
    return [*lines, f"  {mentions - with_theme} of {mentions} mentions fit no theme yet"]


def _where(lake: Path) -> list[str]:
    shown = Path(os.path.relpath(lake))
    return [
        f"Tables in {shown}/   (95% intervals; rows of one customer count as one customer)",
        f"  duckdb -c \"FROM '{shown}/feedback/**/*.parquet' LIMIT 5\"",
    ]
