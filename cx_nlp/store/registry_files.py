"""Where the registry of discovered themes lies in a lake, and what a run puts aside for it.

`_registry/themes.json` holds the themes and the next number, `_registry/mentions.parquet` exemplars and pool (columns
`schema.REGISTRY`). Both change in a run's commit, so they are always of one state. They are no tables: copies that are
published for others leave them out.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cx_nlp import schema
from cx_nlp.errors import LakeError
from cx_nlp.store import duck, files

FORMAT = 1
ASSIGNED = pa.schema(
    [
        *(schema.THEME_MENTIONS.field(name) for name in ("source", "feedback_id", "feedback_date", "mention_id")),
        *(schema.THEME_MENTIONS.field(name) for name in ("theme_id", "theme_score", "themes_version")),
    ]
)


def paths(lake: Path) -> tuple[Path, Path]:
    """Themes, mentions: there or not."""
    return lake / "_registry" / "themes.json", lake / "_registry" / "mentions.parquet"


def read_themes(path: Path) -> dict | None:
    """What `write` was given as `state`; None if there is no file. Raises LakeError for one that is broken."""
    if not path.exists():
        return None
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        if state["format"] != FORMAT:
            raise LakeError(f"{path}: registry format {state['format']!r}, this version reads {FORMAT}")
        return state
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise LakeError(f"{path}: not readable: {type(error).__name__}") from None


def read_mentions(path: Path) -> pa.Table:
    """Columns of `schema.REGISTRY`; no file gives no rows. Raises LakeError for one that is broken."""
    return files.read_table(path, schema.REGISTRY)


def write(lake: Path, run_id: str, state: dict, mentions: pa.Table) -> list[tuple[Path, Path]]:
    """Files that change, under temporary names, for the commit: (temporary, final) pairs."""
    of_themes, of_mentions = paths(lake)
    text = json.dumps({"format": FORMAT, **state}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    found = [
        (files.write_text(of_themes, text, run_id=run_id), of_themes),
        (files.write_table(of_mentions, mentions, schema.REGISTRY, run_id=run_id), of_mentions),
    ]
    changed = []
    for temporary, final in found:
        if files.same_bytes(temporary, final):
            temporary.unlink()
        else:
            changed.append((temporary, final))
    return changed


def put_aside(lake: Path, run_id: str, name: str, frame: pd.DataFrame) -> None:
    """Keep mentions without a theme (columns `schema.REGISTRY`) until all dates are scored; the same name replaces."""
    folder = files.staging(lake, run_id) / "unthemed"
    table = pa.Table.from_pandas(frame[schema.REGISTRY.names], schema=schema.REGISTRY, preserve_index=False)
    with files.refusals(f"write in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(files.conform(table, schema.REGISTRY), folder / f"{name}.parquet", compression="zstd")


def drop_aside(lake: Path, run_id: str, name: str) -> None:
    """Remove what an earlier try put aside under this name and a number."""
    for stale in (files.staging(lake, run_id) / "unthemed").glob(f"{name}.*.parquet"):
        stale.unlink()


def put_aside_files(lake: Path, run_id: str) -> list[Path]:
    """In order of name."""
    return sorted((files.staging(lake, run_id) / "unthemed").glob("*.parquet"))


def texts_of(lake: Path, keys: pd.DataFrame, *, scratch: Path) -> dict[tuple[str, str], str]:
    """(source, feedback_id) of `keys` -> the text in the lake; a key that is not there is left out."""
    with _wanting(keys, scratch) as con:
        rows = duck.parquet(con, files.partitions(lake, "feedback").values(), schema.FEEDBACK)
        found = con.execute(
            f"SELECT source, feedback_id, text FROM {rows} SEMI JOIN wanted USING (source, feedback_id)"
        )
        return {(source, feedback_id): text for source, feedback_id, text in found.fetchall()}


def gone_keys(folder: Path, keys: pd.DataFrame) -> set[tuple[str, str]]:
    """Those (source, feedback_id) of `keys` whose rows a plan replaces or removes; what it only touches stays.

    folder: the plan's.
    """
    gone, touched = (duck.literal(folder / f"{name}.parquet") for name in ("gone", "touched"))
    with _wanting(keys, folder) as con:
        found = con.execute(f"""
            SELECT DISTINCT source, feedback_id FROM wanted SEMI JOIN {gone} USING (source, feedback_id)
            ANTI JOIN {touched} USING (source, feedback_id)""")
        return set(found.fetchall())


def rescored_keys(lake: Path, folder: Path, keys: pd.DataFrame) -> set[tuple[str, str]]:
    """Those (source, feedback_id) of `keys` whose rows a plan scores again as the lake holds them: nobody said anything else.

    folder: the plan's. All of them are among `gone_keys`.
    """
    gone, rows = (duck.literal(folder / f"{name}.parquet") for name in ("gone", "rows"))
    with _wanting(keys, folder) as con:
        dates = con.execute(
            f"SELECT DISTINCT old_date FROM {gone} SEMI JOIN wanted USING (source, feedback_id)"
        ).fetchall()
        paths = [path for (date,) in dates if (path := files.partition(lake, "feedback", date)).exists()]
        known = duck.parquet(con, paths, schema.FEEDBACK)
        found = con.execute(f"""
            SELECT DISTINCT source, feedback_id FROM {known} SEMI JOIN wanted USING (source, feedback_id)
            SEMI JOIN {rows} USING (source, feedback_id, row_hash, text)""")
        return set(found.fetchall())


def held_themes(lake: Path, mentions: pd.DataFrame, *, scratch: Path) -> list[str | None]:
    """The discovered theme that the lake gives each mention, None where it gives none: of the same words at the same place.

    mentions: columns source, feedback_id, feedback_date, start, end, mention (M).
    """
    dates = sorted(set(mentions["feedback_date"]))
    paths = [path for date in dates if (path := files.partition(lake, "theme_mentions", date)).exists()]
    if not paths:
        return [None] * len(mentions)
    place = ("source", "feedback_id", "start", "end", "mention")
    columns = {name: pa.array(mentions[name], schema.THEME_MENTIONS.field(name).type) for name in place}
    named = ", ".join(f'"{name}"' for name in place)
    with duck.session(scratch) as con:
        con.register("asked", pa.table(columns | {"nr": pa.array(range(len(mentions)), pa.int64())}))
        found = con.execute(f"""
            SELECT nr, theme_id FROM {duck.parquet(con, paths, schema.THEME_MENTIONS)} JOIN asked USING ({named})
            WHERE method = 'discovered'""")
        theme_of = dict(found.fetchall())
    return [theme_of.get(nr) for nr in range(len(mentions))]


@contextmanager
def _wanting(keys: pd.DataFrame, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    scratch.mkdir(parents=True, exist_ok=True)
    columns = {name: pa.array(keys[name], pa.string()) for name in ("source", "feedback_id")}
    with duck.session(scratch) as con:
        con.register("wanted", pa.table(columns))
        yield con
