"""Erase people from a lake: every row about them, in every table, and every figure that counts them.

What is read of them again later is a deletion (see `cx_nlp.suppress`). Rows that name no customer cannot be found:
those of sources without a mapped `customer_id`, and lines that could not be parsed.
"""

import datetime as dt
import logging
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cx_nlp import __version__, discovery, identity, logs, night, remembered, store
from cx_nlp.config import Config
from cx_nlp.errors import LakeError, UsageError
from cx_nlp.store import registry_files
from cx_nlp.themes import registry

log = logging.getLogger("cx_nlp")
LOCK_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Found:
    """What the lake holds of some people. rows: table -> source -> rows."""

    keys: tuple[str, ...]
    source: str | None
    rows: Mapping[str, Mapping[str, int]]
    is_known: bool  # they are on the list of the forgotten already

    @property
    def total(self) -> int:
        return sum(count for by_source in self.rows.values() for count in by_source.values())


def find(lake: Path, customers: Iterable[str], *, source: str | None = None) -> Found:
    """Look up people by their id as the sources give it. source: in this one alone; None: in all.

    Changes nothing. Raises LakeError where there is no lake, UsageError for a blank id.
    """
    if not (lake / "_state" / "key_fingerprint").exists():
        raise LakeError(f"no lake at {lake}: expected a folder that `cx-nlp run` wrote")
    hasher = identity.Hasher(identity.load_key(lake))
    keys = [identity.customer_key(hasher, customer) for customer in customers]
    if not keys or None in keys:
        raise UsageError("a customer's id is blank; expected it as the sources give it")
    known = tuple(sorted({key for key in keys if key}))
    with tempfile.TemporaryDirectory() as scratch:
        rows = store.forgotten.rows(lake, Path(scratch), keys=known, source=source)
    return Found(known, source, rows, store.forgotten.holds(lake, known, source))


def erase(lake: Path, customers: Iterable[str], *, source: str | None = None, config: Config | None = None) -> Found:
    """Erase people in one commit; -> what was removed, by table and source.

    config: for the figures; None takes what the lake's last run was told. All figures of past days are computed again
    from what stays. People who are erased already, and of whom nothing is there, change no byte.
    Raises LakeBusy while a run holds the lake, LakeError and UsageError as `find`.
    """
    customers = list(customers)
    started_at = dt.datetime.now(dt.UTC)
    run_id = night.new_run_id(started_at)
    find(lake, customers, source=source)  # a wrong call ends before the lock makes a folder
    with store.locked(lake, wait=LOCK_WAIT_SECONDS, holder=run_id):
        store.open_lake(lake)
        found = find(lake, customers, source=source)
        if found.total or not found.is_known:
            this = night.Night(run_id, "forget", started_at, config or _settings(lake))
            _erase(this, found)
    for table, by_source in found.rows.items():
        rows = sum(by_source.values())
        log.info(
            "forget: %s: %d rows removed", table, rows, extra=logs.fields(run_id, "forget", table=table, removed=rows)
        )
    return found


def _erase(this: night.Night, found: Found) -> None:
    who: dict[str, Any] = {"keys": found.keys, "source": found.source}
    hasher = identity.Hasher(identity.load_key(this.lake))
    plan = store.plan(
        this.lake,
        this.run_id,
        started_at=this.started_at,
        occurrence_id=partial(identity.occurrence_id, hasher),
        sources=sorted({name for by_source in found.rows.values() for name in by_source}),
        remove=partial(store.forgotten.remove, **who),
    )
    built = [store.build(plan, dates, _nothing_to_score) for dates in plan.groups()]
    built.append(store.forgotten.rewrite(plan, **who))
    built.append(_from_registry(this, plan))
    built.append(night.measure(this, plan, built, every=True))
    built.append(store.Built(tuple(store.forgotten.write(this.lake, this.run_id, **who))))
    common = {"flow": this.flow, "config_hash": this.config.hash, "code_version": __version__}
    store.commit_run(plan, built, runs=store.run_rows(plan, built, common), advance=False)


def _from_registry(this: night.Night, plan: store.Plan) -> store.Built:
    """The registry of discovered themes without what the people said: neither as exemplar nor waiting in its pool."""
    before = discovery.read_registry(this.lake)
    after = registry.forget(before, registry_files.gone_keys(plan.folder, before.mentions))
    if after is before:
        return store.Built()
    return store.Built(tuple(discovery.write_registry(this.lake, this.run_id, after)))


def _settings(lake: Path) -> Config:
    try:
        return remembered.recall(lake)
    except UsageError as error:
        log.warning("%s; figures are computed again with the usual settings", error)
        return remembered.LakeConfig.model_validate({"lake": lake})


def _nothing_to_score(rows):
    raise AssertionError(f"forgetting scores nothing, got {len(rows)} rows")
