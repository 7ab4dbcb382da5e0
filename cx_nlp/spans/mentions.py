"""Mentions in a parsed Doc: noun phrases cut down to the thing they name.

"The very helpful call handler" is the mention "call handler" with the opinion "very helpful": what is judged and
the judgement are kept apart, so that mentions of one thing are equal strings and themes can be counted.
Only `tag`, `dep` and heads are read, so a Doc built by hand will do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cx_nlp.clean import PLACEHOLDERS
from cx_nlp.spans.names import FIRST_NAMES
from cx_nlp.spans.opinions import is_negated, opinion_on
from cx_nlp.spans.words import CLASSIFYING, PEOPLE, ROLES, TIME, TITLES, VAGUE, words

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

# Kinds of mention: labels of spans.
NOUN_PHRASE, VERB_PHRASE, PATTERN = "NP", "VP", "PATTERN"
_NOUNS = frozenset(("NN", "NNS", "NNP", "NNPS"))
_GERUND_DEPS = frozenset(("nsubj", "nsubjpass", "csubj", "csubjpass"))  # "Parking is a nightmare"
_NAMING = frozenset(("compound", "nmod", "poss"))
_NAME_TAGS = words("VBG FW RP")
_OUTER = words("det predet amod compound nmod poss nummod quantmod advmod neg punct case")
_SUBJECTS = frozenset(("nsubj", "nsubjpass"))
_MOST_WORDS = 6  # a longer run of nouns is a list without commas, or noise
_APART = TIME | PEOPLE | FIRST_NAMES
_CODE = re.compile(r"[<>{}|=\\;:\"\[\]()]")  # no word of a language holds these
_LONGEST_WORD = 40
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))


@dataclass(frozen=True, slots=True, order=True)
class Located:
    """A mention in code points, [start, end); opinion likewise, None for none."""

    start: int
    end: int
    opinion: tuple[int, int] | None
    is_negated: bool
    kind: str = NOUN_PHRASE

    def shifted(self, by: int) -> "Located":
        opinion = self.opinion and (self.opinion[0] + by, self.opinion[1] + by)
        return Located(self.start + by, self.end + by, opinion, self.is_negated, self.kind)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A mention in tokens, [start, end), its whole phrase [left, end) and the words that bear on it."""

    left: int
    start: int
    end: int
    opinion: tuple[int, int] | None
    is_negated: bool
    kind: str = NOUN_PHRASE

    def located(self, doc: "Doc") -> Located:
        opinion = self.opinion and (doc[self.opinion[0]].idx, _end_char(doc, self.opinion[1]))
        return Located(doc[self.start].idx, _end_char(doc, self.end), opinion, self.is_negated, self.kind)


def _end_char(doc: "Doc", end: int) -> int:
    """End of the tokens before `end`, without a full stop that the tokenizer left on a word ("A&E.")."""
    last = doc[end - 1]
    return last.idx + len(last) - (last.text.endswith(".") and last.text.count(".") == 1 and len(last) > 1)


def phrase_at(doc: "Doc", start: int, end: int) -> Phrase:
    """The tokens [start, end) as a mention, whatever they are: what a taxonomy found outside noun phrases."""
    head = doc[start:end].root
    opinion = bearing(head, start, end)
    return Phrase(start, start, end, opinion, is_negated(head, opinion), PATTERN)


def bearing(head: "Token", start: int, end: int) -> tuple[int, int] | None:
    """The opinion on the mention [start, end) that is not a noun: "took ages" bears its own, as a whole."""
    opinion = opinion_on(head, start, end)
    inside = opinion is not None and start <= opinion[0] and opinion[1] <= end
    return (start, end) if inside else opinion


def noun_phrases(doc: "Doc") -> list[Phrase]:
    """The mentions of a Doc in order; [] if it has none.

    Left out: pronouns, bare dates and numbers, placeholders, vague nouns and people of one's own ("my wife"),
    names of persons, and a noun said of another mention ("the food was a disgrace" is an opinion on the food).
    """
    blocked = _blocked(doc)
    found = []
    for head, left, start in _candidates(doc, blocked):
        end = head.i + 1
        while start < end and not _is_wordy(doc[start]):
            start += 1
        while start < end and not _is_wordy(doc[end - 1]):
            end -= 1
        if start == end:
            continue
        if doc[start].norm_.rstrip(".") in ROLES and all(token.tag_ == "NNP" for token in doc[start + 1 : end]):
            end = start + 1  # "Dr Jane Smith" is spoken of as a doctor
        end = _before_name(doc, left, start, end)
        if start == end:
            continue
        if not _is_named(doc[start:end]):
            continue
        opinion = opinion_on(head, start, end)
        found.append((head, Phrase(left, start, end, opinion, is_negated(head, opinion))))
    heads = {head.i for head, _ in found}
    return [phrase for head, phrase in found if not _is_said_of_another(head, phrase, heads)]


def _blocked(doc: "Doc") -> frozenset[int]:
    """Tokens that touch a placeholder such as [NAME]."""
    if "[" not in doc.text:
        return frozenset()
    spans = (doc.char_span(*match.span(), alignment_mode="expand") for match in _PLACEHOLDER.finditer(doc.text))
    return frozenset(token.i for span in spans for token in span or ())


def _candidates(doc: "Doc", blocked: frozenset[int]) -> Iterator[tuple["Token", int, int]]:
    """(head, first token of the noun phrase, first token of the mention)"""
    for token in doc:
        if token.i in blocked:
            continue
        if token.tag_ in _NOUNS:
            if _is_part(token) and not blocked & set(range(token.i, token.head.i + 1)):
                continue
        elif token.tag_ != "VBG" or token.dep_ not in _GERUND_DEPS or any(c.dep_ == "dobj" for c in token.children):
            continue
        left, start = _borders(token, blocked)
        yield token, left, start


def _is_naming(token: "Token") -> bool:
    """True for a noun that may be part of the name of another."""
    return token.tag_ in _NOUNS and (token.dep_ in _NAMING or token.dep_ == "amod")


def _is_part(token: "Token") -> bool:
    """True for a noun that is part of the longer name behind it."""
    return _is_naming(token) and token.i < token.head.i and token.head.tag_ in _NOUNS and _is_plain(token)


def _is_plain(noun: "Token") -> bool:
    """False for a noun before another that is joined to something by "and" or a comma."""
    return not any(child.dep_ in ("cc", "conj", "punct") and child.tag_ != "HYPH" for child in noun.children)


def _borders(head: "Token", blocked: frozenset[int]) -> tuple[int, int]:
    """First token of the whole phrase, and of the part of it that is the name of the thing."""
    left = start = head.i
    is_name = True
    for child in reversed(list(head.lefts)):
        edge = child.left_edge.i
        if child.dep_ not in _OUTER or child.right_edge.i != left - 1 or any(i in blocked for i in range(edge, left)):
            break
        if _is_naming(child) and not _is_plain(child):
            break
        left = edge
        if is_name:
            inner, is_name = _name_start(child)
            start = start if inner is None else inner
    return left, max(start, head.i - _MOST_WORDS + 1)


def _name_start(child: "Token", depth: int = 0) -> tuple[int | None, bool]:
    """(where the name starts if this child is a part of it, whether what stands before it can be too).

    Parts of a name: nouns before it, owners that are nouns, classifying adjectives.
    """
    if child.dep_ == "punct" and child.tag_ == "HYPH" and not child.whitespace_:
        return None, True
    if (_is_naming(child) or (child.dep_ in _NAMING and child.tag_ in _NAME_TAGS)) and child.norm_ not in _APART:
        start = child.i
        if depth == _MOST_WORDS:
            return start, False
        for deeper in reversed(list(child.lefts)):
            inner, goes_on = _name_start(deeper, depth + 1)
            start = start if inner is None else inner
            if not goes_on:
                return start, False
        return start, True
    if child.dep_ == "amod":
        hyphenated = any(c.tag_ == "HYPH" for c in child.children)
        if child.norm_ in CLASSIFYING or hyphenated:
            return child.left_edge.i if hyphenated else child.i, True
    return None, False


def _before_name(doc: "Doc", left: int, start: int, end: int) -> int:
    """`end`, or where the name of a person starts that the mention ends with ("consultant Sarah Jones"); at least `start`."""
    for i in range(left, end):
        if doc[i].norm_ in FIRST_NAMES and all(token.tag_ == "NNP" for token in doc[i + 1 : end]):
            return max(i, start)
    return end


def _is_wordy(token: "Token") -> bool:
    return any(map(str.isalpha, token.text))


def _is_named(span) -> bool:
    """False for dates, numbers, vague nouns, a title with a name, and what holds no word at all."""
    if any(len(token) > _LONGEST_WORD or _CODE.search(token.text) for token in span):
        return False
    words = [token.norm_ for token in span if _is_wordy(token)]
    content = [word for word in words if word not in TIME and not word[0].isdigit()]
    if not content or all(len(word) < 2 for word in content):
        return False
    if span[0].norm_.rstrip(".") in TITLES and all(token.tag_ == "NNP" for token in span[1:]):
        return False
    return any(
        word not in VAGUE and word not in PEOPLE and word not in ("'s", "last", "next", "first") for word in content
    )


def _is_said_of_another(head: "Token", phrase: Phrase, heads: set[int]) -> bool:
    if head.dep_ != "attr":
        return False
    subjects = [child for child in head.head.children if child.dep_ in _SUBJECTS]
    definite = any(child.dep_ in ("det", "poss") and child.norm_ not in ("a", "an") for child in head.lefts)
    return not definite and any(subject.i in heads for subject in subjects)
