"""One date for each respondent of a file whose dates are written in both orders.

"03/04/2022" alone cannot be settled. A file often settles it: some dates can be read in one way only, some
respondents carry one date in both orders, and where ids are numbered in time a date must fit between its
neighbours. Needs every (respondent, date) pair of the file at once, which is little, and nothing else of it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from cx_nlp.config import SourceConfig
from cx_nlp.dates import Moment, localise, readings
from cx_nlp.schema import Issue

# A date that can be read in one way only says more about its place in time than one with two chances to fit.
_ANCHOR, _AMBIGUOUS = 2, 1
# A reading counts as settled if the other one would break the order with at least this weight of neighbours.
_MARGIN = 2
# Ids whose anchors are less in order than this do not run in time, whatever the config says.
_IN_ORDER = 0.8
_NUMBER = re.compile(r"(.*?)(\d{1,18})\D*", re.DOTALL | re.ASCII)

Dated = tuple[Moment | None, Issue | None]


@dataclass(frozen=True)
class Planned:
    day: date  # local date of all rows of the respondent
    is_suspect: bool  # another reading fits as well, or none does


@dataclass(frozen=True)
class DatePlan:
    """What `plan_dates` found: the planned date of each respondent that has a readable one, and how it was found.

    `counts` is over respondents: anchored (one reading, or one date in both orders), resolved (settled by the
    order of ids), suspect (not settled).
    """

    by_respondent: Mapping[str, Planned]
    counts: Mapping[str, int] = field(default_factory=dict)


def plan_dates(chunks: Iterable, source: SourceConfig) -> DatePlan | None:
    """Read a file's dates once, ahead of `prepare`; None for a source without `date_sequence`.

    chunks: what `sources.read` gives for one file (all of it). Rows without id or date are passed over.
    """
    sequence, dated = source.date_sequence, source.columns.get("submitted_at")
    if sequence is None or dated is None:
        return None
    pairs: dict[tuple[str, str], None] = {}
    for chunk in chunks:
        # A missing column is `prepare`'s to report.
        if sequence in chunk.rows and dated in chunk.rows:
            both = chunk.rows[[sequence, dated]].dropna()
            pairs.update(dict.fromkeys(zip(both[sequence], both[dated], strict=True)))
    return resolve_ambiguous_dates(pairs, order=source.date_order, zone=source.zone)


def resolve_ambiguous_dates(pairs: Iterable[tuple[str, str]], *, order: str, zone: ZoneInfo) -> DatePlan:
    """(respondent id, date as written) pairs, repeats allowed, in any order -> one date for each respondent.

    1. A respondent's dates are read in all ways; what all of them can mean is what they mean.
    2. Within one prefix the readings are chosen that put the most weight of respondents into the order of their
       numbers; a respondent that fits in no order, a wrongly typed year say, is left out of it, not followed.
    3. Where the other reading would do (nearly) as well, the source's own order stands and the date is suspect.
    """
    unique = sorted(set(pairs))
    days_of = {
        text: tuple(localise(when, zone).day for when in readings(text, order)) for text in {text for _, text in unique}
    }
    written: dict[str, list[tuple[date, ...]]] = {}
    for respondent, text in unique:
        if found := days_of[text]:
            written.setdefault(respondent, []).append(found)

    sequences: dict[str, list[_Node]] = {}
    for respondent, dates in written.items():
        prefix, number = _split(respondent)
        sequences.setdefault(prefix, []).append(_Node(respondent, number, *_choices(dates)))

    plan: dict[str, Planned] = {}
    counts = {"anchored": 0, "resolved": 0, "suspect": 0}
    for nodes in sequences.values():
        nodes.sort(key=lambda node: (node.number, node.respondent))
        for node, planned in zip(nodes, _settle(nodes), strict=True):
            plan[node.respondent] = planned
            kind = "suspect" if planned.is_suspect else "anchored" if len(node.choices) == 1 else "resolved"
            counts[kind] += 1
    return DatePlan(plan, counts)


def read_dates(
    texts: list[str | None], respondents: list[str | None], *, source: SourceConfig, plan: DatePlan | None
) -> list[Dated]:
    """Dates as written (N) and their `date_sequence` ids (N, None without one) -> N moments and issues.

    The moment is None where nothing readable is written. Without `date_sequence` the config's order is the source's
    word and nothing is suspect; with it, a date that the plan does not settle is.
    """
    known: dict[tuple[str | None, str | None], Dated] = {}
    pairs = list(zip(texts, respondents, strict=True))
    for pair in pairs:
        if pair not in known:
            known[pair] = _read_date(*pair, source=source, plan=plan)
    return [known[pair] for pair in pairs]


def _read_date(text: str | None, respondent: str | None, *, source: SourceConfig, plan: DatePlan | None) -> Dated:
    found = [localise(when, source.zone) for when in readings(text, source.date_order)] if text else []
    if not found:
        return None, None
    suspect = Issue.DATE_ORDER_SUSPECT if len(found) > 1 else None
    if source.date_sequence is None:
        return found[0], None
    planned = plan.by_respondent.get(respondent) if plan and respondent is not None else None
    if planned is None:
        return found[0], suspect
    nearest = min(found, key=lambda moment: abs((moment.day - planned.day).days))
    issue = suspect if planned.is_suspect else Issue.DATE_ORDER_RESOLVED if nearest != found[0] else None
    # All rows of a respondent share the planned day, even one that was written down on another.
    return Moment(nearest.at, planned.day), issue


@dataclass(frozen=True)
class _Node:
    respondent: str
    number: int
    choices: tuple[date, ...]  # the source's own reading first
    is_split: bool  # the respondent's dates have no reading in common

    @property
    def weight(self) -> int:
        return _ANCHOR if len(self.choices) == 1 else _AMBIGUOUS


def _split(respondent: str) -> tuple[str, int]:
    match = _NUMBER.fullmatch(respondent)
    # An id without a number is a sequence of its own: nothing is known about its neighbours.
    return (match[1], int(match[2])) if match else ("\0" + respondent, 0)


def _choices(dates: list[tuple[date, ...]]) -> tuple[tuple[date, ...], bool]:
    """Dates that all rows of a respondent can mean; failing that, all that any can mean, and True."""
    common = set(dates[0]).intersection(*dates[1:])
    pool = common or {day for found in dates for day in found}
    # Most often the default reading of a row first, the earlier date on a tie: no dependence on the rows' order.
    defaults = [found[0] for found in dates]
    return tuple(sorted(pool, key=lambda day: (-defaults.count(day), day))), not common


def _settle(nodes: list[_Node]) -> list[Planned]:
    """nodes sorted by number -> their dates, in the same order."""
    anchors = [node for node in nodes if len(node.choices) == 1]
    in_order = max((total for totals in _totals(anchors) for total in totals), default=0)
    runs_in_time = bool(anchors) and in_order >= _IN_ORDER * _ANCHOR * len(anchors)
    # Without an order to go by all readings fit equally well.
    through = _totals(nodes) if runs_in_time else [(0,) * len(node.choices) for node in nodes]
    best = max((total for totals in through for total in totals), default=0)
    out = []
    for node, totals in zip(nodes, through, strict=True):
        ranked = sorted(zip(totals, node.choices, strict=True), key=lambda pair: -pair[0])  # stable: default first
        is_clear = len(ranked) == 1 or (ranked[0][0] == best and best - ranked[1][0] >= _MARGIN)
        out.append(Planned(ranked[0][1] if is_clear else node.choices[0], node.is_split or not is_clear))
    return out


def _totals(nodes: list[_Node]) -> list[tuple[int, ...]]:
    """For each choice of each node, the weight of the heaviest non-decreasing chain of dates that goes through it."""
    forward = _chains(nodes, sign=1)
    backward = _chains(nodes[::-1], sign=-1)[::-1]
    return [
        tuple(f + b - node.weight for f, b in zip(ahead, behind, strict=True))
        for node, ahead, behind in zip(nodes, forward, backward, strict=True)
    ]


def _chains(nodes: list[_Node], *, sign: int) -> list[tuple[int, ...]]:
    """Weight of the heaviest chain that ends in each choice; dates times `sign` never fall along a chain.

    O(n log n): `days` rises and `weights` rises with it, so the best chain that may go on is the last one whose
    final day is no later.
    """
    days: list[int] = []
    weights: list[int] = []
    out = []
    for node in nodes:
        ends = []
        for day in node.choices:
            at = bisect_right(days, sign * day.toordinal())
            ends.append((weights[at - 1] if at else 0) + node.weight)
        # Only now: a respondent has one date, so its choices must not follow each other in a chain.
        for day, weight in zip(node.choices, ends, strict=True):
            key = sign * day.toordinal()
            at = bisect_right(days, key)
            if at and weights[at - 1] >= weight:
                continue
            start = at - 1 if at and days[at - 1] == key else at
            stop = at
            while stop < len(days) and weights[stop] <= weight:
                stop += 1
            days[start:stop] = [key]
            weights[start:stop] = [weight]
        out.append(tuple(ends))
    return out
