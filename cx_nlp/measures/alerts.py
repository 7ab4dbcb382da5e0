"""Alert rules over the table `changes`: which rows of a night call for somebody.

A condition is terms joined by `and`; each a word, a comparison and a number, or `below`/`above` and a number:

    drop > 10 and q < 0.10      before less now, where more than chance says so
    rise >= 0.05 and p < 0.01   now less before
    change > 5                  either way
    below 20                    the value itself
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cx_nlp.errors import UnknownName, UsageError

SEVERITIES = ("high", "medium", "low")
ALL, EACH = "(all)", "each"
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_TERMS: dict[str, Callable[[Mapping], float]] = {
    "drop": lambda row: -row["difference"], "rise": lambda row: row["difference"], "change": lambda row: abs(row["difference"]),
    "value": lambda row: row["value"], "p": lambda row: row["p"], "q": lambda row: row["q"],
}  # fmt: skip
_TERM = re.compile(r"(?:(below|above)|([a-z]+)\s*(<=|>=|<|>))\s*([-+]?\d+(?:\.\d+)?)")
_KEPT = (
    "against", "touchpoint", "theme_id", "measure", "value", "low", "high", "before", "difference", "difference_low",
    "difference_high", "p", "q", "n", "n_before", "n_customers",
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """touchpoint, theme: a name, `each` or (all); owner None: the theme's. See `parse` for the condition."""

    name: str
    measure: str
    condition: str
    against: str = "week"
    touchpoint: str = ALL
    theme: str = ALL
    min_n: int = 20
    severity: str = "medium"
    owner: str | None = None


def parse(condition: str) -> list[tuple[str, str, float]]:
    """-> terms as (name, operator, number). Raises UsageError, or UnknownName for a word that is none."""
    found = []
    for part in re.split(r"\s+and\s+", condition.strip()):
        match = _TERM.fullmatch(part.strip())
        if match is None:
            raise UsageError(
                f"condition {condition!r}: got {part!r}, expected such as 'drop > 10', 'q < 0.10' or 'below 20', joined by and"
            )
        side, name, sign, number = match.groups()
        name, sign = ("value", "<" if side == "below" else ">") if side else (name, sign)
        if name not in _TERMS:
            raise UnknownName("word of a condition", name, (*_TERMS, "below", "above"))
        found.append((name, sign, float(number)))
    return found


def alerts(
    changes: pd.DataFrame, rules: Sequence[Rule], *, owners: Mapping[str, str | None] | None = None
) -> pd.DataFrame:
    """changes: as of `changes.changes` -> a row for each rule and row of changes that it speaks of and that meets it.

    Suppressed rows and those with fewer than min_n rows on either side meet no rule, nor does a figure that is null.
    owners: theme_id -> who acts on it. Nothing met, no rows.
    """
    found = []
    for rule in rules if len(changes) else ():
        terms = parse(rule.condition)
        for row in changes[_speaks_of(rule, changes)].to_dict("records"):
            if all(_holds(_TERMS[name](row), sign, number) for name, sign, number in terms):
                owner = rule.owner or (owners or {}).get(row["theme_id"])
                found.append(
                    {name: row.get(name) for name in _KEPT}
                    | {"rule": rule.name, "severity": rule.severity, "owner": owner, "condition": rule.condition}
                )  # fmt: skip
    return pd.DataFrame(found)


def _speaks_of(rule: Rule, changes: pd.DataFrame) -> pd.Series:
    kept = (changes["measure"] == rule.measure) & (changes["against"] == rule.against) & ~changes["suppressed"]
    kept &= changes[["n", "n_before"]].min(axis=1) >= rule.min_n if rule.measure != "responses" else True
    for column, want in (("touchpoint", rule.touchpoint), ("theme_id", rule.theme)):
        kept &= changes[column] != ALL if want == EACH else changes[column] == want
    return kept


def _holds(value: float, sign: str, number: float) -> bool:
    return not math.isnan(value) and _OPERATORS[sign](value, number)
