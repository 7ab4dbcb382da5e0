"""How discovered themes change: one is extended, two are merged, one is split. Every change is recorded in the themes."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cx_nlp.themes.discover import SLACK, covering, is_near
from cx_nlp.themes.registry import SPARE, NewTheme, Registry, retire_empty
from cx_nlp.themes.vectors import closeness, cosines, unit

EXEMPLARS = 80  # of a theme that has been extended


def extend(registry: Registry, number: int, rows: np.ndarray) -> Registry:
    """Some stored mentions become exemplars of a theme; if they are too many, those that cover the others stay.

    Rows keep their places: what goes is marked SPARE.
    """
    numbers = registry.numbers.copy()
    numbers[rows] = number
    its = np.flatnonzero(numbers == number)
    numbers[np.delete(its, covering(unit(registry.vectors[its]), most=EXEMPLARS))] = SPARE
    return replace(registry, mentions=registry.mentions.assign(number=numbers))


def merge_near(registry: Registry, changed: Iterable[int]) -> tuple[Registry, set[int]]:
    """Merge pairs of themes that accept most of one another's exemplars, where one of them has changed; the older one
    stays. -> the registry, and the numbers that changed and are still there.
    """  # fmt: skip
    changed = set(changed)
    while pair := _near_pair(registry, changed):
        older, younger = pair
        registry = extend(registry, older, registry.rows_of(younger))
        themes = [
            replace(theme, is_retired=True, merged_into=older) if theme.number == younger else theme
            for theme in registry.themes
        ]
        registry = replace(registry, themes=tuple(themes))
        changed = (changed - {younger}) | {older}
    return registry, changed


def _near_pair(registry: Registry, changed: set[int]) -> tuple[int, int] | None:
    """The first pair (older, younger), by number, that is to be merged."""
    exemplars = {theme.number: unit(registry.vectors[registry.rows_of(theme.number)]) for theme in registry.active}
    themes = {theme.number: theme for theme in registry.active}
    for older in sorted(themes):
        for younger in sorted(number for number in themes if number > older):
            if {older, younger} & changed and _are_near(themes[older], themes[younger], exemplars):
                return older, younger
    return None


def _are_near(one: NewTheme, other: NewTheme, exemplars: dict[int, np.ndarray]) -> bool:
    if one.number in (other.split_from, other.number) or other.number == one.split_from:
        return False  # what was split is not merged again
    return all(
        is_near(closeness(exemplars[a.number], exemplars[b.number], np.zeros(1, int))[:, 0], b.threshold)
        for a, b in ((one, other), (other, one))
    )


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
        groups = _connected(unit(registry.vectors[rows]), theme.threshold - SLACK)
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


def _connected(vectors: np.ndarray, least: float) -> np.ndarray:
    """unit vectors (E, H) -> the group of each, int (E,), numbered by first row: linked by cosines of at least `least`."""
    from scipy.sparse.csgraph import connected_components

    return connected_components(cosines(vectors, vectors).round(4) >= least, directed=False)[1]
