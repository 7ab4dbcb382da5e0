"""Themes that are known only when all mentions of a run have been seen, written into its mentions before the commit."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cx_nlp import schema
from cx_nlp.store import duck, files
from cx_nlp.store.building import Built
from cx_nlp.store.merge import Plan
from cx_nlp.store.registry_files import ASSIGNED

METHOD = "discovered"


def assign_themes(plan: Plan, built: Iterable[Built], assigned: Sequence[Path]) -> list[Built]:
    """Write themes into the run's mentions that have none: the files that wait for the commit are written anew.

    assigned: Parquet files of columns ASSIGNED, each mention at most once; a mention that has a theme keeps it. Raises
    LakeError for a broken file or a full disk.
    """
    built = list(built)
    if not assigned:
        return built
    folder = files.staging(plan.lake, plan.run_id) / "themed"
    folder.mkdir(parents=True, exist_ok=True)
    with duck.session(folder) as con:
        con.execute(f"CREATE TABLE assigned AS SELECT * FROM {duck.parquet(con, assigned, ASSIGNED)}")
        found = con.execute("SELECT feedback_date, source, count(*) FROM assigned GROUP BY ALL ORDER BY ALL").fetchall()
        finals = {files.partition(plan.lake, "theme_mentions", date) for date, _, _ in found}
        for one in built:
            for temporary, final in one.writes:
                if final in finals:
                    _rewrite(con, plan, temporary, folder / f"{final.parent.name}.parquet")
    counts: dict[str, int] = {}
    for _, source, rows in found:
        counts[source] = counts.get(source, 0) + rows
    return [*built, replace(Built(), discovered=tuple(sorted(counts.items())))]


def _rewrite(con, plan: Plan, temporary: Path, aside: Path) -> None:
    """The file `temporary` with themes, written aside and put in its place when it is whole."""
    value = {name: f"coalesce(a.{name}, l.{name})" for name in ("theme_id", "theme_score", "themes_version")}
    value["method"] = f"CASE WHEN a.theme_id IS NULL THEN l.method ELSE {duck.literal(METHOD)} END"
    columns = ", ".join(
        f'{value[name]} AS "{name}"' if name in value else f'l."{name}"' for name in schema.THEME_MENTIONS.names
    )
    order = ", ".join(f'"{name}" NULLS FIRST' for name in schema.KEYS["theme_mentions"])
    rows = duck.arrow(
        con,
        f"""SELECT {columns} FROM {duck.parquet(con, [temporary], schema.THEME_MENTIONS)} AS l LEFT JOIN assigned AS a
            ON l.source = a.source AND l.feedback_id = a.feedback_id AND l.mention_id = a.mention_id
               AND l.theme_id IS NULL
            ORDER BY {order}""",
    )
    files.write_table(aside, rows, schema.THEME_MENTIONS, run_id=plan.run_id).replace(temporary)
