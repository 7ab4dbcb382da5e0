"""The registry of discovered themes in a run: mentions that no taxonomy knew get their ids before the commit.

    score_dates puts aside (`keeping`) -> discover -> measure -> commit

Dates may be scored side by side and in any order; `discover` runs once, in order of date. What passes between are files
in the run's staging folder, and the registry's own files under the lake's `_registry/`.
"""

import dataclasses
import datetime as dt
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cx_nlp import schema, store
from cx_nlp.discovery_config import DiscoveryConfig
from cx_nlp.store import files, registry_files, theming
from cx_nlp.themes import growth
from cx_nlp.themes.keeping import rematch, waiting_anew
from cx_nlp.themes.registry import COLUMNS, POOL, NewTheme, Registry, dimension, forget, number_of, reembed, theme_id
from cx_nlp.themes.taxonomy import Taxonomy
from cx_nlp.themes.vectors import grid

if TYPE_CHECKING:
    from cx_nlp.score.scorer import Scorer

VERSION = "registry-1"  # in the themes_version of a discovered theme: bump when the same registry gives other ids
STEP = 1_000  # unmatched mentions that are waited for before the registry takes a step; a run ends with one
log = logging.getLogger("cx_nlp")
Piece = tuple[dt.date, pd.DataFrame, np.ndarray]


def read_registry(lake: Path) -> Registry:
    """The lake's registry as committed; a lake without one has an empty one. Raises LakeError for a broken one."""
    of_themes, of_mentions = registry_files.paths(lake)
    state = registry_files.read_themes(of_themes)
    if state is None:
        return Registry()
    table = registry_files.read_mentions(of_mentions)
    themes = tuple(NewTheme(**theme) for theme in state["themes"])
    mentions, vectors = _frame(table)
    return Registry(state["model"], state["steps"], state["next_number"], themes, mentions, vectors)


def write_registry(lake: Path, run_id: str, registry: Registry) -> list[tuple[Path, Path]]:
    """Its files under temporary names, for a commit; none where nothing changes."""
    state = {
        "model": registry.model,
        "steps": registry.steps,
        "next_number": registry.next_number,
        "themes": [dataclasses.asdict(theme) for theme in registry.themes],
    }
    frame = registry.mentions.assign(vector=list(registry.vectors))
    table = pa.Table.from_pandas(frame[schema.REGISTRY.names], schema=schema.REGISTRY, preserve_index=False)
    return registry_files.write(lake, run_id, state, files.conform(table, schema.REGISTRY))


def themes_of(lake: Path, built: Sequence[store.Built], taxonomy: Taxonomy) -> pd.DataFrame | None:
    """The dimension as a run leaves it, for `store.commit_run` and `store.build_measures`: the taxonomy's themes and the
    discovered ones. None where there is none of either.
    """  # fmt: skip
    path, _ = registry_files.paths(lake)
    waiting = {final: temporary for one in built for temporary, final in one.writes}
    state = registry_files.read_themes(waiting.get(path, path))
    new = Registry(themes=tuple(NewTheme(**theme) for theme in state["themes"])) if state else Registry()
    rows = [*({"status": "active", "merged_into": None} | row for row in taxonomy.rows()), *dimension(new)]
    return pd.DataFrame(rows) if rows else None


def keeping(plan: store.Plan, dates: Sequence[dt.date], score: store.Score) -> store.Score:
    """The same scorer for `store.build` of these dates, but that the mentions it gives a `vector` are put aside.

    A second call for the same dates replaces what the first put aside, once it is asked to score: dates that the run has
    built already are not scored again, and what was put aside with them stays.
    """
    name = dates[0].isoformat()
    numbers = itertools.count()

    def scored(staged: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame | None]:
        number = next(numbers)
        if not number:
            registry_files.drop_aside(plan.lake, plan.run_id, name)
        feedback, mentions, sentences = score(staged)
        if mentions is not None:
            mentions = _put_aside(plan, f"{name}.{number:06}", staged, mentions)
        return feedback, mentions, sentences

    return scored


def _put_aside(plan: store.Plan, name: str, staged: pd.DataFrame, mentions: pd.DataFrame) -> pd.DataFrame:
    """-> all mentions, without the column `vector`; staged: the rows that were scored.

    The `number` of what is put aside is that of the theme which the lake gives the same mention so far.
    """
    names = ["source", "feedback_id", "mention_id", "mention", "start", "end", "vector"]
    its = mentions.loc[mentions["vector"].notna(), names]
    if len(its):
        person = staged["customer_key"].fillna(staged["response_id"]).fillna(staged["feedback_id"])
        said = staged[["source", "feedback_id", "feedback_date", "may_quote"]].assign(customer=person, step=0)
        frame = its.merge(said, on=["source", "feedback_id"], how="left")
        held = registry_files.held_themes(plan.lake, frame, scratch=plan.folder)
        frame["number"] = [number_of(one) for one in held]
        vectors = grid(np.stack(frame["vector"].to_list()))
        registry_files.put_aside(plan.lake, plan.run_id, name, frame.assign(vector=list(vectors)))
    return mentions.drop(columns="vector")


def discover(
    plan: store.Plan,
    built: Sequence[store.Built],
    scorer: Callable[[], "Scorer"],
    settings: DiscoveryConfig,
    *,
    model: str | None = None,
) -> list[store.Built]:
    """What was built, with the ids of discovered themes in its mentions, and the registry's files for the same commit.

    Call it once, when all dates are built. Exemplars of rows that the run replaces or removes go first; those of rows that
    it only scores again stay, embedded anew if the model has changed. Mentions of earlier runs keep what they have, null
    included, until they are scored anew, and then their theme while it nearly accepts them. model: whose vectors they are,
    `Model.vectors`; then the scorer is called only if the registry has those of another. None: it is asked.
    """
    built = list(built)
    if not settings.enabled:
        return built
    before = read_registry(plan.lake)
    paths = registry_files.put_aside_files(plan.lake, plan.run_id)
    registry = _without_gone(before, plan)
    if paths:
        registry = under_model(registry, plan, scorer, model=model)
        registry = taken_up(registry, _pieces(paths), settings)
        built = theming.assign_themes(plan, built, list(_assigned(plan, registry, paths)))
    elif registry is before:
        return built
    _log(before, registry)
    return [*built, store.Built(writes=tuple(write_registry(plan.lake, plan.run_id, registry)))]


def _without_gone(registry: Registry, plan: store.Plan) -> Registry:
    if not len(registry.mentions):
        return registry
    gone = registry_files.gone_keys(plan.folder, registry.mentions)
    again = registry_files.rescored_keys(plan.lake, plan.folder, registry.mentions) if gone else set()
    return waiting_anew(forget(registry, gone - again), again)


def taken_up(registry: Registry, pieces: Iterator[Piece], settings: DiscoveryConfig) -> Registry:
    """The registry after mentions in order of date, however they are cut into pieces: it takes a step at the end of a
    date once `STEP` mentions fit nothing, and at the end. The `number` of a mention is the theme that it had, or POOL.

    At most 2 * settings.sample vectors are held at a time; each step costs a clustering of `settings.sample` mentions.
    """  # fmt: skip
    limits = growth.Limits(settings.min_mentions, settings.min_customers, settings.sample, settings.max_themes)
    waiting: list[tuple[pd.DataFrame, np.ndarray]] = []
    last, count = None, 0
    for date, mentions, vectors in pieces:
        if date != last and count >= STEP:
            registry = growth.grow(registry, *_joined(waiting), limits)
            waiting, count = [], 0
        last = date
        fresh = np.flatnonzero(rematch(registry, mentions, vectors)[0] == POOL)
        count += len(fresh)
        waiting.append((mentions.iloc[fresh], vectors[fresh]))
        if sum(len(rows) for rows, _ in waiting) > 2 * settings.sample:
            rows, its = _joined(waiting)
            chosen = growth.order(rows)[: settings.sample]
            waiting = [(rows.iloc[chosen], its[chosen])]
    return growth.grow(registry, *_joined(waiting), limits) if count else registry


def under_model(
    registry: Registry, plan: store.Plan, load: Callable[[], "Scorer"], *, model: str | None = None
) -> Registry:
    """The registry with vectors of the scorer's model: where that has changed, all stored mentions are embedded anew, in
    their texts as the lake holds them. model: as in `discover`.
    """
    from cx_nlp.score import heads

    model = model or load().model.vectors
    if registry.model == model or not len(registry.mentions):
        return dataclasses.replace(registry, model=model)
    scorer = load()
    texts = registry_files.texts_of(plan.lake, registry.mentions, scratch=plan.folder)
    asked: dict[str, list[tuple[int, int]]] = {}
    places: dict[str, list[int]] = {}
    columns = ("source", "feedback_id", "mention", "start", "end")
    for row, (source, feedback_id, mention, start, end) in enumerate(registry.mentions[list(columns)].values.tolist()):
        text = texts.get((source, feedback_id), "")
        if text[start:end] != mention:  # the text is gone, or was cleaned anew: what was said is still known
            text, start, end = mention, 0, len(mention)
        asked.setdefault(text, []).append((start, end))
        places.setdefault(text, []).append(row)
    ordered = sorted(asked, key=lambda text: (len(text), text))
    vectors = np.zeros((len(registry.mentions), scorer.model.theme_width), dtype=np.float32)
    for text, read in zip(ordered, scorer.encoder.span_means(ordered, [asked[text] for text in ordered]), strict=True):
        vectors[places[text]] = heads.theme_vectors(scorer.model, read.means[1:])
    log.info("themes: %d stored mentions embedded by %s", len(vectors), model)
    return reembed(registry, grid(vectors), model=model)


def _assigned(plan: store.Plan, registry: Registry, paths: Sequence[Path]) -> Iterator[Path]:
    """Files of the run's mentions that a discovered theme accepts."""
    folder = files.staging(plan.lake, plan.run_id) / "assigned"
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        mentions, vectors = _frame(pq.read_table(path))
        numbers, scores = rematch(registry, mentions, vectors)
        its = np.flatnonzero(numbers != POOL)
        if len(its):
            frame = mentions.iloc[its].assign(
                theme_id=[theme_id(number) for number in numbers[its]], theme_score=np.clip(scores[its], 0, 1),
                themes_version=VERSION,
            )  # fmt: skip
            to = registry_files.ASSIGNED
            pq.write_table(pa.Table.from_pandas(frame[to.names], schema=to, preserve_index=False), folder / path.name)
            yield folder / path.name


def _pieces(paths: Sequence[Path]) -> Iterator[Piece]:
    """Mentions put aside, cut by date, in order of date."""
    for path in paths:
        mentions, vectors = _frame(pq.read_table(path))
        for date in sorted(set(mentions["feedback_date"])):
            its = np.flatnonzero(mentions["feedback_date"] == date)
            yield date, mentions.iloc[its], vectors[its]


def _frame(table: pa.Table) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of `schema.REGISTRY` -> columns COLUMNS and vectors int16 (N, H)."""
    flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(np.int16)
    frame = table.select(list(COLUMNS)).to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    return frame, flat.reshape(table.num_rows, -1) if table.num_rows else np.zeros((0, 0), dtype=np.int16)


def _joined(parts: Sequence[tuple[pd.DataFrame, np.ndarray]]) -> tuple[pd.DataFrame, np.ndarray]:
    return pd.concat([rows for rows, _ in parts]), np.concatenate([vectors for _, vectors in parts])


def _log(before: Registry, after: Registry) -> None:
    known = {theme.number: theme for theme in before.themes}
    new = [theme for theme in after.themes if theme.number not in known]
    # One that was found and merged in the same night counts as both.
    gone = {number for number, theme in known.items() if theme.merged_into is not None}
    merged = [theme for theme in after.themes if theme.merged_into is not None and theme.number not in gone]
    log.info(
        "themes: %d discovered ones, %d of them new, %d merged; %d mentions wait for one",
        len(after.active), len(new), len(merged), len(after.rows_of(POOL)),
    )  # fmt: skip
