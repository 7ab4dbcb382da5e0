"""Small nights for the store's tests: rows as `prepare` stages them, a scorer without a model, a whole run."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import duckdb
import pandas as pd

from cx_nlp import discovery, schema, store
from cx_nlp.schema import nps_group

START = dt.datetime(2026, 3, 1, 2, 0, tzinfo=dt.UTC)
THEMES = pd.DataFrame(
    {
        "theme_id": ["general/people", "general/staff", "general/wait"],
        "theme": ["People", "Staff", "Waiting"],
        "parent_theme_id": [None, "general/people", None],
        "kind": "taxonomy",
        "owner": ["Operations", None, "Operations"],
    }
)
WORDS = {"staff": "general/staff", "wait": "general/wait"}


def digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:32]


def occurrence_id(identity: str, occurrence: int) -> str:
    return "h1-" + digest(identity, occurrence)


def moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def row(feedback_id: str | None, text: str = "the staff were kind", date: str = "2026-02-01", **given) -> dict:
    """One staged row. feedback_id None: a row without an id, the same feedback as another of equal text and date.

    given: any STAGED column; times as ISO text; row_hash follows from the rest unless given.
    """
    source, file = given.get("source", "survey"), given.get("file", "a.csv")
    identity = digest(source, date, text)
    own = feedback_id is not None
    feedback_id = feedback_id if own else occurrence_id(identity, 0)
    submitted = moment(given.get("submitted_at", f"{date}T12:00:00"))
    updated = moment(given.get("updated_at"))
    content = {name: value for name, value in given.items() if name not in ("file", "position", "row_hash")}
    return (
        dict.fromkeys(schema.STAGED.names)
        | {
            "source": source,
            "respondent_role": "customer",
            "weight": 1.0,
            "score_status": "scored" if text else "no_text",
            "language": "en",
            "text": text,
            "issues": "",
            "attributes": "{}",
            "clean_version": "clean-1",
            "position": f"{file}:1",
        }
        | given
        | {
            "feedback_id": feedback_id,
            "response_id": given.get("response_id") or feedback_id,
            "row_hash": given.get("row_hash") or digest(feedback_id if own else identity, text, date, content),
            "feedback_date": dt.date.fromisoformat(date),
            "submitted_at": submitted,
            "updated_at": updated,
            "nps_group": nps_group(given.get("nps")),
            "file": file,
            "has_own_id": own,
            "identity": identity,
        }
    )


def frame(rows: list[dict]) -> pd.DataFrame:
    columns = {name: [one[name] for one in rows] for name in schema.STAGED.names}
    return pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in columns.items()})


def reject(text: str, source: str = "survey", position: str = "a.csv:9") -> dict:
    return {
        "source": source,
        "row_hash": digest("reject", text),
        "position": position,
        "reason": "no_date",
        "detail": "",
        "row": json.dumps({"text": text}),
        "feedback_id": None,
        "customer_key": None,
    }


def score(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Scores that follow from each text alone: one mention for each known word, one sentence a text."""
    assert (rows["score_status"] == "scored").all() and list(rows.index) == list(range(len(rows)))
    scores = pd.DataFrame({name: [None] * len(rows) for name, _ in schema.SCORES}, dtype="object")
    scores["n_tokens"] = [len(text.split()) for text in rows["text"]]
    scores["sentiment_label"] = ["negative" if "bad" in text else "positive" for text in rows["text"]]
    scores["p_negative"] = [0.9 if "bad" in text else 0.1 for text in rows["text"]]
    scores = scores.assign(model_version="fake@000000000000", engine="fake fp32")
    mentions, sentences = [], []
    for source, feedback_id, text in zip(rows["source"], rows["feedback_id"], rows["text"], strict=True):
        found = sorted((text.index(word), word) for word in WORDS if word in text)
        for number, (start, word) in enumerate(found):
            mention = {"mention_id": number, "theme_id": WORDS[word], "mention": word, "start": start}
            mentions.append({"source": source, "feedback_id": feedback_id, **mention, "end": start + len(word)})
        sentences.append({"source": source, "feedback_id": feedback_id, "sentence": 0, "start": 0, "end": len(text)})
    return (
        scores,
        _filled(mentions, schema.THEME_MENTIONS, is_negated=False, method="pattern", sentence=0),
        _filled(sentences, schema.SENTENCES),
    )


def _filled(rows: list[dict], to, **constant) -> pd.DataFrame:
    names = [name for name in to.names if name not in ("feedback_date", "run_id")]
    return pd.DataFrame([dict.fromkeys(names) | constant | one for one in rows], columns=names, dtype="object")


def prepare(
    lake: Path,
    run_id: str,
    rows: list[dict],
    rejects: list[dict] | None = None,
    *,
    started_at: dt.datetime = START,
    only_date: str | None = None,
    scorer=score,
    group: int = 2,
    slice_rows: int = 3,
    keeps_vectors: bool = False,
) -> tuple[store.Plan, list[store.Built]]:
    """A run up to its commit, over rows of several files in the order in which the files first appear."""
    store.open_lake(lake)
    rejects = rejects or []
    names = dict.fromkeys([one["file"] for one in rows] + [one["position"].split(":")[0] for one in rejects])
    for number, file in enumerate(names):
        accepted = [one for one in rows if one["file"] == file]
        refused = [one for one in rejects if one["position"].startswith(f"{file}:")]
        # Two chunks a file: what belongs together may be read apart.
        half = (len(accepted) + 1) // 2
        chunks = [(frame(accepted[:half]), pd.DataFrame(refused)), (frame(accepted[half:]), pd.DataFrame())]
        store.stage(lake, run_id, chunks, name=f"in-{number:05}", file=file)
    plan = store.plan(
        lake,
        run_id,
        started_at=started_at,
        occurrence_id=occurrence_id,
        sources=["survey"],
        dates=None if only_date is None else (dt.date.fromisoformat(only_date), dt.date.fromisoformat(only_date)),
    )
    built = []
    for dates in plan.groups(group):
        score_these = discovery.keeping(plan, dates, scorer) if keeps_vectors else scorer
        built.append(store.build(plan, dates, score_these, slice_rows=slice_rows))
    return plan, built


def commit(
    plan: store.Plan,
    built: list[store.Built],
    *,
    themes: pd.DataFrame | None = THEMES,
    taken: dict | None = None,
    step=lambda name: None,
) -> None:
    runs = store.run_rows(plan, built, {"flow": "nightly", "finished_at": plan.started_at})
    store.commit_run(plan, built, runs=runs, themes=themes, taken=taken, step=step)


def night(
    lake: Path,
    run_id: str,
    rows: list[dict],
    rejects: list[dict] | None = None,
    *,
    themes: pd.DataFrame | None = THEMES,
    taken: dict | None = None,
    step=lambda name: None,
    **options,
) -> store.Plan:
    """A whole run; options: of `prepare`."""
    with store.locked(lake, holder=run_id):
        plan, built = prepare(lake, run_id, rows, rejects, **options)
        commit(plan, built, themes=themes, taken=taken, step=step)
    return plan


def table(lake: Path, name: str, columns: str = "*", where: str = "true") -> list[tuple]:
    """Rows read as a BI tool would: a plain glob. [] if the table has no file."""
    found = list((lake / name).glob("**/*.parquet"))
    if not found:
        return []
    glob = lake / name / "**" / "*.parquet"
    query = f"SELECT {columns} FROM read_parquet('{glob}', hive_partitioning = false) WHERE {where} ORDER BY ALL"
    return duckdb.execute(query).fetchall()


def content(lake: Path) -> dict[str, list[tuple]]:
    """All tables but `runs`, without run_id and scored_at: what must not depend on the order of reading."""
    found = {}
    for name in ("feedback", "theme_mentions", "sentences", "themes", "rejects"):
        columns = [column for column in schema.TABLES[name].names if column not in ("run_id", "scored_at")]
        found[name] = table(lake, name, ", ".join(f'"{column}"' for column in columns))
    return found


def snapshot(lake: Path, *, runs: bool = False) -> dict[str, bytes]:
    """Every file of the lake by path, but the lock (and `runs`, unless asked for)."""
    return {
        path.relative_to(lake).as_posix(): path.read_bytes()
        for path in sorted(lake.rglob("*"))
        if path.is_file() and path.name != "_lock" and (runs or path.relative_to(lake).parts[0] != "runs")
    }


def check_equation(plan: store.Plan) -> None:
    for counts in plan.counts.values():
        assert counts["read"] == sum(counts[name] for name in schema.ACCOUNTED)
