"""The lake: one writer at a time, whole files only, every change of a run in one commit.

A run, from the lake's side (all paths and plain values; nothing here knows a flow, a source format or a model):

    from functools import partial
    from cx_nlp import identity, store

    with store.locked(lake, wait=60, holder=run_id):                  # LakeBusy if another run holds it
        store.open_lake(lake)                                         # heals, sweeps, checks the schema version
        hasher = identity.Hasher(identity.load_key(lake))
        todo = store.changed_files(lake, "survey", paths)             # [SourceFile(path, name, sha256)]
        for number, file in enumerate(todo):                          # chunks: (STAGED rows, rejects) from `prepare`
            store.stage(lake, run_id, chunks(file), name=f"survey-{number:05}", file=file.name)
        plan = store.plan(lake, run_id, started_at=started_at, sources=["survey"],
                          occurrence_id=partial(identity.occurrence_id, hasher))
        built = [store.build(plan, dates, score) for dates in plan.groups(20_000)]
        built.append(store.build_measures(plan, built, tables_of))   # of the lake as this run will leave it
        runs = store.run_rows(plan, built, {"flow": "nightly", "config_hash": config.hash})
        store.commit_run(plan, built, runs=runs, themes=dimension,
                         taken={"survey": {file.name: file.sha256 for file in todo}})

`plan.counts` has the accounting by source, `plan.to_score` the rows to score by date. If a step raises, call
`store.record_failure(lake, run_id, rows)` under the same lock: the lake stays as it was, but for `runs`. After a
kill the next `open_lake` completes or undoes what was left. Readers need no lock: a glob over
`feedback/**/*.parquet` always finds whole files.
"""

from cx_nlp.store import forgotten, rescoring
from cx_nlp.store.building import Built, Score, build
from cx_nlp.store.counting import reject_reasons, staged_dates
from cx_nlp.store.due import Due
from cx_nlp.store.due import known as owed
from cx_nlp.store.files import downloads, partition, partitions, read_table, staging, themes_file
from cx_nlp.store.journal import Healed
from cx_nlp.store.ledger import rows_of_run, run_rows
from cx_nlp.store.lock import locked
from cx_nlp.store.measuring import after, build_measures
from cx_nlp.store.merge import Plan, grouped, plan
from cx_nlp.store.qualities import build_quality
from cx_nlp.store.run import commit_run, drop_staging, open_lake, record_failure, rows, summary
from cx_nlp.store.staging import Staged, stage, unstage
from cx_nlp.store.state import SourceFile, changed_files, digest, known_files, name_files, watermark

__all__ = [
    "Built", "Due", "Healed", "Plan", "Score", "SourceFile", "Staged", "after", "build", "build_measures", "build_quality", "changed_files", "commit_run",
    "digest", "downloads", "drop_staging", "forgotten", "grouped", "known_files", "locked", "name_files", "open_lake", "owed",
    "partition", "partitions", "plan", "read_table", "record_failure", "reject_reasons", "rescoring", "rows", "rows_of_run", "run_rows",
    "stage", "staged_dates", "staging", "summary", "themes_file", "unstage", "watermark",
]  # fmt: skip
