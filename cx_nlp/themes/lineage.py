"""How discovered themes change: one is extended, two are merged, one is split. Every change is recorded in the themes."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cx_nlp.themes.discover import NEAR, SLACK, connected, covering
from cx_nlp.themes.registry import SPARE, NewTheme, Registry, follow, matched, retire_empty
from cx_nlp.themes.vectors import closeness, unit

EXEMPLARS = 80  # of a theme that has been extended
MERGE_SLACK = 0.08  # by how much exemplars may miss the other theme's threshold and still speak of the same


def extend(registry: Registry, number: int, rows: np.ndarray) -> Registry:
    """Some stored mentions become exemplars of a theme; if they are too many, those that cover the others stay.

    Rows keep their places: what goes is marked SPARE.
    """
    numbers = registry.numbers.copy()
    numbers[rows] = number
    its = np.flatnonzero(numbers == number)
    numbers[np.delete(its, covering(unit(registry.vectors[its]), most=EXEMPLARS))] = SPARE
    return replace(registry, mentions=registry.mentions.assign(number=numbers))


def merge_near(registry: Registry, changed: Iterable[int]) -> Registry:
    """Merge pairs of themes that accept most of one another's exemplars, or nearly do, where one of them has changed.

    The older one stays. The other keeps its exemplars and its threshold, so that nothing it accepted is lost; only its
    mentions count for the older one from now on.
    """
    themes = matched(registry)
    changed = set(changed)
    if len(themes) < 2 or not changed:
        return registry
    rows = [registry.rows_of(theme.number) for theme in themes]
    exemplars = [unit(registry.vectors[its]) for its in rows]
    starts = np.cumsum([0, *map(len, rows)])[:-1]
    every = np.concatenate(exemplars)
    least = np.array([theme.threshold for theme in themes]) - MERGE_SLACK
    into = {theme.number: theme.merged_into for theme in registry.themes}
    for at, theme in enumerate(themes):
        if theme.number not in changed:
            continue
        forth = (closeness(exemplars[at], every, starts) >= least).mean(axis=0)  # (T,)
        back = np.add.reduceat(closeness(every, exemplars[at], np.zeros(1, int))[:, 0] >= least[at], starts) / [
            *map(len, rows)
        ]
        for other in np.flatnonzero((forth >= NEAR) & (back >= NEAR)):
            older, younger = sorted(follow(into, number) for number in (theme.number, themes[other].number))
            # What was split is not merged again.
            if older != younger and theme.split_from is None and themes[other].split_from is None:
                into[younger] = older
    return replace(registry, themes=tuple(replace(one, merged_into=into[one.number]) for one in registry.themes))


def split_apart(registry: Registry, numbers: Iterable[int], *, min_size: int) -> Registry:
    """Split each of these themes whose exemplars lie in groups that nothing connects; the largest keeps the number.

    Connected is what is as close as the theme asks (less the slack). A group of fewer than min_size stays where it is.
    A part that is split off is as old as the theme it came from, and stands below it.
    """
    for number in sorted(numbers):
        theme = next((one for one in registry.active if one.number == number), None)
        rows = registry.rows_of(number)
        if theme is None or len(rows) < 2 * min_size:
            continue
        groups = connected(unit(registry.vectors[rows]), theme.threshold - SLACK)
        sizes = np.bincount(groups)
        large = [group for group in np.argsort(-sizes, kind="stable") if sizes[group] >= min_size]
        for group in large[1:]:
            part = NewTheme(registry.next_number, theme.name, theme.born, theme.threshold, split_from=number)
            name = f"{theme.name} ({part.number})"  # the words are those of the whole
            numbers_of = registry.numbers.copy()
            numbers_of[rows[groups == group]] = part.number
            registry = replace(
                registry,
                next_number=part.number + 1,
                themes=(*registry.themes, replace(part, name=name)),
                mentions=registry.mentions.assign(number=numbers_of),
            )
    return retire_empty(registry)
