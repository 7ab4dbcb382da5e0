"""What is said of a mention, and whether it is denied, read off the dependency tree.

The opinion is one run of tokens. The kinds are tried from the most to the least telling: what is predicated of
the mention ("the wait was far too long"), adjectives on it ("rude staff"), a clause on it ("staff who ignored
us"), the verb that acts on it ("lost my parcel"), an adjective that governs it ("happy with the service").
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from cx_nlp.spans.words import (
    ABSENCES,
    AFTER_NOT,
    COPULAS,
    LIGHT_VERBS,
    NEG_RAISING,
    NEGATIVE_DETERMINERS,
    NEGATIVE_PREPOSITIONS,
    NEGATIVE_SUBJECTS,
    NEGATORS,
    POINTING,
)  # fmt: skip

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_ADJECTIVES = frozenset(("JJ", "JJR", "JJS", "VBN", "VBG", "RB", "RBR", "RBS"))
_SUBJECTS = frozenset(("nsubj", "nsubjpass", "csubj", "csubjpass"))
_COMPLEMENTS = frozenset(("acomp", "attr", "oprd"))
_ADVERBIAL = frozenset(("advmod", "neg", "npadvmod", "prt", "quantmod"))
_OPENING = frozenset(("DT", "PRP$", "PDT", "POS"))
# "Happy with", "complained about": what stands before them is said of what stands behind. "Went to" is not.
_ABOUT = frozenset(("with", "about", "by", "for", "of", "on", "over", "at"))
# Words that turn what follows into its opposite, two by two.
_TURNED = frozenset((("far", "from"), ("anything", "but"), ("by", "no")))
_FURTHEST = 4  # words between a verb and what belongs to its opinion
_LONGEST = 12  # words; what is longer is a list or a parse gone wrong
_DEEPEST = 5  # clauses climbed when looking for a negation

Range = tuple[int, int]


def opinion_on(head: "Token", start: int, end: int) -> Range | None:
    """The tokens [start, end) of the opinion on the mention headed by `head`; None if nothing is said of it."""
    for anchor, tokens in _kinds(head, range(start, end)):
        found = _run(anchor, tokens, start, end)
        if found is not None:
            return found
    return None


def _kinds(head: "Token", own: range) -> Iterator[tuple["Token", set[int]]]:
    """(most telling token, all tokens of the opinion), best first."""
    top = _first_conjunct(head)
    verb = top.head if top.dep_ in _SUBJECTS else None
    weak = None
    if head.tag_ not in ("NN", "NNS", "NNP", "NNPS", "VBG"):
        yield (
            head,
            _adjective(head) if head.tag_[0] != "V" else _verb(head),
        )  # an implicit mention bears its own opinion
    if verb is not None:
        anchor, tokens, strong = _predicate(verb)
        if strong:
            yield anchor, tokens
        weak = (anchor, tokens)
    parts = [child for child in head.lefts if child.dep_ in ("compound", "nmod")]
    for child in (*head.children, *(deeper for part in parts for deeper in part.lefts)):
        if child.dep_ == "amod" and child.i not in own and child.norm_ not in POINTING and child.tag_ in _ADJECTIVES:
            yield child, _adjective(child)
    for child in head.children:
        if child.dep_ == "relcl":
            anchor, tokens, strong = _predicate(child)
            if strong or child.norm_ not in LIGHT_VERBS:
                yield anchor, tokens
    if top.dep_ == "npadvmod" and top.head.tag_ in _ADJECTIVES:  # "waiting time too long"
        yield top.head, _adjective(top.head)
    if top.dep_ in ("dobj", "ccomp", "dative") and top.head.tag_.startswith("VB"):
        tokens = _verb(top.head)
        if len(tokens) > 1 or top.head.norm_ not in LIGHT_VERBS:
            yield top.head, tokens
    if top.dep_ == "pobj" and top.head.norm_ == "than":  # "cheaper than the hotel": said of the hotel, too
        governor = top.head.head
        if governor.tag_ in _ADJECTIVES and governor.i < top.head.i:
            yield governor, {i for i in _adjective(governor) if i <= top.head.i} | {top.head.i}
    if top.dep_ == "pobj" and top.head.norm_ in _ABOUT:
        governor = top.head.head
        if governor.tag_.startswith(("JJ", "VB")) and governor.norm_ not in COPULAS and top.head.i > governor.i:
            tokens = _verb(governor) if governor.tag_.startswith("VB") else _adjective(governor)
            if len(tokens) > 1 or governor.norm_ not in LIGHT_VERBS:
                yield governor, tokens
    if weak is not None and weak[0].norm_ not in LIGHT_VERBS:
        yield weak
    if verb is None and own.stop < len(head.doc):
        # "… and booking was easy": the parser gave the clause's subject to the clause before.
        after = head.doc[own.stop]
        if after.norm_ in COPULAS and not any(child.dep_ in _SUBJECTS for child in after.children):
            anchor, tokens, strong = _predicate(after)
            if strong:
                yield anchor, tokens


def _first_conjunct(token: "Token") -> "Token":
    """ "staff" for "nurses" in "staff and nurses were kind": conjuncts share what is said of the first."""
    while token.dep_ == "conj" and token.head.tag_.startswith("NN"):
        token = token.head
    return token


def _predicate(verb: "Token") -> tuple["Token", set[int], bool]:
    """(anchor, tokens, whether it tells something) of a clause."""
    for child in verb.rights:
        if child.dep_ in _COMPLEMENTS:
            tokens = _adjective(child) if not child.tag_.startswith("NN") else _noun(child)
            tokens |= {c.i for c in verb.children if c.dep_ == "neg" or (c.dep_ == "advmod" and c.i < child.i)}
            if verb.norm_ not in COPULAS:
                tokens.add(verb.i)
            return child, tokens, True
    tokens = _verb(verb)
    for child in verb.rights:
        if child.dep_ == "xcomp" and child.i - verb.i <= _FURTHEST:  # "failed to arrive"
            tokens |= {verb.i, *range(verb.i, child.i), *_verb(child)}
        elif child.dep_ == "dobj" and child.i - verb.i <= _FURTHEST and not child.tag_.startswith("W"):
            tokens |= set(range(child.left_edge.i, child.i + 1))
    return verb, tokens, len(tokens) > 1


def _adjective(adjective: "Token") -> set[int]:
    """The adjective with what grades, denies, joins or compares it: "far too long", "kind and helpful", "worse than before"."""
    tokens: set[int] = set()
    joined = [adjective]
    while joined and len(tokens) < _LONGEST:
        word = joined.pop()
        tokens.add(word.i)
        for child in word.children:
            if _grades(child, word):
                tokens |= set(range(child.left_edge.i, child.right_edge.i + 1))
            elif child.dep_ == "conj" and child.tag_ in _ADJECTIVES and not _turns(word):
                joined.append(child)
    return tokens


def _grades(child: "Token", word: "Token") -> bool:
    """An adverb or negation, before or right behind ("far too", "enough"), or what it is compared with."""
    if child.dep_ in _ADVERBIAL:
        return child.i < word.i or child.i == word.i + 1
    is_standard = child.left_edge.norm_ == "than" or (child.norm_ == "as" and child.dep_ == "prep")
    return is_standard and word.i < child.i and child.right_edge.i - word.i <= _FURTHEST


def _turns(token: "Token") -> bool:
    return any(child.dep_ == "cc" and child.norm_ == "but" for child in token.children)


def _verb(verb: "Token") -> set[int]:
    """The verb with its adverbs, particle and negation: "never arrived", "turned up late"."""
    tokens = {verb.i}
    for child in verb.children:
        if child.dep_ in _ADVERBIAL and abs(child.i - verb.i) <= _FURTHEST and child.tag_ != "WRB":
            tokens |= set(range(child.left_edge.i, child.right_edge.i + 1))
    return tokens


def _noun(noun: "Token") -> set[int]:
    """A noun said of the mention, with its adjectives: "complete nightmare"."""
    first = noun.left_edge.i
    while first < noun.i and noun.doc[first].tag_ in _OPENING:
        first += 1
    return set(range(first, noun.i + 1))


def _run(anchor: "Token", tokens: set[int], start: int, end: int) -> Range | None:
    """The longest run of `tokens` around the anchor, over commas and "and", up to the mention; None inside it."""
    doc = anchor.doc
    own = anchor.i if start <= anchor.i < end else None
    if own is not None and anchor.tag_.startswith("NN"):
        return None

    def inside(i: int) -> bool:
        return abs(i - anchor.i) < _LONGEST and i in tokens and (own is not None or not start <= i < end)

    def filler(i: int) -> bool:
        return 0 <= i < len(doc) and (doc[i].dep_ in ("cc", "punct", "aux", "auxpass") or doc[i].tag_ == "PRP")

    low = high = anchor.i
    while inside(low - 1) or (filler(low - 1) and inside(low - 2)):
        low -= 1 if inside(low - 1) else 2
    while inside(high + 1) or (filler(high + 1) and inside(high + 2)):
        high += 1 if inside(high + 1) else 2
    if low and not doc[low - 1].whitespace_ and doc[low].text.lower() in ("n't", "nt", "not"):
        low -= 1  # "wasn't", not "n't"
    while doc[high].is_punct and high > low:
        high -= 1
    while doc[low].is_punct and low < high:
        low += 1
    return low, high + 1


def is_negated(head: "Token", opinion: Range | None) -> bool:
    """True if the mention or its opinion stands under a negation: "no parking", "not helpful", "never arrived"."""
    if any(child.norm_ in NEGATIVE_DETERMINERS for child in head.lefts):
        return True
    if head.dep_ == "pobj":
        preposition = head.head
        if preposition.norm_ in NEGATIVE_PREPOSITIONS:
            return True
        if preposition.norm_ == "of" and preposition.head.norm_ in ABSENCES:
            return True
    if opinion is not None and _praises(head.doc, opinion):
        return False
    if opinion is not None and _is_turned(head.doc, opinion):
        return True
    top = _first_conjunct(head)
    governors = [top.head] if top.dep_ in _SUBJECTS or top.dep_ in ("dobj", "attr", "oprd", "dative") else []
    if opinion is not None:
        governors.append(head.doc[opinion[0] : opinion[1]].root)
        if any(_denies(head.doc[i]) for i in range(*opinion)):
            return True
    return any(_clause_negated(token, head) for token in governors)


def _praises(doc: "Doc", opinion: Range) -> bool:
    """ "Could not have been better" says that it was best."""
    start, end = opinion
    if not any(doc[i].tag_ in ("JJR", "RBR") for i in range(start, end)):
        return False
    before = [doc[i].norm_ for i in range(max(0, start - 5), end)]
    return any(word in ("could", "can") for word in before) and any(word in NEGATORS for word in before)


def _is_turned(doc: "Doc", opinion: Range) -> bool:
    """ "Far from helpful", "anything but quick"."""
    words = [token.norm_ for token in doc[max(0, opinion[0] - 2) : opinion[1] + 1]]
    return any(pair in _TURNED for pair in pairwise(words))


def _denies(token: "Token") -> bool:
    if token.norm_ not in NEGATORS or token.dep_ not in ("neg", "advmod", "det", "preconj", "cc"):
        return False
    following = token.i + 1
    return following >= len(token.doc) or token.doc[following].norm_ not in AFTER_NOT


def _clause_negated(token: "Token", head: "Token") -> bool:
    """Whether the token or a clause that carries it ("I don't think …", "did not seem …") is denied."""
    for _ in range(_DEEPEST):
        for child in token.children:
            if child.i != head.i and _denies(child) and child.dep_ != "det":
                return True
            if child.dep_ in ("nsubj", "nsubjpass") and child.i != head.i and _is_nobody(child):
                return True
        above = token.head
        if token.dep_ in ("acomp", "attr", "oprd", "xcomp") or (token.dep_ == "ccomp" and above.norm_ in NEG_RAISING):
            token = above
        else:
            return False
    return False


def _is_nobody(subject: "Token") -> bool:
    return subject.norm_ in NEGATIVE_SUBJECTS or any(c.norm_ in NEGATIVE_DETERMINERS for c in subject.lefts)
