"""Whether a night is late: what the lake's own table of runs says, whatever a scheduler believes."""

import datetime as dt
from pathlib import Path

from cx_nlp import schema, store


def last_done(lake: Path, *, flow: str = "nightly", since: dt.datetime) -> dt.datetime | None:
    """When the newest run that began at `since` or later was done; None if none was. `since` has a time zone."""
    newest = None
    for date, path in store.partitions(lake, "runs").items():
        if date < since.astimezone(dt.UTC).date():
            continue
        for row in store.read_table(path, schema.RUNS).to_pylist():
            if row["flow"] == flow and row["status"] == "done" and row["started_at"] >= since:
                newest = max(newest or row["finished_at"], row["finished_at"])
    return newest


def overdue(lake: Path, *, due: dt.datetime, allowed: dt.timedelta, now: dt.datetime) -> str | None:
    """One line about a night that was to begin at `due` and is not done `allowed` later; None if all is well."""
    if now < due + allowed or last_done(lake, since=due) is not None:
        return None
    return f"the night of {due:%Y-%m-%d %H:%M %Z} is late: {allowed} after its start no run is done"
