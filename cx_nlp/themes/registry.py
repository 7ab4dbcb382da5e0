"""The registry of discovered themes: what keeps `new/17` the same thing every night.

It stores exemplars, mentions that a theme was founded on, each with its vector and the key of its feedback, and a pool
of mentions that fit no theme yet. A mention belongs to a theme if its nearest exemplars there are close enough. What was
accepted once stays: of the themes that accept a mention the oldest step's win, so a theme found later takes nothing away,
and a mention that is scored anew keeps the theme that it had while that one still nearly accepts it.
All functions go from a registry to a registry; numbers are given once and never again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from cx_nlp.schema import REGISTRY
from cx_nlp.themes.discover import SLACK
from cx_nlp.themes.vectors import closeness, own_closeness, unit

MARGIN = 0.01  # by which the best of equally old themes must be closer than the next
ROWS = 1_024  # mentions compared at once: bounds the memory
POOL = 0  # the number of mentions that belong to no theme
SPARE = -1  # the number of exemplars that others cover, until a step ends
COLUMNS = tuple(name for name in REGISTRY.names if name != "vector")
KEY = ["source", "feedback_id", "mention_id"]


@dataclass(frozen=True, slots=True)
class NewTheme:
    """A discovered theme; it keeps number and name for ever.

    threshold: the least closeness (`vectors.closeness`) of a mention that belongs to it. born: the step that found it.
    """

    number: int
    name: str
    born: int
    threshold: float
    merged_into: int | None = None
    split_from: int | None = None
    is_retired: bool = False

    @property
    def theme_id(self) -> str:
        return theme_id(self.number)


def theme_id(number: int) -> str:
    return f"new/{number}"


def number_of(theme_id: str | None) -> int:
    """The number that a `theme_id` names; None is POOL."""
    return POOL if theme_id is None else int(theme_id.removeprefix("new/"))


def no_mentions() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="object") for name in COLUMNS})


@dataclass(frozen=True)
class Exemplars:
    """Of the T themes that have some, by number: unit vectors (E, H), theme after theme, each from its start (T,)."""

    themes: tuple[NewTheme, ...]
    vectors: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class Registry:
    """mentions: columns COLUMNS, `number` being a theme's or POOL; vectors: theirs, row by row, as `vectors.grid` gives."""

    model: str = ""  # whose vectors these are; "" before the first
    steps: int = 0
    next_number: int = 1
    themes: tuple[NewTheme, ...] = ()
    mentions: pd.DataFrame = field(default_factory=no_mentions)
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int16))

    def __post_init__(self) -> None:
        if len(self.mentions) != len(self.vectors):
            raise ValueError(f"{len(self.mentions)} mentions, {len(self.vectors)} vectors: expected as many")

    # A registry never changes, so what is asked of it for each theme and each group is found once.
    @cached_property
    def numbers(self) -> np.ndarray:
        """Of each stored mention, the number of its theme, int (N,)."""
        numbers = self.mentions["number"].to_numpy(dtype=np.int64)
        numbers.flags.writeable = False
        return numbers

    @cached_property
    def _rows(self) -> dict[int, np.ndarray]:
        order = np.argsort(self.numbers, kind="stable")
        numbers, starts = np.unique(self.numbers[order], return_index=True)
        return dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)) if len(order) else {}

    @cached_property
    def exemplars(self) -> "Exemplars":
        themes = matched(self)
        rows = [self._rows[theme.number] for theme in themes]
        held = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
        return Exemplars(themes, unit(self.vectors[held]), np.cumsum([0, *map(len, rows)])[:-1])

    @property
    def active(self) -> tuple[NewTheme, ...]:
        """Those that mentions can belong to: neither merged into another nor without exemplars."""
        return tuple(theme for theme in self.themes if not theme.is_retired and theme.merged_into is None)

    def rows_of(self, number: int) -> np.ndarray:
        """Places of the stored mentions of a theme, or of the pool, in their order."""
        return self._rows.get(number, np.zeros(0, dtype=np.int64))

    def taking(self, rows: np.ndarray) -> "Registry":
        """With these stored mentions alone, in this order."""
        return replace(self, mentions=self.mentions.iloc[rows].reset_index(drop=True), vectors=self.vectors[rows])


def match(
    registry: Registry, vectors: np.ndarray, *, had: np.ndarray | None = None, slack: np.ndarray | float = SLACK
) -> tuple[np.ndarray, np.ndarray]:
    """int16 (M, H) -> the number of each mention's theme, POOL for none, int (M,); its closeness, in [-1, 1] (M,).

    A mention between two equally old themes gets none. had: the theme that each had so far, POOL for none, int (M,); it
    stays (merges followed) if the closeness misses its threshold by no more than `slack`, one or of each (M,). Each row
    depends on its own vector, on what it had and on the registry alone.
    """
    themes = registry.exemplars.themes
    found, scores = np.full(len(vectors), POOL, dtype=np.int64), np.zeros(len(vectors))
    if not themes or not len(vectors):
        return found, scores
    exemplars, starts = registry.exemplars.vectors, registry.exemplars.starts
    least = np.array([theme.threshold for theme in themes])
    born = np.array([theme.born for theme in themes])
    numbers = np.array([survivor(registry, theme.number) for theme in themes])
    had = followed(registry, np.full(len(vectors), POOL) if had is None else had)
    slack = np.broadcast_to(slack, len(vectors))
    for at in range(0, len(vectors), ROWS):
        part = slice(at, at + ROWS)
        near = closeness(unit(vectors[part]), exemplars, starts)  # (rows, T)
        fits = near >= least
        stays = (numbers == had[part, None]) & (near >= least - slack[part, None])
        held = np.where(stays, near, -1.0).max(axis=1)
        oldest = np.where(fits, born, np.iinfo(np.int64).max).min(axis=1)
        near = np.where(fits & (born == oldest[:, None]), near, -1.0)
        best = near.argmax(axis=1)
        top = np.take_along_axis(near, best[:, None], axis=1)[:, 0]
        others = np.where(numbers == numbers[best][:, None], -1.0, near).max(axis=1)
        is_clear = fits.any(axis=1) & (top - others >= MARGIN)
        is_held = stays.any(axis=1)
        found[part] = np.where(is_held, had[part], np.where(is_clear, numbers[best], POOL))
        scores[part] = np.where(is_held, held, np.where(is_clear, top, 0.0))
    return found, scores


def forget(registry: Registry, keys: Iterable[tuple[str, str]]) -> Registry:
    """Without all that is kept of these (source, feedback_id). A theme that has no exemplar left is retired."""
    gone = set(keys)
    pairs = zip(registry.mentions["source"], registry.mentions["feedback_id"], strict=True)
    stays = np.array([pair not in gone for pair in pairs], dtype=bool)
    if stays.all():
        return registry
    return retire_empty(registry.taking(np.flatnonzero(stays)))


def matched(registry: Registry) -> tuple[NewTheme, ...]:
    """Themes that have exemplars, by number; what one accepts that is merged counts for the theme it was merged into."""
    return tuple(theme for theme in registry.themes if len(registry.rows_of(theme.number)))


def retire_empty(registry: Registry) -> Registry:
    """Themes that nothing can belong to any more, for want of exemplars, are retired."""
    held = {theme.number for theme in matched(registry)}
    there = held | {survivor(registry, number) for number in held}
    themes = [replace(theme, is_retired=theme.is_retired or theme.number not in there) for theme in registry.themes]
    return replace(registry, themes=tuple(themes))


def reembed(registry: Registry, vectors: np.ndarray, *, model: str) -> Registry:
    """The same registry under another model: vectors int16 (N, H') of the stored mentions, in their order.

    Another model puts texts nearer or further: a theme's threshold moves as the closeness of its own exemplars does.
    """
    if len(vectors) != len(registry.mentions):
        raise ValueError(f"{len(vectors)} vectors for {len(registry.mentions)} stored mentions")
    themes = []
    for theme in registry.themes:
        rows = registry.rows_of(theme.number)
        if len(rows) > 1:
            moved = own_closeness(unit(vectors[rows])).mean() - own_closeness(unit(registry.vectors[rows])).mean()
            theme = replace(theme, threshold=round(float(theme.threshold + moved), 4))
        themes.append(theme)
    return replace(registry, model=model, themes=tuple(themes), vectors=vectors)


def survivor(registry: Registry, number: int) -> int:
    """The theme that `number` is today: where it was merged into, and what that was merged into."""
    return follow({theme.number: theme.merged_into for theme in registry.themes}, number)


def followed(registry: Registry, numbers: np.ndarray) -> np.ndarray:
    """What each of these numbers (M,) is today (`survivor`), int (M,); POOL stays POOL."""
    different, places = np.unique(numbers, return_inverse=True)
    return np.array([survivor(registry, int(number)) for number in different], dtype=np.int64)[places]


def follow(into: Mapping[int, int | None], number: int) -> int:
    """into: number -> what it was merged into; from the younger to the older always, so there is an end."""
    while (older := into.get(number)) is not None:
        number = older
    return number


def dimension(registry: Registry) -> list[dict[str, str | None]]:
    """What the table `themes` holds of each: a split-off theme stands below the one it came from."""
    return [
        {
            "theme_id": theme.theme_id,
            "theme": theme.name,
            "parent_theme_id": None if theme.split_from is None else theme_id(theme.split_from),
            "kind": "discovered",
            "owner": None,
            "status": "active" if theme in registry.active else "retired",
            "merged_into": None if theme.merged_into is None else theme_id(theme.merged_into),
        }
        for theme in registry.themes
    ]  # fmt: skip


def quotes(registry: Registry, number: int, *, n: int = 3) -> list[str]:
    """The most typical mentions of a theme, different ones, masked as they are stored; none that may not be quoted."""
    rows = registry.rows_of(number)
    near = own_closeness(unit(registry.vectors[rows]))
    its = registry.mentions.iloc[rows]
    allowed = np.array([value is None or pd.isna(value) or bool(value) for value in its["may_quote"]], dtype=bool)
    ordered = its["mention"].to_numpy()[np.lexsort((rows, -near))]
    ordered = ordered[allowed[np.lexsort((rows, -near))]]
    different = {str(text).casefold(): str(text) for text in reversed(ordered.tolist())}
    return list(reversed(different.values()))[:n]
