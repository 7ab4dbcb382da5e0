"""Gates at a night's entry and exit: do tonight's rows look like this source's, and is what waits for the commit whole?

    checks = quality.entry(plan, config.quality, flow="nightly")          # before anything is scored
    quality.enforce(checks)                                               # QualityStopped; nothing was replaced
    … score, measure …
    left = quality.leaving(plan, built, config.quality)                   # before anything is replaced
    quality.enforce(left, before=checks)
    built.append(quality.keep(plan, built, [*checks, *left]))             # the table `quality`, in the run's commit

Frames are checked by pandera, chunk by chunk; what needs a whole table is counted by DuckDB. Messages carry counts and
names, never a value of a row.
"""

import logging
from collections.abc import Iterable, Sequence

from cx_nlp import store
from cx_nlp.errors import QualityStopped
from cx_nlp.quality.entering import entry
from cx_nlp.quality.exiting import leaving
from cx_nlp.quality.judge import Check

__all__ = ["Check", "enforce", "entry", "keep", "leaving"]
log = logging.getLogger("cx_nlp")


def enforce(checks: Iterable[Check], *, before: Iterable[Check] = ()) -> None:
    """Log what warns; raise QualityStopped where a check stops the run.

    before: checks of an earlier gate, which are told of already; the error carries them too, for the table.
    """
    checks = list(checks)
    for check in checks:
        if check.level == "warn":
            log.warning("quality: %s", check.line)
    stops = [check for check in checks if check.level == "stop"]
    if stops:
        raise QualityStopped(
            f"quality: {'; '.join(check.line for check in stops)}; nothing was replaced",
            tuple(check.row for check in (*before, *checks)),
        )


def keep(plan: store.Plan, built: Sequence[store.Built], checks: Sequence[Check]) -> store.Built:
    """The run's rows of `quality`, to be committed with the rest.

    A run that changes nothing and finds nothing writes none: the same input read again changes no byte but in `runs`.
    """
    changes = any(one.writes or one.deletes for one in built)
    if not changes and all(check.level in ("ok", "unknown") for check in checks):
        return store.Built()
    return store.build_quality(plan, [check.row for check in checks])
