"""Planted facts: what is true in the population that a sample is drawn from, stated so that it can be looked for.

A fact has an id, a kind, a measure, a scope, a window where it has one, and its value in the population. What each
kind's value means, and how facts on the same measure combine, is written at the head of `configs/sample/facts.yaml`.
"""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.sample import world
from cx_nlp.sample.phrases import theme_names
from cx_nlp.schema import ROLES
from cx_nlp.strict import Strict

RATINGS = ("nps", "csat", "ces", "rating")
_EMOTIONS = tuple(f"emotion_{name}" for name in (*world.NEGATIVE_EMOTIONS, *world.POSITIVE_EMOTIONS))
Share = Annotated[float, Field(ge=0, le=1)]


class Scope(Strict):
    """Where a fact holds; what is not named is not restricted."""

    source: str | None = None
    channel: str | None = None
    touchpoint: str | None = None
    theme: str | None = None
    segment: str | None = None
    respondent_role: str | None = None
    nps_group: str | None = None

    @model_validator(mode="after")
    def _known(self) -> "Scope":
        known = {
            "source": world.SOURCES, "channel": (*world.CHANNELS, "app review", "staff app"),
            "touchpoint": world.TOUCHPOINTS, "theme": theme_names(), "segment": world.SEGMENTS,
            "respondent_role": ROLES, "nps_group": world.GROUPS,
        }  # fmt: skip
        for key, names in known.items():
            got = getattr(self, key)
            if got is not None and got not in names:
                raise UnknownName(f"{key} in a scope", got, names)
        return self

    def given(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True)


class Window(Strict):
    """First and last day, both included: dates, or day numbers from 0. Without `to` it runs to the end."""

    first: dt.date | int = Field(alias="from")
    last: dt.date | int | None = Field(None, alias="to")

    def span(self, start: dt.date, days: int) -> tuple[int, int]:
        """Day numbers of a period of `days` days from `start`. Raises UsageError if they lie outside of it."""
        first, last = (
            (day - start).days if isinstance(day, dt.date) else day
            for day in (self.first, days - 1 if self.last is None else self.last)
        )
        if not 0 <= first <= last < days:
            end = start + dt.timedelta(days - 1)
            raise UsageError(
                f"window {self.first} to {'the end' if self.last is None else self.last} is not within the "
                f"{days} days {start} to {end}"
            )
        return first, last


class _Fact(Strict):
    # What each kind may say; a scope key in `NEEDS` must be given, one in `MAY` can be.
    MEASURES: ClassVar[tuple[str, ...]] = RATINGS
    NEEDS: ClassVar[tuple[str, ...]] = ()
    MAY: ClassVar[tuple[str, ...]] = ("source", "respondent_role")
    WINDOW: ClassVar[Literal["none", "from", "both"]] = "none"

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    says: str = Field(description="one sentence for people")
    measure: str
    scope: Scope = Scope()
    window: Window | None = None
    value: float = Field(description="in the population")

    @model_validator(mode="after")
    def _fits(self) -> "_Fact":
        if self.measure not in self.MEASURES:
            raise UnknownName(f"measure of fact {self.id!r}", self.measure, self.MEASURES)
        given = self.scope.given()
        for key in self.NEEDS:
            if key not in given:
                raise ValueError(f"fact {self.id!r} needs scope.{key}")
        for key in given:
            if key not in (*self.NEEDS, *self.MAY):
                raise UnknownName(f"scope key of fact {self.id!r}", key, (*self.NEEDS, *self.MAY))
        fixed = {"respondent_role": "customer"} | (
            {"source": world.ASKED_BY[self.measure]} if self.measure in RATINGS else {}
        )
        for key, only in fixed.items():
            if given.get(key, only) != only:
                raise ValueError(f"fact {self.id!r}: scope.{key} can only be {only!r} here, got {given[key]!r}")
        if "source" in given and "source" not in fixed:
            raise ValueError(
                f"fact {self.id!r}: themes and emotions are planted in all customers' comments, not by source"
            )
        if (self.WINDOW == "none") != (self.window is None):
            raise ValueError(f"fact {self.id!r} {'has no' if self.WINDOW == 'none' else 'needs a'} window")
        if self.window and (self.WINDOW == "from") != (self.window.last is None):
            raise ValueError(f"fact {self.id!r}: window.to is {'given' if self.WINDOW == 'from' else 'missing'}")
        return self

    def span(self, start: dt.date, days: int) -> tuple[int, int]:
        """First and last day number of the window. Raises UsageError that names the fact."""
        assert self.window is not None
        try:
            return self.window.span(start, days)
        except UsageError as error:
            raise UsageError(f"fact {self.id!r}: {error}") from None


class Level(_Fact):
    kind: Literal["level"]
    MAY = ("source", "respondent_role", "touchpoint")


class Change(_Fact):
    kind: Literal["change"]
    MEASURES = (*RATINGS, "theme_share", "responses")
    MAY = ("source", "respondent_role", "touchpoint", "theme")
    WINDOW = "both"
    baseline: Share | None = Field(None, description="theme_share: outside the window")

    @model_validator(mode="after")
    def _theme(self) -> "Change":
        is_theme = self.measure == "theme_share"
        if is_theme != (self.scope.theme is not None) or is_theme != (self.baseline is not None):
            raise ValueError(
                f"fact {self.id!r}: scope.theme and baseline belong to the measure theme_share, and only to it"
            )
        return self


class Contrast(_Fact):
    kind: Literal["contrast"]
    NEEDS = ("segment",)


class Commenters(_Fact):
    kind: Literal["commenters"]


class Driver(_Fact):
    kind: Literal["driver"]
    NEEDS = ("theme",)
    share: Share = Field(description="of the comments name the theme")


class Decoy(Driver):
    kind: Literal["decoy"]  # type: ignore[assignment]
    value: Literal[0] = 0  # type: ignore[assignment]


class NewTheme(_Fact):
    kind: Literal["new_theme"]
    MEASURES = ("theme_share",)
    NEEDS = ("theme",)
    WINDOW = "from"


class MarksGroup(_Fact):
    kind: Literal["marks_group"]
    MEASURES = ("theme_share",)
    NEEDS = ("theme", "nps_group")
    baseline: Share = Field(description="in the other groups")


class EmployeesFirst(_Fact):
    kind: Literal["employees_first"]
    MEASURES = ("lead_days",)
    NEEDS = ("theme",)
    MAY = ()
    WINDOW = "from"
    share_employees: Share
    share_customers: Share


class Action(_Fact):
    kind: Literal["action"]
    MEASURES = ("theme_share",)
    NEEDS = ("theme", "touchpoint")
    WINDOW = "from"
    action: str
    baseline: Share = Field(description="before the action")


class Emotion(_Fact):
    kind: Literal["emotion"]
    MEASURES = _EMOTIONS
    NEEDS = ("nps_group",)
    baseline: Share = Field(description="in the other groups")


class Tone(_Fact):
    kind: Literal["tone"]
    MEASURES = ("negative",)
    shares: dict[str, tuple[Share, Share, Share, Share]] = Field(
        description="nps_group: negative, mixed, neutral, positive"
    )

    @model_validator(mode="after")
    def _whole(self) -> "Tone":
        if sorted(self.shares) != sorted(world.GROUPS):
            raise ValueError(
                f"fact {self.id!r}: shares are for {', '.join(world.GROUPS)}, got {', '.join(self.shares)}"
            )
        for group, shares in self.shares.items():
            if abs(sum(shares) - 1) > 1e-9:
                raise ValueError(f"fact {self.id!r}: shares of {group} add up to {sum(shares):g}, expected 1")
        implied = self.shares["detractor"][0] - self.shares["promoter"][0]
        if abs(implied - self.value) > 1e-9:
            raise ValueError(f"fact {self.id!r}: value is {self.value:g}, but its shares give {implied:g}")
        return self


class BeliefGap(_Fact):
    kind: Literal["belief_gap"]
    MEASURES = ("csat_top_box", "nps")
    statement: str
    believed: float
    n_leaders: int = Field(ge=1)


Fact = (
    Level | Change | Contrast | Commenters | Driver | Decoy | NewTheme | MarksGroup | EmployeesFirst | Action | Emotion
    | Tone | BeliefGap
)  # fmt: skip
KINDS: dict[str, type[_Fact]] = {model.model_fields["kind"].annotation.__args__[0]: model for model in Fact.__args__}
_ONE: TypeAdapter = TypeAdapter(Annotated[Fact, Field(discriminator="kind")])


def parse_facts(items: Iterable[dict[str, Any]], *, where: str = "facts") -> list[Fact]:
    """Plain mappings -> checked facts, in their order; none gives an empty list.

    Raises UsageError, or UnknownName with the nearest valid neighbour, that names the fact.
    """
    facts: list[Fact] = []
    for number, item in enumerate(items, start=1):
        name = f"{where}: fact {item.get('id', number)!r}" if isinstance(item, dict) else f"{where}: fact {number}"
        if not isinstance(item, dict):
            raise UsageError(f"{name}: expected a mapping, got {type(item).__name__}")
        if item.get("kind") not in KINDS:
            raise UnknownName("kind", str(item.get("kind")), KINDS, where=name)
        try:
            fact = _ONE.validate_python(item)
        except ValidationError as error:
            raise _explain(error, KINDS[item["kind"]], name) from None
        except UnknownName as error:
            what, got, known, _ = error.args
            raise UnknownName(what, got, known, where=name) from None
        if fact.id in {other.id for other in facts}:
            raise UsageError(f"{name}: this id is given twice")
        facts.append(fact)
    return facts


def load_facts(path: Path) -> list[Fact]:
    """Read `facts: [...]` from a YAML file. Raises UsageError with one line."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"facts not found: {path}") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict) or list(raw) != ["facts"] or not isinstance(raw["facts"], list):
        raise UsageError(f"{path}: expected one key, facts, with a list")
    return parse_facts(raw["facts"], where=str(path))


def _explain(error: ValidationError, model: type[_Fact], name: str) -> UsageError:
    first = error.errors()[0]
    path = first["loc"][1:]  # after the kind
    where = ".".join(map(str, path))
    if first["type"] == "extra_forbidden":
        nested: dict[str, type[BaseModel]] = {"scope": Scope, "window": Window}
        fields = nested.get(str(path[0]) if len(path) > 1 else "", model).model_fields
        return UnknownName("key", str(path[-1]), [field.alias or key for key, field in fields.items()], where=name)
    return UsageError(f"{name}: {where}{': ' if where else ''}{first['msg'].removeprefix('Value error, ')}")
