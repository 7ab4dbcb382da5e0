"""A small survey, and a night over it without Prefect: the same steps that the flow calls."""

import csv
import datetime as dt
import hashlib
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa
import yaml

from cx_nlp import discovery, history, night, quality, store
from cx_nlp.config import Config, load_config
from cx_nlp.schema import MEASURES, TABLES
from cx_nlp.score.scorer import Scorer
from cx_nlp.themes.taxonomy import load_taxonomies

HEADER = ["id", "response", "created", "changed", "customer", "comment", "nps", "stage"]
ROWS = [
    ["1", "r1", "2026-03-01 10:00", "", "c1", "The staff were lovely but the delivery was terrible", "9", "deliver"],
    ["2", "r1", "2026-03-01 10:05", "", "c1", "Thanks, great service", "9", "deliver"],
    ["3", "r2", "2026-03-02 09:00", "", "c2", "", "7", "buy"],
    ["4", "r3", "2026-03-02 11:00", "", "c3", "Mail me at jo@example.com about the broken checkout", "2", "buy"],
    ["5", "r4", "2026-03-03 12:00", "", "", "!!! 123", "5", "use"],
    ["6", "r5", "2026-03-03 12:00", "", "c5", "El servicio fue muy malo y nadie me ayudó con mi pedido", "3", "use"],
    ["7", "r6", "2026-03-03 13:00", "", "c6", "The app is slow", "11", "use"],
    ["8", "r7", "not a date", "", "c7", "The wait was awful", "1", "use"],
    ["9", "r8", "2026-03-03 13:00", "", "c8", "", "", "use"],
]


def write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])


def write_config(folder: Path, model: Path, **changes: object) -> Path:
    source = {
        "kind": "csv",
        "path": "in/*.csv",
        "timezone": "Europe/London",
        "columns": {
            "feedback_id": "id", "response_id": "response", "submitted_at": "created", "updated_at": "changed",
            "customer_id": "customer", "text": "comment", "nps": "nps", "touchpoint": "stage",
        },
        "fixed": {"channel": "survey"},
    }  # fmt: skip
    config = {"lake": "lake", "sources": {"survey": source | changes}, "model": str(model), "taxonomies": ["general"]}
    path = folder / "night.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def survey(folder: Path, model: Path, rows: list[list[str]] = ROWS, **changes: object) -> Path:
    """A config in `folder`, and the file `in/a.csv` that its source reads; -> the config's path."""
    (folder / "in").mkdir()
    write_csv(folder / "in" / "a.csv", rows)
    return write_config(folder, model, **changes)


def load_scorer(config: Config) -> Scorer:
    """Loaded once a process, until one of its files changes."""
    files = [Path(config.model) / "model.json", *map(Path, [*config.taxonomies, *config.fitted])]
    contents = tuple(path.read_bytes() for path in files if path.is_file())
    names = (config.model, tuple(config.taxonomies), tuple(config.fitted))
    return _scorer(*names, config.replacements, contents)


@lru_cache(maxsize=2)
def _scorer(
    model: str, taxonomies: tuple[str, ...], fitted: tuple[str, ...], replacements: tuple, contents: tuple[bytes, ...]
) -> Scorer:
    taxonomy = load_taxonomies(taxonomies, fitted)
    return Scorer.load(model=model, taxonomy=taxonomy, threads=1, replacements=replacements)


def run(config_path: Path, *, only_date: dt.date | None = None, reread: bool = False) -> dict[str, dict[str, int]]:
    config = load_config(config_path)
    night.check(config)
    this = night.new_night(config, flow="test", dates=only_date and (only_date, only_date), reread=reread)
    scorer = load_scorer(config)
    with store.locked(this.lake):
        store.open_lake(this.lake)
        taken = [night.take_source(this, name, paths) for name, paths in night.find_files(config).items()]
        plan = night.resolve(this, taken)
        checks = quality.entry(plan, config.quality, flow=this.flow)
        quality.enforce(checks)
        built = [night.score_dates(this, plan, dates, lambda: scorer) for dates in plan.groups()]
        built = discovery.discover(plan, built, lambda: scorer, config.discovery)
        built.append(night.measure(this, plan, built, taxonomy=scorer.taxonomy))
        left = quality.leaving(plan, built, config.quality)
        quality.enforce(left, before=checks)
        built.append(quality.keep(plan, built, [*checks, *left]))
        return night.commit(
            this, plan, built, taken, taxonomy=scorer.taxonomy, model_version=scorer.model_version, seconds={}
        )


def backfill(config_path: Path, first: dt.date, last: dt.date) -> dict[str, dict[str, int]]:
    config = load_config(config_path)
    night.check(config)
    this = night.new_night(config, flow="backfill", dates=(first, last))
    scorer = load_scorer(config)
    with store.locked(this.lake):
        store.open_lake(this.lake)
        for name, paths in night.find_files(config).items():
            night.take_source(this, name, paths)
        return history.backfill(this, **_scoring(scorer))


def rescore(config: Config, *, dates: tuple[dt.date, dt.date] | None = None) -> int:
    this = night.new_night(config, flow="rescore", dates=dates)
    scorer = load_scorer(config)
    with store.locked(this.lake):
        store.open_lake(this.lake)
        languages = store.rescoring.languages(this.lake, store.staging(this.lake, this.run_id))
        return history.rescore(this, history.wanted(this, scorer, languages), **_scoring(scorer))


def _scoring(scorer: Scorer) -> dict:
    def score(part, plan, done):
        built = []
        for dates in plan.groups(history.TASK_ROWS):
            built.append(night.score_dates(part, plan, dates, lambda: scorer, of=1))
            done(sum(plan.to_score[day] for day in dates))
        return discovery.discover(plan, built, lambda: scorer, part.config.discovery)

    return {"score": score, "taxonomy": scorer.taxonomy, "model_version": lambda: scorer.model_version}


def one_figure(con, feedback, mentions, parents, *, run_id, **settings):
    """A count in place of `cx_nlp.measures.tables`: all figures cost two thirds of so small a night."""
    query = f"SELECT max(feedback_date), count(*), max(model_version) FROM {feedback}"
    as_of, rows, version = con.execute(query).fetchall()[0]
    row = dict.fromkeys(MEASURES.names) | {
        "as_of": as_of, "period": "all", "measure": "comments", "n": rows, "suppressed": False, "run_id": run_id,
        "model_version": version,
    }  # fmt: skip
    return as_of, [] if as_of is None else [("measures", pa.Table.from_pylist([row], schema=MEASURES))]


def query(lake: Path, sql: str) -> list[tuple]:
    """SQL over views named like the tables, each read by the plain glob that a BI tool uses."""
    with duckdb.connect() as con:
        for table in TABLES:
            if any((lake / table).rglob("*.parquet")):
                con.execute(f"CREATE VIEW {table} AS FROM '{lake}/{table}/**/*.parquet'")
        return con.execute(sql).fetchall()


def content(lake: Path, *, without: tuple[str, ...] = ("runs", "quality", "_state", "_lock")) -> dict[str, str]:
    """Path -> checksum of every file of the lake but for the tables named."""
    return {
        str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(lake.rglob("*"))
        if path.is_file() and path.relative_to(lake).parts[0] not in without
    }
