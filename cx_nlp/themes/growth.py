"""One step of the registry: what fits no theme is clustered, and what is new, large and said by many becomes a theme.

    grow(registry, mentions, vectors, limits) -> the registry one step later

A cluster that a known theme nearly accepts extends that theme instead; themes that have grown into one are merged into
the older one, and a theme whose exemplars have fallen apart is split.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cx_nlp.themes.discover import Group, discover, is_near
from cx_nlp.themes.lineage import extend, merge_near, split_apart
from cx_nlp.themes.naming import names
from cx_nlp.themes.registry import COLUMNS, KEY, POOL, SPARE, NewTheme, Registry, match, retire_empty
from cx_nlp.themes.vectors import closeness, unit


@dataclass(frozen=True, slots=True)
class Limits:
    """See `cx_nlp.discovery_config.DiscoveryConfig`."""

    min_mentions: int = 15
    min_customers: int = 8
    sample: int = 4_000
    max_themes: int = 300


def grow(registry: Registry, mentions: pd.DataFrame, vectors: np.ndarray, limits: Limits) -> Registry:
    """mentions: COLUMNS but number and step, of any number of rows; vectors int16 (M, H) of the registry's model. Those
    that fit no theme join the pool, as a sample of at most `limits.sample`.

    No new mention, no step: then the registry is as it was. The order of rows does not matter.
    """
    numbers, _ = match(registry, vectors)
    fresh = np.flatnonzero(numbers == POOL)
    if not len(fresh):
        return registry
    registry = _pooled(registry, mentions.iloc[fresh], vectors[fresh], sample=limits.sample)
    pool = registry.rows_of(POOL)
    groups = discover(unit(registry.vectors[pool]), min_size=limits.min_mentions)
    groups = [Group(pool[group.rows], pool[group.exemplars], group.threshold) for group in groups]
    groups = [group for group in groups if _is_said_by_many(registry.mentions.iloc[group.rows], limits)]
    named = _named(registry, groups)
    changed: set[int] = set()
    for group, name in zip(groups, named, strict=True):
        known = nearest_theme(registry, group.rows)
        if known is not None:
            registry = extend(registry, known, group.exemplars)
        elif name is not None and len(registry.active) < limits.max_themes:
            known = registry.next_number
            registry = founded(registry, group, name)
        changed |= {known} if known is not None else set()
    registry = split_apart(registry, changed, min_size=limits.min_mentions)
    return _emptied(merge_near(registry, changed))


def _named(registry: Registry, groups: Sequence[Group]) -> list[str | None]:
    texts, people = (registry.mentions[name].astype(str).to_numpy() for name in ("mention", "customer"))
    grouped = np.concatenate([group.rows for group in groups]) if groups else ()
    others = texts[np.setdiff1d(registry.rows_of(POOL), grouped)]
    taken = {theme.name for theme in registry.active}
    return names([texts[g.rows] for g in groups], [people[g.rows] for g in groups], others, taken=taken)


def order(mentions: pd.DataFrame) -> np.ndarray:
    """The canonical order of mentions: by a hash of their keys, so that the first n are a sample (N,)."""
    keys = zip(*(mentions[name] for name in KEY), strict=True)
    hashes = [hashlib.blake2b("\0".join(map(str, key)).encode(), digest_size=16).digest() for key in keys]
    return np.array(sorted(range(len(hashes)), key=hashes.__getitem__), dtype=np.int64)


def _pooled(registry: Registry, mentions: pd.DataFrame, vectors: np.ndarray, *, sample: int) -> Registry:
    """The registry one step later, with a sample of new mentions in its pool; what waited longest makes room."""
    step = registry.steps + 1
    chosen = order(mentions)[:sample]
    mentions = mentions.iloc[chosen].assign(number=POOL, step=step)[list(COLUMNS)]
    held = registry.rows_of(POOL)
    again = pd.MultiIndex.from_frame(registry.mentions[KEY]).isin(pd.MultiIndex.from_frame(mentions[KEY]))
    held = held[~again[held]]  # scored anew
    # Stored in canonical order within a step: of the oldest step, those with the greatest hash go first.
    held = held[np.argsort(-registry.mentions["step"].to_numpy(dtype=np.int64)[held], kind="stable")]
    stays = np.sort(np.concatenate([np.flatnonzero(registry.numbers != POOL), held[: sample - len(chosen)]]))
    registry = registry.taking(stays)
    return replace(
        registry,
        steps=step,
        mentions=pd.concat([registry.mentions.astype("object"), mentions.astype("object")], ignore_index=True),
        vectors=np.concatenate([registry.vectors.reshape(-1, vectors.shape[1]), vectors[chosen]]),
    )


def _is_said_by_many(mentions: pd.DataFrame, limits: Limits) -> bool:
    return len(mentions) >= limits.min_mentions and mentions["customer"].nunique() >= limits.min_customers


def nearest_theme(registry: Registry, rows: np.ndarray) -> int | None:
    """The oldest theme that nearly accepts these stored mentions, the closest of those of one step; None if none does."""
    of = registry.exemplars
    if not of.themes:
        return None
    all_near = closeness(unit(registry.vectors[rows]), of.vectors, of.starts)
    near = [
        (theme.born, -float(column.mean()), theme.number)
        for theme, column in zip(of.themes, all_near.T, strict=True)
        if is_near(column, theme.threshold)
    ]
    return min(near)[2] if near else None


def founded(registry: Registry, group: Group, name: str) -> Registry:
    """A new theme, with the next number; the group's exemplars are its, the group's other mentions need not be kept."""
    theme = NewTheme(registry.next_number, name, registry.steps, group.threshold)
    numbers = registry.numbers.copy()
    numbers[group.exemplars] = theme.number
    mentions = registry.mentions.assign(number=numbers)
    return replace(registry, next_number=theme.number + 1, themes=(*registry.themes, theme), mentions=mentions)


def _emptied(registry: Registry) -> Registry:
    """Without the mentions in the pool that a theme accepts by now: only exemplars need to be remembered."""
    registry = registry.taking(np.flatnonzero(registry.numbers != SPARE))
    pool = registry.rows_of(POOL)
    numbers, _ = match(registry, registry.vectors[pool])
    return retire_empty(registry.taking(np.delete(np.arange(len(registry.mentions)), pool[numbers != POOL])))
