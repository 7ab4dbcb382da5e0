"""From facts to the probabilities that a sample is drawn with: every stated value holds here exactly.

Levels are means over everything else; effects are differences, centred where they apply, so no effect moves a level.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cx_nlp.errors import UsageError
from cx_nlp.sample import facts as planted
from cx_nlp.sample import tilt, world
from cx_nlp.sample.facts import RATINGS, Fact
from cx_nlp.sample.shares import emotion_shares, theme_shares, tone_shares

_MARGIN = 0.01  # of a scale's width that a mean must keep away from its ends


@dataclass(frozen=True)
class RatingModel:
    """Means of one rating by cell. T touchpoints, D days, S segments."""

    measure: str
    levels: np.ndarray  # (T,)
    by_day: np.ndarray  # (T, D), centred over the days of each touchpoint
    by_segment: np.ndarray  # (S,), centred
    commenters: float  # mean of those who comment less that of the silent
    drivers: tuple[tuple[str, float, float], ...]  # theme, share of comments, effect
    top: float = 0.0  # see tilt

    @property
    def commented(self) -> float:
        return world.COMMENTED[world.ASKED_BY[self.measure]]

    def means(self, touchpoint, day, segment, has_comment, named) -> np.ndarray:
        """Indices and flags, each (N,); named: {theme: flags (N,)} -> (N,)."""
        mean = self.levels[touchpoint] + self.by_day[touchpoint, day] + self.by_segment[segment]
        mean = mean + self.commenters * (has_comment - self.commented)
        for theme, share, effect in self.drivers:
            mean = mean + np.where(has_comment, effect * (named[theme] - share), 0.0)
        return mean

    def cells(self, weights: np.ndarray) -> Iterator[tuple[float, float, str]]:
        """(probability, mean, touchpoint) of every cell; weights (T, D) is the joint share of touchpoint and day."""
        said = [(1 - self.commented, -self.commenters * self.commented)]
        spoken = [(self.commented, self.commenters * (1 - self.commented))]
        for _, share, effect in self.drivers:
            spoken = [
                (p * q, shift + effect * (named - share))
                for p, shift in spoken
                for named, q in ((1, share), (0, 1 - share))
            ]
        segments = list(zip(world.SEGMENTS.values(), self.by_segment, strict=True))
        for t, name in enumerate(world.TOUCHPOINTS):
            for shift in np.unique(self.by_day[t]):
                days = float(weights[t, self.by_day[t] == shift].sum())
                for p, voice in (*said, *spoken):
                    for q, segment in segments:
                        yield days * p * q, float(self.levels[t] + shift + voice + segment), name


@dataclass(frozen=True)
class Population:
    """What `generate` draws from. K themes, 2 roles (customer, employee), 3 groups (see world.GROUPS)."""

    start: dt.date
    days: int
    weights: np.ndarray  # (T, D), sums to 1
    ratings: dict[str, RatingModel]
    themes: np.ndarray  # (K, 2, 3, T, D): share of comments that name the theme
    tones: np.ndarray  # (3, 4) by group
    emotions: dict[str, np.ndarray]  # planted emotion: (3,) share of customers' comments by group
    leaders_top: float | None  # share of leaders who give the top box


def build(facts: Sequence[Fact], *, start: dt.date = world.START, days: int = 90) -> Population:
    """Facts -> the population they describe; none gives one where all groups are alike.

    Raises UsageError where facts contradict each other, do not fit the period, or add up to an impossible rating.
    """
    if days < 1:
        raise UsageError(f"days is {days}, expected 1 or more")
    weights = _weights(facts, start, days)
    ratings = {measure: _rating(measure, facts, weights, start, days) for measure in RATINGS}
    for model in ratings.values():
        _check_range(model, weights)
    believed = None
    for fact in of(facts, planted.BeliefGap):
        if fact.measure == "nps":
            overall = float(weights.sum(axis=1) @ ratings["nps"].levels)
            if abs(overall - fact.value) > 0.05:
                raise UsageError(f"fact {fact.id!r}: value is {fact.value:g}, but the levels of nps give {overall:.2f}")
            continue
        if believed is not None:
            raise UsageError(f"fact {fact.id!r}: another fact states the top box of csat already")
        believed = fact.believed
        ratings["csat"] = _with_top_box(ratings["csat"], weights, fact)
    return Population(
        start,
        days,
        weights,
        ratings,
        theme_shares(facts, start, days),
        tone_shares(facts),
        emotion_shares(facts),
        believed,
    )


def of(facts: Sequence[Fact], *kinds: type) -> list:
    """The facts of these kinds; a decoy is no driver here."""
    return [fact for fact in facts if type(fact) in kinds]


def weekday_weights(start: dt.date, days: int) -> np.ndarray:
    """(D,) how much each day weighs by its weekday alone."""
    return np.array([world.WEEKDAYS[(start.weekday() + day) % 7] for day in range(days)])


def _weights(facts: Sequence[Fact], start: dt.date, days: int) -> np.ndarray:
    weights = np.outer(list(world.TOUCHPOINTS.values()), weekday_weights(start, days))
    for fact in of(facts, planted.Change):
        if fact.measure == "responses":
            if fact.value <= 0:
                raise UsageError(f"fact {fact.id!r}: value is {fact.value:g}, expected a factor above 0")
            first, last = fact.span(start, days)
            weights[_rows(fact), first : last + 1] *= fact.value
    return weights / weights.sum()


def _rows(fact: Fact) -> slice:
    """The touchpoints of a fact's scope, as a slice of their axis."""
    if fact.scope.touchpoint is None:
        return slice(None)
    at = list(world.TOUCHPOINTS).index(fact.scope.touchpoint)
    return slice(at, at + 1)


def _rating(measure: str, facts: Sequence[Fact], weights: np.ndarray, start: dt.date, days: int) -> RatingModel:
    mine = [fact for fact in facts if fact.measure == measure]
    levels = np.full(len(world.TOUCHPOINTS), tilt.base_mean(measure))
    stated: set[str | None] = set()
    # The level of all touchpoints first: one of a single touchpoint is more specific.
    for fact in sorted(of(mine, planted.Level), key=lambda fact: fact.scope.touchpoint is not None):
        if fact.scope.touchpoint in stated:
            raise UsageError(f"fact {fact.id!r}: the level of {measure} is stated twice for this scope")
        stated.add(fact.scope.touchpoint)
        levels[_rows(fact)] = fact.value
    by_day = np.zeros((len(levels), days))
    is_changed = np.zeros(len(levels), dtype=bool)
    day_shares = weights / weights.sum(axis=1, keepdims=True)
    for fact in of(mine, planted.Change):
        rows, (first, last) = _rows(fact), fact.span(start, days)
        if is_changed[rows].any():
            # With two windows neither is "against the rest of the period" any more.
            raise UsageError(f"fact {fact.id!r}: another change of {measure} covers this scope already")
        is_changed[rows] = True
        inside = np.zeros(days)
        inside[first : last + 1] = 1
        by_day[rows] += fact.value * (inside - day_shares[rows] @ inside[:, None])
    return RatingModel(
        measure,
        levels,
        by_day,
        _segment_effects(of(mine, planted.Contrast)),
        sum(fact.value for fact in of(mine, planted.Commenters)),
        tuple((fact.scope.theme, fact.share, fact.value) for fact in of(mine, planted.Driver)),
    )


def _segment_effects(facts: Sequence[planted.Contrast]) -> np.ndarray:
    names = list(world.SEGMENTS)
    effects = np.zeros(len(names))
    if len(facts) > 1:
        raise UsageError(f"fact {facts[1].id!r}: a segment is set against all others; one such fact a measure")
    for fact in facts:
        share = world.SEGMENTS[str(fact.scope.segment)]
        effects += fact.value * (np.array([name == fact.scope.segment for name in names]) - share)
    return effects


def _check_range(model: RatingModel, weights: np.ndarray) -> None:
    score = world.score(model.measure)
    margin = _MARGIN * (score.max() - score.min())
    for probability, mean, touchpoint in model.cells(weights):
        if probability > 0 and not score.min() + margin <= mean <= score.max() - margin:
            raise UsageError(
                f"the facts on {model.measure} add up to a mean of {mean:.2f} for some answers at touchpoint "
                f"{touchpoint!r}, expected {score.min() + margin:g} to {score.max() - margin:g}: make an effect smaller"
            )


def _with_top_box(model: RatingModel, weights: np.ndarray, fact: planted.BeliefGap) -> RatingModel:
    cells = list(model.cells(weights))
    probability = np.array([p for p, _, _ in cells])
    top = tilt.top_for(model.measure, np.array([mean for _, mean, _ in cells]), probability, fact.value)
    if top is None:
        raise UsageError(
            f"fact {fact.id!r}: no answers with the stated levels of csat have {fact.value:g} in the top box"
        )
    return RatingModel(**{**vars(model), "top": top})
