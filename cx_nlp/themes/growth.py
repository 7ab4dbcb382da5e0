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

from cx_nlp.themes.discover import NOISE, cluster
from cx_nlp.themes.lineage import extend, is_near, merge_near, split_apart
from cx_nlp.themes.naming import names
from cx_nlp.themes.registry import COLUMNS, KEY, POOL, NewTheme, Registry, match, retire_empty, thinned
from cx_nlp.themes.vectors import closeness, cosines, nearest_mean, unit

FOUNDERS = 40  # exemplars of a new theme
ACCEPTED = 0.9  # share of a cluster's mentions that its theme has to accept


@dataclass(frozen=True, slots=True)
class Limits:
    """See `cx_nlp.discovery_config.DiscoveryConfig`."""

    min_mentions: int = 20
    min_customers: int = 10
    sample: int = 4_000
    max_themes: int = 300


def grow(registry: Registry, mentions: pd.DataFrame, vectors: np.ndarray, limits: Limits) -> Registry:
    """mentions: COLUMNS but number and step, of any number of rows; vectors int16 (M, H) of the registry's model. They join the pool, if they fit no theme, as a sample of at most `limits.sample`.

    No new mention, no step: then the registry is as it was. The order of rows does not matter.
    """
    numbers, _ = match(registry, vectors)
    fresh = np.flatnonzero(numbers == POOL)
    if not len(fresh):
        return registry
    registry = _pooled(registry, mentions.iloc[fresh], vectors[fresh], sample=limits.sample)
    pool = registry.rows_of(POOL)
    labels = cluster(unit(registry.vectors[pool]), min_size=limits.min_mentions)
    clusters = [pool[labels == label] for label in range(labels.max(initial=NOISE) + 1)]
    clusters = [rows for rows in clusters if _is_said_by_many(registry.mentions.iloc[rows], limits)]
    texts, people = registry.mentions["mention"].astype(str).to_numpy(), registry.mentions["customer"].to_numpy()
    taken = {theme.name for theme in registry.active}
    others = texts[np.setdiff1d(pool, np.concatenate(clusters))] if clusters else ()
    named = names([texts[rows] for rows in clusters], [people[rows] for rows in clusters], others, taken=taken)
    changed: set[int] = set()
    # The largest first: a small neighbour becomes part of it, and not the other way round.
    for rows, name in sorted(zip(clusters, named, strict=True), key=lambda one: (-len(one[0]), one[0][0])):
        if name is None:
            continue
        known = nearest_theme(registry, rows)
        if known is not None:
            registry = extend(registry, known, rows)
        elif len(registry.active) < limits.max_themes:
            known = registry.next_number
            registry = found(registry, rows, name)
        changed |= {known} if known is not None else set()
    registry, kept = merge_near(registry, changed)
    registry = split_apart(registry, kept, min_size=limits.min_mentions)
    return _emptied(registry)


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
    near = []
    for theme in registry.active:
        of_rows = closeness(
            unit(registry.vectors[rows]), unit(registry.vectors[registry.rows_of(theme.number)]), np.zeros(1, int)
        )
        if is_near(of_rows[:, 0], theme.threshold):
            near.append((theme.born, -float(of_rows.mean()), theme.number))
    return min(near)[2] if near else None


def found(registry: Registry, rows: np.ndarray, name: str) -> Registry:
    """A new theme of these stored mentions, with the next number."""
    exemplars = thinned(registry, rows, most=FOUNDERS)
    vectors = unit(registry.vectors[rows])
    similar = cosines(vectors, unit(registry.vectors[exemplars]))
    similar[rows[:, None] == exemplars[None, :]] = -np.inf  # beside itself everything is close
    threshold = float(np.quantile(nearest_mean(similar), 1 - ACCEPTED).round(4))
    theme = NewTheme(registry.next_number, name, registry.steps, threshold)
    registry = relabelled(registry, exemplars, theme.number)
    return replace(registry, next_number=theme.number + 1, themes=(*registry.themes, theme))


def relabelled(registry: Registry, rows: Sequence[int] | np.ndarray, number: int) -> Registry:
    numbers = registry.numbers
    numbers = numbers.copy()
    numbers[rows] = number
    return replace(registry, mentions=registry.mentions.assign(number=numbers))


def _emptied(registry: Registry) -> Registry:
    """Without the mentions in the pool that a theme accepts by now: only exemplars need to be remembered."""
    pool = registry.rows_of(POOL)
    numbers, _ = match(registry, registry.vectors[pool])
    return retire_empty(registry.taking(np.setdiff1d(np.arange(len(registry.mentions)), pool[numbers != POOL])))
