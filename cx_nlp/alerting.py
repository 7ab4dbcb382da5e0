"""Tell people of the alerts that a night brought: a file of JSON lines, webhooks, e-mail.

What goes out are figures, counts, ids and names of themes and touchpoints, never a text of feedback. The lake is
committed by then, so that nothing here fails a night: what cannot be told is a line in the log.
"""

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

from cx_nlp import schema
from cx_nlp.deliver import deliver
from cx_nlp.leader_config import AlertsConfig
from cx_nlp.measures.alerts import ALL, SEVERITIES
from cx_nlp.store import partitions, read_table

log = logging.getLogger("cx_nlp")
Alert = dict[str, Any]
_SAME = ("rule", "against", "touchpoint", "theme_id", "measure")  # what makes two nights' alerts the same
MAX_LINES = 50  # of a message


def standing(lake: Path) -> list[Alert]:
    """The alerts of the lake's newest as_of, in the order of the table; none for a lake without."""
    files = list(partitions(lake, "alerts").values())
    return read_table(files[-1], schema.TABLES["alerts"]).to_pylist() if files else []


def news(before: list[Alert], after: list[Alert], run_id: str) -> list[Alert]:
    """Alerts of this run that did not stand before it; the most severe first. A night that computed nothing has none."""
    known = {tuple(one[name] for name in _SAME) for one in before}
    fresh = [one for one in after if one["run_id"] == run_id and tuple(one[name] for name in _SAME) not in known]
    return sorted(fresh, key=lambda one: SEVERITIES.index(one["severity"]))


def announce(config: AlertsConfig, lake: Path, run_id: str, before: list[Alert]) -> int:
    """Tell of what is new since `before` (see `standing`, called before the commit); -> how many alerts that are.

    Never raises: a night is not to fail over a message.
    """
    try:
        fresh = news(before, standing(lake), run_id)
        if fresh and config.output is not None:
            append(config.output, fresh)
        if fresh:
            title = f"cx-nlp: {len(fresh)} new alert{'s' if len(fresh) > 1 else ''}, {fresh[0]['as_of']}"
            deliver(title, "\n".join(line(one) for one in fresh[:MAX_LINES]), config.urls)
            log.info("%d new alerts", len(fresh))
        return len(fresh)
    except Exception as error:
        log.warning("run %s is committed, but its alerts could not be told: %s", run_id, type(error).__name__)
        return 0


def append(path: Path, alerts: list[Alert]) -> None:
    """One JSON object a line, dates as YYYY-MM-DD, null for what is unknown; the file is made if need be."""
    lines = [json.dumps(one, default=_plain, ensure_ascii=False) + "\n" for one in alerts]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(lines))


def _plain(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def line(one: Alert) -> str:
    """An alert as a person reads it: what, where, now and before with n, how sure, whose."""
    where = ", ".join(_short(one[name]) for name in ("touchpoint", "theme_id") if one[name] != ALL) or "all"
    sure = f", q {one['q']:.3f}" if one["q"] is not None else ""
    owner = f", for {_short(one['owner'])}" if one["owner"] else ""
    return (
        f"[{one['severity']}] {one['measure']} of {where}: {_number(one['value'])}, was {_number(one['before'])} "
        f"(against {one['against']}, n {one['n']} and {one['n_before']}{sure}){owner}; rule {_short(one['rule'])}"
    )


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _short(name: str) -> str:
    """A name in one line, whatever a source put into it."""
    return " ".join(str(name).split())[:60]
