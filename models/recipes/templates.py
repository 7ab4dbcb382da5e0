"""Behaviour tests as templates: read from YAML, checked, and filled into cases.

A template is a sentence with slots in braces; `{thing2}` is another value of the list `thing`. One rule of the file for
each kind of test (Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList"):

MFT   minimum functionality: a template is one text, `expectation` the list of labels it may get; on `task: aspect` a
      mapping from a slot to the labels that its words may get
INV   invariance: `expectation: same`; a template is a pair [before, after], or one text that `changes` are applied to
DIR   direction: `expectation: up` or `down`, where the score may go from before to after; a template is a pair
"""

import itertools
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.labels import SENTIMENTS
from models.recipes.noise import swap_letters

Label = Literal[*SENTIMENTS]
Span = tuple[int, int]

# In this order: the irregular ones first.
_CONTRACTIONS = {
    "can't": "cannot", "won't": "will not", "n't": " not", "'ve": " have", "'re": " are", "'ll": " will", "I'm": "I am",
}  # fmt: skip
_SENTENCE_START = re.compile(r"(?:^|[.!?] )[a-z]")


def expand_contractions(text: str, rng: np.random.Generator) -> str:
    """ "wasn't" -> "was not", all of them"""
    for short, long in _CONTRACTIONS.items():
        text = text.replace(short, long)
    return text


def _handle(text: str, rng: np.random.Generator) -> str:
    return f"@{rng.choice(['helpdesk', 'supportteam', 'customercare', 'askus'])}{rng.integers(10, 99)} {text}"


def _link(text: str, rng: np.random.Generator) -> str:
    return f"{text} https://example.com/{rng.integers(10**5, 10**6)}"


CHANGES: dict[str, Callable[[str, np.random.Generator], str]] = {
    "swap_letters": swap_letters,
    "expand_contractions": expand_contractions,
    "add_handle": _handle,
    "add_link": _link,
    "drop_punctuation": lambda text, rng: re.sub(r"[.,;:!](?=\s|$)", "", text),
    "trailing_dots": lambda text, rng: text.rstrip(".!") + "...",
    "double_spaces": lambda text, rng: text.replace(" ", "  ") + "\n",
    "lower_case": lambda text, rng: text.lower(),
    "upper_case": lambda text, rng: text.upper(),
}


class BehaviourTest(BaseModel):
    """One test of the file. Raises ValueError (or UnknownName) for what the rules above do not allow."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: str = Field(pattern="^[a-z0-9_]+$")
    capability: str
    type: Literal["MFT", "INV", "DIR"]
    task: Literal["sentiment", "aspect"] = "sentiment"
    expectation: list[Label] | Literal["same", "up", "down"] | dict[str, list[Label]]
    templates: list[str | list[str]] = Field(min_length=1)
    slots: dict[str, list[str]] = Field(default_factory=dict)
    changes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _rules(self) -> "BehaviourTest":
        wanted = {
            "MFT": dict if self.task == "aspect" else list,
            "INV": ("same",),
            "DIR": ("up", "down"),
        }[self.type]
        fits = isinstance(self.expectation, wanted) if isinstance(wanted, type) else self.expectation in wanted
        if not fits or not self.expectation:
            raise ValueError(f"a {self.type} on {self.task} cannot expect {self.expectation!r}")
        if self.task == "aspect" and self.type != "MFT":
            raise ValueError(f"on aspects only MFT is known, got {self.type}")
        if self.changes and self.type != "INV":
            raise ValueError(f"changes belong to INV, got {self.type}")
        for change in self.changes:
            if change not in CHANGES:
                raise UnknownName("change", change, CHANGES)
        for template in self.templates:
            parts = 1 if isinstance(template, str) else len(template)
            if parts != (1 if self.type == "MFT" or self.changes else 2):
                raise ValueError(f"a template has {parts} texts: {template!r}")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    slots: dict[str, list[str]] = Field(default_factory=dict)
    tests: list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One filled template: `after` is the changed text of INV and DIR, `allowed` the labels of MFT, `span` an aspect's."""

    before: str
    after: str | None = None
    allowed: tuple[str, ...] = ()
    span: Span | None = None


def load_tests(path: Path) -> list[BehaviourTest]:
    """Read the tests of a YAML file, each with the slots that it uses, in the file's order.

    Raises UsageError (or UnknownName) with one line that names the file and the test.
    """
    raw = read_yaml(path)
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        raise explain(error, _File, str(path)) from None
    tests: list[BehaviourTest] = []
    for number, item in enumerate(file.tests, start=1):
        where = f"{path}: test {item.get('name', number)!r}"
        try:
            test = BehaviourTest.model_validate(item)
        except ValidationError as error:
            raise explain(error, BehaviourTest, where) from None
        except UnknownName as error:
            raise UnknownName(*error.args[:3], where) from None
        if test.name in {other.name for other in tests}:
            raise UsageError(f"{where}: this name is given twice")
        tests.append(test.model_copy(update={"slots": _used_slots(test, file.slots, where)}))
    unused = set(file.slots) - {name for test in tests for name in test.slots}
    if unused:
        raise UsageError(f"{path}: no test uses the slots {', '.join(sorted(unused))}")
    return tests


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises UsageError with one line."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise UsageError(f"{path}: expected a mapping")
    return raw


def explain(error: ValidationError, model: type[BaseModel], where: str) -> UsageError:
    """One line about the first thing that is wrong, a misspelt key before the missing one that it leaves."""
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    if first["type"] == "extra_forbidden":
        return UnknownName("key", str(first["loc"][-1]), model.model_fields, where)
    place = ".".join(str(part) for part in first["loc"])
    return UsageError(f"{where}: {place}{': ' if place else ''}{first['msg'].removeprefix('Value error, ')}")


def _used_slots(test: BehaviourTest, shared: dict[str, list[str]], where: str) -> dict[str, list[str]]:
    known = shared | test.slots
    texts = [text for template in test.templates for text in ([template] if isinstance(template, str) else template)]
    names = {name for text in texts for name in _names(text, where)}
    if isinstance(test.expectation, dict):
        # Every template: each gives a case for each slot that something is expected of.
        for text in texts:
            if missing := set(test.expectation) - set(_names(text, where)):
                raise UnknownName("slot", min(missing), names, f"{where}: {text!r}")
    lists = {_list_of(name) for name in names}
    for name in sorted(lists - set(known)):
        raise UnknownName("slot", name, known, where)
    for name in sorted(set(test.slots) - lists):
        raise UsageError(f"{where}: slot {name!r} is in no template")
    for name in sorted(lists):
        values, needed = known[name], 1 + (f"{name}2" in names)
        if len(set(values)) != len(values) or len(values) < needed:
            raise UsageError(f"{where}: slot {name!r} needs {needed} or more different values, got {len(set(values))}")
    return {name: known[name] for name in sorted(lists)}


def _names(template: str, where: str) -> list[str]:
    try:
        return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise UsageError(f"{where}: {error}: {template!r}") from None


def _list_of(name: str) -> str:
    return name.removesuffix("2")


def cases(test: BehaviourTest, *, n: int, rng: np.random.Generator) -> list[Case]:
    """Draw n fillings, evenly over the templates and each at most once (fewer where the slots give no more).

    A case that its change leaves as it is, or whose text came before, is left out. An aspect test gives one case for
    each of the slots that it expects something of.
    """
    out: dict[Case, None] = {}
    shares = np.full(len(test.templates), n // len(test.templates))
    shares[: n % len(test.templates)] += 1
    for template, share in zip(test.templates, shares, strict=True):
        parts = [template] if isinstance(template, str) else template
        for values in _fillings(parts, test.slots, int(share), rng):
            texts = [_fill(part, values) for part in parts]
            if test.changes:
                texts.append((CHANGES[str(rng.choice(test.changes))](texts[0][0], rng), {}))
            (before, spans), after = texts[0], texts[1][0] if len(texts) > 1 else None
            if isinstance(test.expectation, dict):
                made = [Case(before, None, tuple(ok), spans[slot]) for slot, ok in test.expectation.items()]
            else:
                made = [Case(before, after, tuple(test.expectation) if test.type == "MFT" else ())]
            out |= dict.fromkeys(case for case in made if case.before != case.after)
    return list(out)


def _fillings(
    parts: Sequence[str], slots: dict[str, list[str]], n: int, rng: np.random.Generator
) -> list[dict[str, str]]:
    # A second value of a list is drawn from the others of the list: its index steps over the first's.
    names = sorted({name for part in parts for name in _names(part, part)})
    sizes = [len(slots[_list_of(name)]) - (name not in slots) for name in names]
    total = int(np.prod(sizes, dtype=np.int64))
    drawn = rng.choice(total, size=min(n, total), replace=False)
    out = []
    for place in np.transpose(np.unravel_index(drawn, sizes)) if sizes else [()]:
        index = dict(zip(names, map(int, place), strict=True))
        for name in names:
            if name not in slots and index[name] >= index.get(_list_of(name), len(slots[_list_of(name)])):
                index[name] += 1
        out.append({name: slots[_list_of(name)][i] for name, i in index.items()})
    return out


def _fill(template: str, values: dict[str, str]) -> tuple[str, dict[str, Span]]:
    """-> the text, each sentence with a capital, and where each slot's words stand without their article."""
    text, spans = "", {}
    for literal, name, _, _ in string.Formatter().parse(template):
        text += literal
        if name is not None:
            value = values[name]
            bare = re.sub(r"^(?:the|a|an|my|our|their) ", "", value)
            spans[name] = (len(text) + len(value) - len(bare), len(text) + len(value))
            text += value
    return _SENTENCE_START.sub(lambda found: found[0].upper(), text), spans


def texts_of(drawn: Sequence[Case]) -> list[str]:
    """Each text of the cases once, in order."""
    pairs = ((case.before, case.after) for case in drawn)
    return list(dict.fromkeys(text for text in itertools.chain.from_iterable(pairs) if text is not None))
