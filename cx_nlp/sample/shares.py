"""How often comments name a theme, carry a tone and show an emotion, by the facts."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from cx_nlp.errors import UsageError
from cx_nlp.sample import facts as planted
from cx_nlp.sample import world
from cx_nlp.sample.facts import Fact
from cx_nlp.sample.phrases import theme_names

CUSTOMER, EMPLOYEE = 0, 1


def theme_shares(facts: Sequence[Fact], start: dt.date, days: int) -> np.ndarray:
    """(K, 2, 3, T, D): theme, role, group, touchpoint, day. A theme that no fact is about has the same share everywhere.

    Raises UsageError where two facts state the share of one theme differently.
    """
    names = theme_names()
    shares = np.full((len(names), 2, len(world.GROUPS), len(world.TOUCHPOINTS), days), world.BASE_SHARE)
    governed: dict[str, tuple] = {}
    for fact in facts:
        if fact.scope.theme is None:
            continue
        # Driver facts on several ratings speak of one theme; any other two would contradict each other.
        claim = (fact.share,) if isinstance(fact, planted.Driver) else (fact.id,)
        theme = fact.scope.theme
        if governed.setdefault(theme, claim) != claim:
            raise UsageError(f"fact {fact.id!r}: another fact states the share of theme {theme!r} otherwise")
        _plant(fact, shares[names.index(theme)], start, days)
    return shares


def _plant(fact: Fact, shares: np.ndarray, start: dt.date, days: int) -> None:
    """Write one fact into its theme's shares (2, 3, T, D)."""
    customers, employees = shares[CUSTOMER], shares[EMPLOYEE]
    if isinstance(fact, planted.Driver):
        customers[:] = fact.share
        return
    if isinstance(fact, planted.MarksGroup):
        customers[:] = fact.baseline
        customers[world.GROUPS.index(str(fact.scope.nps_group))] = fact.value
        return
    first, last = fact.span(start, days)
    if isinstance(fact, planted.NewTheme):
        shares[..., :first] = 0
        customers[..., first:] = fact.value
    elif isinstance(fact, planted.EmployeesFirst):
        followed = first + int(fact.value)
        if fact.value != int(fact.value) or not 0 < fact.value < days - first:
            raise UsageError(
                f"fact {fact.id!r}: value is {fact.value:g}, expected whole days that end within the period"
            )
        shares[:] = 0
        employees[..., first:] = fact.share_employees
        customers[..., followed:] = fact.share_customers
    elif isinstance(fact, planted.Change | planted.Action):
        assert fact.baseline is not None  # of a change of theme_share; see its model
        after = fact.baseline + fact.value
        if not 0 <= after <= 1:
            raise UsageError(f"fact {fact.id!r}: baseline and value add up to {after:g}, expected a share")
        # A complaint about deliveries or refunds is at home at one touchpoint.
        at = slice(None)
        if fact.scope.touchpoint is not None:
            index = list(world.TOUCHPOINTS).index(fact.scope.touchpoint)
            at = slice(index, index + 1)
            customers[:] = 0
        customers[:, at] = fact.baseline
        customers[:, at, first : last + 1] = after


def tone_shares(facts: Sequence[Fact]) -> np.ndarray:
    """(3, 4): group, tone. Without a fact all groups sound alike."""
    shares = np.tile(world.TONE_SHARES, (len(world.GROUPS), 1))
    found = [fact for fact in facts if isinstance(fact, planted.Tone)]
    if len(found) > 1:
        raise UsageError(f"fact {found[1].id!r}: another fact states the tones already")
    for fact in found:
        shares = np.array([fact.shares[group] for group in world.GROUPS])
    return shares


def emotion_shares(facts: Sequence[Fact]) -> dict[str, np.ndarray]:
    """Planted emotion -> (3,) share by group. Raises UsageError where they add up to more than all comments."""
    shares: dict[str, np.ndarray] = {}
    for fact in facts:
        if isinstance(fact, planted.Emotion):
            name = fact.measure.removeprefix("emotion_")
            if name in shares:
                raise UsageError(f"fact {fact.id!r}: another fact states this emotion already")
            shares[name] = np.where(np.array(world.GROUPS) == fact.scope.nps_group, fact.value, fact.baseline)
    if shares and np.max(sum(shares.values())) > 1:
        raise UsageError(
            "the planted emotions add up to more than all comments of a group; one comment shows one emotion"
        )
    return shares
