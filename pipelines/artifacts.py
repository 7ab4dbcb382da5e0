"""What Prefect's page shows of a night: counts, themes, progress and what the gates found. Names and numbers, no text.

Keys are lower-case letters, digits and dashes, as Prefect asks. The rows are in the lake already: a server that is away
must not make a night fail, so what cannot be published is a line in the log.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact

from cx_nlp import explore
from cx_nlp.quality import Check

SHOWN = 50  # themes in the table
log = logging.getLogger("cx_nlp")


def table(key: str, rows: Sequence[Mapping[str, Any]], *, run_id: str) -> None:
    """Publish rows of plain values (numbers and names); no rows, no table."""
    if not rows:
        return
    try:
        create_table_artifact(key=key, table=[dict(row) for row in rows], description=f"Run {run_id}")
    except Exception as error:
        log.warning("run %s: table %s could not be published: %s", run_id, key, type(error).__name__)


def accounting(counts: Mapping[str, Mapping[str, int]], *, run_id: str) -> None:
    table("nightly-accounting", [{"source": source, **numbers} for source, numbers in counts.items()], run_id=run_id)


def gates(checks: Sequence[Check], *, run_id: str) -> None:
    table("nightly-quality", [check.row for check in checks], run_id=run_id)


def themes(lake: Path, *, run_id: str) -> None:
    """The themes that a run's comments name most, with how they speak of them."""
    try:
        rows = _themes(lake, run_id)
    except Exception as error:
        log.warning("run %s: its themes could not be read: %s", run_id, type(error).__name__)
        return
    table("nightly-themes", rows, run_id=run_id)


def _themes(lake: Path, run_id: str) -> list[dict[str, Any]]:
    if not any((lake / "theme_mentions").glob("*/*.parquet")) or not any((lake / "themes").glob("*.parquet")):
        return []
    with explore.connect(lake) as con:
        labels = ", ".join(
            f"count(*) FILTER (sentiment_label = '{label}') AS {label}" for label in ("negative", "neutral", "positive")
        )
        found = con.execute(
            f"""SELECT theme, count(DISTINCT (source, feedback_id)) AS comments, count(*) AS mentions, {labels}
            FROM theme_mentions JOIN (SELECT theme_id, theme FROM themes) USING (theme_id)
            WHERE run_id = ? GROUP BY theme ORDER BY comments DESC, theme LIMIT {SHOWN}""",
            [run_id],
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@contextmanager
def progress(key: str, *, total: int, run_id: str) -> Iterator[Callable[[int], None]]:
    """-> a function to call with the number of rows just done; nothing to do shows nothing."""
    done = 0
    artifact = None
    if total:
        try:
            artifact = create_progress_artifact(progress=0.0, key=key, description=f"Run {run_id}: {total:,} rows")
        except Exception as error:
            log.warning("run %s: its progress is not shown: %s", run_id, type(error).__name__)

    def step(rows: int) -> None:
        nonlocal done
        done += rows
        if artifact is None:
            return
        try:
            update_progress_artifact(artifact_id=artifact, progress=min(100.0, 100 * done / total))
        except Exception as error:
            log.warning("run %s: its progress is not shown: %s", run_id, type(error).__name__)

    yield step
