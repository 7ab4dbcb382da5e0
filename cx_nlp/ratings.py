"""Ratings, weights, roles and consents as written -> typed values, or null and an issue's code.

Higher is always better afterwards. A scale is turned round where the config says so, never converted into another.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable

from cx_nlp.config import ScaleConfig, SourceConfig
from cx_nlp.errors import UsageError
from cx_nlp.schema import RATING_RANGES, ROLES, Issue

RATINGS = ("nps", "csat", "ces", "rating")
_NUMBER = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,12})?|[+-]?\d{1,12},\d{1,2}", re.ASCII)
_TONES = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_SPACE = re.compile(r"\s+")
_YES, _NO = ("yes", "y", "true", "t", "1", "1.0"), ("no", "n", "false", "f", "0", "0.0")
_FLAGS = dict.fromkeys(_YES, True) | dict.fromkeys(_NO, False)
Parsed = tuple[object, Issue | None]


def read_number(text: str) -> float | None:
    """A plain number such as "9", "9.0", " 9 ", "-1" or "4,5"; None for anything else ("nan", "1e3", "9/10")."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    return float(text.replace(",", ".")) + 0.0  # + 0.0 turns -0.0 into 0.0


def check_scales(name: str, source: SourceConfig) -> None:
    """Raise UsageError for an nps, csat or ces scale that is not the measure's own: 1-10 is a `rating`, not `nps`.

    Words and emoji stand for whole numbers on that scale, and need not stand for all of them.
    """
    for target, scale in source.scales.items():
        keys = Counter(map(_spelling, scale.values))
        if twice := [key for key, count in keys.items() if count > 1]:
            raise UsageError(f"source {name!r}: scales.{target}.values has {twice[0]!r} twice")
        expected = RATING_RANGES.get(target)
        if expected is None:
            continue
        given = (scale.low is None or scale.low == expected[0]) and (scale.high is None or scale.high == expected[1])
        fit = all(value.is_integer() and expected[0] <= value <= expected[1] for value in scale.values.values())
        if not given or not fit:
            low, high = scale.range
            raise UsageError(
                f"source {name!r}: scales.{target} is {low:g}..{high:g}{'' if fit else ' with other values'}, expected "
                f"{expected[0]}..{expected[1]}; scales are not converted, map another scale to `rating`"
            )


def _spelling(word: str) -> str:
    """A word or emoji without what does not tell it apart: case, blanks, skin tone, the wish for a coloured glyph."""
    return _SPACE.sub(" ", _TONES.sub("", word)).strip().casefold()


def read_rating(text: str | None, target: str, scale: ScaleConfig | None) -> Parsed:
    """One rating -> its value, higher is better; None where missing, None and an issue where it is not on its scale.

    nps 0..10, csat 1..5 and ces 1..7 are whole numbers; a `rating` may have decimals and, without a scale, any value.
    """
    if text is None or not text.strip():
        return None, None
    invalid = None, Issue(f"{target}_invalid")
    value = _said(text, scale) if scale else None
    if value is None:
        value = read_number(text)
        low, high = _range(target, scale)
        if value is None or not low <= value <= high:
            return invalid
        if scale and scale.reverse:
            value = low + high - value
    if target == "rating":
        return value, None
    low, high = RATING_RANGES[target]
    return (int(value), None) if value.is_integer() and low <= value <= high else invalid


def _said(text: str, scale: ScaleConfig) -> float | None:
    """The value that a word or emoji stands for on the scale; None for what it does not name."""
    if not scale.values:
        return None
    wanted = _spelling(text)
    return next((value for word, value in scale.values.items() if _spelling(word) == wanted), None)


def _range(target: str, scale: ScaleConfig | None) -> tuple[float, float]:
    """Where a number must lie: on its scale; nps, csat and ces have one of their own."""
    return RATING_RANGES.get(target) or (scale.range if scale else (float("-inf"), float("inf")))


def scale_name(source: SourceConfig) -> str | None:
    """What `rating_scale` says: the scale's name, else the fixed one, else the scale's range; None without any."""
    scale = source.scales.get("rating")
    if scale and scale.name:
        return scale.name
    fixed = source.fixed.get("rating_scale")
    if fixed is not None or scale is None:
        return str(fixed) if fixed is not None else None
    low, high = scale.range
    return f"{low:g}-{high:g}"


def read_weight(text: str | None) -> Parsed:
    """A weight of at least 0; 1.0 where missing, 1.0 and an issue where it is none."""
    if text is None or not text.strip():
        return 1.0, None
    value = read_number(text)
    return (value, None) if value is not None and value >= 0 else (1.0, Issue.WEIGHT_INVALID)


def read_role(text: str | None) -> Parsed:
    """customer | employee | leader; customer where missing, customer and an issue for anything else."""
    if text is None or not text.strip():
        return ROLES[0], None
    role = text.strip().casefold()
    return (role, None) if role in ROLES else (ROLES[0], Issue.ROLE_INVALID)


def read_flag(text: str | None, issue: Issue) -> Parsed:
    """yes/no, y/n, true/false, t/f, 1/0 in any case; None where missing, None and the issue for anything else."""
    if text is None or not text.strip():
        return None, None
    value = _FLAGS.get(text.strip().casefold())
    return value, None if value is not None else issue


def read_each(values: Iterable[str | None], read: Callable[[str | None], Parsed]) -> tuple[list, list[Issue | None]]:
    """Apply `read` to a column, once for each distinct value -> values and issues, both as long as the column."""
    known: dict[str | None, Parsed] = {}
    for value in values:
        if value not in known:
            known[value] = read(value)
    both = [known[value] for value in values]
    return [value for value, _ in both], [issue for _, issue in both]
