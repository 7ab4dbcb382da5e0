"""Mentions that are no nouns: what was done, where no noun says it ("they hung up on me", "I was ignored").

A verb is a mention where it is the only word for what happened: no mention is its subject, its object or what it
speaks of, and no mention has it as its opinion. What says nothing by itself ("went", "was told") and how a speaker
feels ("love", "would recommend") is none.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cx_nlp.spans.mentions import VERB_PHRASE, Phrase, bearing
from cx_nlp.spans.opinions import is_negated
from cx_nlp.spans.words import EVERYDAY, LIGHT_VERBS, STANCES, TIME

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_CLAUSES = frozenset(("ROOT", "conj", "ccomp", "xcomp", "pcomp", "relcl"))
_OF_THE_VERB = frozenset(("nsubj", "nsubjpass", "csubj", "dobj", "dative", "agent", "prep", "oprd", "attr"))
_TAKING = frozenset(("take", "takes", "took", "taken", "taking", "wait", "waits", "waited", "waiting"))
# With a particle they still tell nothing: "ended up", "going on".
_IDLE = frozenset(("end", "ends", "ended", "ending", "go", "goes", "going", "went", "come", "came", "sit", "sat"))
_FURTHEST = 4  # words from the verb to the end of "took almost two whole hours"
_FEWEST_LETTERS = 3


def verb_phrases(doc: "Doc", nouns: Sequence[Phrase]) -> list[Phrase]:
    """The verb mentions of a Doc in order, beside the noun phrases found in it; [] if it has none."""
    named = {i for phrase in nouns for i in range(phrase.left, phrase.end)}
    said = {i for phrase in nouns for i in range(*(phrase.opinion or (0, 0)))}
    found = []
    for verb in doc:
        if verb.tag_[:2] != "VB" or verb.i in named or verb.i in said or verb.dep_ not in _CLAUSES:
            continue
        end = _end(verb)
        if not _is_telling(verb) and (end == verb.i + 1 or verb.norm_ in _IDLE):
            continue
        if any(i in named for i in range(verb.i, end)) or _speaks_of(verb, named):
            continue
        opinion = bearing(verb, verb.i, end)
        found.append(Phrase(verb.i, verb.i, end, opinion, is_negated(verb, opinion), VERB_PHRASE))
    return found


def _is_telling(verb: "Token") -> bool:
    word = verb.norm_
    if word in LIGHT_VERBS or word in STANCES or len(word) < _FEWEST_LETTERS or not word.isalpha():
        return False
    if word in EVERYDAY:
        return any(child.dep_ == "neg" for child in verb.children)
    # "Will be recommending", "looking forward": a bare participle is mostly half of another word.
    return verb.tag_ != "VBG" or any(child.dep_ in ("aux", "neg", "nsubj", "dobj") for child in verb.children)


def _end(verb: "Token") -> int:
    """The token after the verb with its particle ("hung up") or the time that it took ("took almost an hour")."""
    end = verb.i + 1
    for child in verb.rights:
        near = child.right_edge.i - verb.i
        if child.dep_ == "prt" and near == 1:
            end = child.i + 1
        elif verb.norm_ in _TAKING and near <= _FURTHEST and child.left_edge.i == end and _is_time(child):
            end = child.right_edge.i + 1
    return end


def _is_time(token: "Token") -> bool:
    return token.norm_ in TIME or token.norm_ in ("forever", "ages", "long", "longer")


def _speaks_of(verb: "Token", named: set[int]) -> bool:
    """Whether a mention is the verb's subject, object or the object of its preposition."""
    for child in verb.children:
        if child.dep_ not in _OF_THE_VERB:
            continue
        if child.i in named or any(deeper.i in named for deeper in child.children):
            return True
    return verb.dep_ == "relcl" and verb.head.i in named
