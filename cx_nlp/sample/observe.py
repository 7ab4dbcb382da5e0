"""A fact's value in one draw, with its standard error: how each kind of fact is to be measured.

Everything is read from the truth, not from texts: what a model finds is compared with the same figures. Errors treat
customers as clusters, as the measures do.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cx_nlp.sample import facts as planted
from cx_nlp.sample.facts import Fact
from cx_nlp.sample.population import weekday_weights
from cx_nlp.sample.world import GROUPS, START, TONES

_ALWAYS = 10**5  # days: a draw may end before the last window does


@dataclass(frozen=True)
class Observed:
    """part: what of the fact is observed ("value", "baseline", ...); n: rows behind it; error is NaN if n is too small."""

    part: str
    stated: float
    value: float
    error: float
    n: int


def observe(fact: Fact, truth: pd.DataFrame) -> list[Observed]:
    """The fact's value, and the other numbers that it states, in a sample's truth (see `truth.truth_of`).

    Counts each response once, by its first comment; a theme or emotion counts as a share of the responses with a
    comment. A part of which the draw has no row is NaN with n = 0.
    """
    return _OBSERVERS[type(fact)](fact, _responses(truth))


def table(facts: Sequence[Fact], truth: pd.DataFrame) -> pd.DataFrame:
    """All parts of all facts: id, part, stated, value, error, n. No facts give no rows."""
    rows = _responses(truth)
    found = [{"id": fact.id, **vars(part)} for fact in facts for part in _OBSERVERS[type(fact)](fact, rows)]
    return pd.DataFrame(found, columns=["id", "part", "stated", "value", "error", "n"])


_READS = (
    "day", "feedback_date", "respondent_role", "touchpoint", "segment", "group", "tone", "emotion", "has_comment", "nps",
    "csat", "ces", "rating", "themes",
)  # fmt: skip


def _responses(truth: pd.DataFrame) -> pd.DataFrame:
    """One row a response that is kept, columns _READS and `cluster` (an int for each person, who is not known alone)."""
    kept = ((truth["outcome"] == "new") & (truth["part"] == 1)).to_numpy()
    rows = truth.loc[kept, list(_READS)]
    for name in ("respondent_role", "touchpoint", "segment", "group", "tone", "emotion"):
        rows[name] = rows[name].astype("category")  # compared with one word many times
    people = pd.factorize(truth.loc[kept, "person"])[0]
    unknown = people < 0
    people[unknown] = people.max(initial=0) + 1 + np.arange(unknown.sum())
    return rows.assign(cluster=people)


def _mean(part: str, stated: float, rows: pd.DataFrame, y: np.ndarray) -> Observed:
    return _contrast(part, stated, rows, y, np.ones(len(rows), dtype=bool), against=False)


def _contrast(part: str, stated: float, rows, y, inside, *, against: bool = True) -> Observed:
    """Mean of y where `inside` (minus the mean elsewhere, if against) with a cluster-robust standard error."""
    y, inside = np.asarray(y, dtype=float), np.asarray(inside, dtype=bool)
    known = ~np.isnan(y) & (inside | against)
    y, inside = y[known], inside[known]
    groups = [(inside, 1.0), (~inside, -1.0)] if against else [(inside, 1.0)]
    if any(mask.sum() < 2 for mask, _ in groups):
        return Observed(part, stated, np.nan, np.nan, int(known.sum()))
    value, pull = 0.0, np.zeros(len(y))
    for mask, sign in groups:
        mean = y[mask].mean()
        value += sign * mean
        pull[mask] = sign * (y[mask] - mean) / mask.sum()
    people = rows["cluster"].to_numpy()[known]
    by_person = np.bincount(people, weights=pull)
    return Observed(part, stated, float(value), float(np.sqrt((by_person**2).sum())), int(known.sum()))


def _score(measure: str, values: pd.Series) -> np.ndarray:
    values = values.to_numpy(dtype=float)
    if measure != "nps":
        return values
    return np.where(np.isnan(values), np.nan, np.where(values >= 9, 100.0, np.where(values >= 7, 0.0, -100.0)))


def _in_scope(fact: Fact, rows: pd.DataFrame, *keys: str) -> pd.DataFrame:
    rows = rows[rows["respondent_role"] == "customer"]
    for key in keys:
        if (only := getattr(fact.scope, key)) is not None:
            rows = rows[rows[key] == only]
    return rows


def _in_window(fact: Fact, rows: pd.DataFrame) -> np.ndarray:
    first, last = fact.span(_period(rows)[0], _ALWAYS)
    return rows["day"].between(first, last).to_numpy()


def _period(rows: pd.DataFrame) -> tuple[dt.date, int]:
    if rows.empty:
        return START, 1
    start = (rows["feedback_date"] - pd.to_timedelta(rows["day"], unit="D")).iloc[0].date()
    return start, int(rows["day"].max()) + 1


def _names(fact: Fact, rows: pd.DataFrame) -> np.ndarray:
    """1.0 where a comment names the fact's theme, NaN without a comment."""
    named = ("|" + rows["themes"] + "|").str.contains(f"|{fact.scope.theme}|", regex=False).to_numpy(dtype=float)
    return np.where(rows["has_comment"], named, np.nan)


def _level(fact, rows) -> list[Observed]:
    rows = _in_scope(fact, rows, "touchpoint")
    return [_mean("value", fact.value, rows, _score(fact.measure, rows[fact.measure]))]


def _change(fact, rows) -> list[Observed]:
    if fact.measure == "responses":
        return [_volume(fact, rows)]
    rows = _in_scope(fact, rows, "touchpoint")
    inside = _in_window(fact, rows)
    if fact.measure != "theme_share":
        return [_contrast("value", fact.value, rows, _score(fact.measure, rows[fact.measure]), inside)]
    y = _names(fact, rows)
    return [
        _contrast("value", fact.value, rows, y, inside),
        _mean("baseline", fact.baseline, rows[~inside], y[~inside]),
    ]


def _volume(fact, rows) -> Observed:
    """Responses a day in the window over those outside, each day weighted as its weekday goes."""
    start, days = _period(rows)
    rows = _in_scope(fact, rows, "touchpoint")
    inside = _in_window(fact, rows)
    weights = weekday_weights(start, days)
    first, last = fact.span(start, _ALWAYS)
    share = weights[first : last + 1].sum() / weights.sum()
    ratio = inside.sum() / share / max(1, (~inside).sum()) * (1 - share)
    error = ratio * np.sqrt(1 / max(1, inside.sum()) + 1 / max(1, (~inside).sum()))
    return Observed("value", fact.value, float(ratio), float(error), len(rows))


def _segment(fact, rows) -> list[Observed]:
    rows = _in_scope(fact, rows)
    return [
        _contrast(
            "value", fact.value, rows, _score(fact.measure, rows[fact.measure]), rows["segment"] == fact.scope.segment
        )
    ]


def _commenters(fact, rows) -> list[Observed]:
    rows = _in_scope(fact, rows)
    return [_contrast("value", fact.value, rows, _score(fact.measure, rows[fact.measure]), rows["has_comment"])]


def _driver(fact, rows) -> list[Observed]:
    rows = _in_scope(fact, rows)
    rows = rows[rows["has_comment"]]
    named = _names(fact, rows)
    return [
        _contrast("value", fact.value, rows, _score(fact.measure, rows[fact.measure]), named == 1),
        _mean("share", fact.share, rows, named),
    ]


def _after(fact, rows) -> list[Observed]:
    """A theme from a day on: new, or changed by an action."""
    rows = _in_scope(fact, rows, "touchpoint")
    inside, y = _in_window(fact, rows), _names(fact, rows)
    if isinstance(fact, planted.NewTheme):
        return [_mean("value", fact.value, rows[inside], y[inside]), _mean("before", 0.0, rows[~inside], y[~inside])]
    return [
        _contrast("value", fact.value, rows, y, inside),
        _mean("baseline", fact.baseline, rows[~inside], y[~inside]),
    ]


def _by_group(fact, rows) -> list[Observed]:
    rows = _in_scope(fact, rows)
    if isinstance(fact, planted.Emotion):
        shown = (rows["emotion"] == fact.measure.removeprefix("emotion_")).to_numpy(dtype=float)
        y = np.where(rows["has_comment"], shown, np.nan)
    else:
        y = _names(fact, rows)
    inside = (rows["group"] == fact.scope.nps_group).to_numpy()
    return [
        _mean("value", fact.value, rows[inside], y[inside]),
        _mean("baseline", fact.baseline, rows[~inside], y[~inside]),
    ]


def _employees_first(fact, rows) -> list[Observed]:
    start, days = _period(rows)
    named = pd.Series(_names(fact, rows), index=rows.index)
    first, firsts, shares = fact.span(start, _ALWAYS)[0], [], []
    for role, begin, stated in (
        ("employee", first, fact.share_employees),
        ("customer", first + int(fact.value), fact.share_customers),
    ):
        mine = rows[rows["respondent_role"] == role]
        said = mine[named[mine.index] == 1]
        firsts.append(float(said["day"].min()) if len(said) else np.nan)
        after = mine[mine["day"] >= begin]
        shares.append(_mean(f"share_{role}s", stated, after, named[after.index].to_numpy()))
    # The first mention comes some days after the theme's first day: on average the days that one mention takes.
    spans = [
        (days - begin) / max(1.0, share.value * share.n)
        for begin, share in zip((first, first + fact.value), shares, strict=True)
    ]
    lead = Observed("value", fact.value, firsts[1] - firsts[0], float(np.hypot(*spans)), len(rows))
    return [lead, *shares]


def _tone(fact, rows) -> list[Observed]:
    rows = _in_scope(fact, rows)
    rows = rows[rows["has_comment"]]
    found = []
    for group in GROUPS:
        mine = rows[rows["group"] == group]
        for tone, stated in zip(TONES, fact.shares[group], strict=True):
            found.append(_mean(f"{tone} of {group}s", stated, mine, (mine["tone"] == tone).to_numpy(dtype=float)))
    ends = rows[rows["group"] != "passive"]
    value = _contrast("value", fact.value, ends, ends["tone"] == "negative", ends["group"] == "detractor")
    return [value, *found]


def _belief(fact, rows) -> list[Observed]:
    customers = _in_scope(fact, rows)
    if fact.measure == "nps":
        return [_mean("value", fact.value, customers, _score("nps", customers["nps"]))]
    leaders = rows[rows["respondent_role"] == "leader"]
    top = [np.where(part["csat"].isna(), np.nan, part["csat"] == 5) for part in (customers, leaders)]
    return [_mean("value", fact.value, customers, top[0]), _mean("believed", fact.believed, leaders, top[1])]


_OBSERVERS = {
    planted.Level: _level, planted.Change: _change, planted.Contrast: _segment, planted.Commenters: _commenters,
    planted.Driver: _driver, planted.Decoy: _driver, planted.NewTheme: _after, planted.Action: _after,
    planted.MarksGroup: _by_group, planted.Emotion: _by_group, planted.EmployeesFirst: _employees_first,
    planted.Tone: _tone, planted.BeliefGap: _belief,
}  # fmt: skip
