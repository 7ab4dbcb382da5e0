"""Where a sentence turns: the clauses that can each be said in a tone of their own.

"The food was great, but the waiter was rude" is one sentence and two judgements. A clause starts at a word or mark
of contrast, and where a verb brings a subject of its own ("food great, service was slow").
"""

from itertools import pairwise
from typing import TYPE_CHECKING

from cx_nlp.spans.words import CONTRASTS

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_CLAUSAL = frozenset(("conj", "advcl", "ccomp", "parataxis"))
_SUBJECTS = frozenset(("nsubj", "nsubjpass", "csubj", "expl"))
_MARKS = frozenset((";", "--", "–", "—"))
_FEWEST = 2  # words: "but," alone is nobody's judgement


def clause_starts(doc: "Doc", start: int, end: int) -> list[int]:
    """Tokens at which the clauses of the sentence [start, end) start, `start` first; [] for an empty sentence."""
    if start == end:
        return []
    cuts = {start}
    for token in doc[start:end]:
        if token.text in _MARKS or token.norm_ in CONTRASTS:
            cuts.add(token.i)
        elif token.dep_ in _CLAUSAL and _has_subject(token):
            cuts.add(_border(token, start))
    borders = [*sorted(cut for cut in cuts if start <= cut < end), end]
    starts = [start]
    for cut, after in pairwise(borders[1:]):
        if _words(doc, starts[-1], cut) >= _FEWEST and _words(doc, cut, after) >= _FEWEST:
            starts.append(cut)
    return starts


def _has_subject(verb: "Token") -> bool:
    return any(child.dep_ in _SUBJECTS and child.i < verb.i for child in verb.children)


def _border(verb: "Token", start: int) -> int:
    """The token at which the clause of `verb` parts from the one it hangs on."""
    if verb.i < verb.head.i:  # it stands before: "Although it was late, …", "food was cold, staff were rude"
        return verb.right_edge.i + 1
    if verb.dep_ == "ccomp":
        return start  # "I found the price too high" is one judgement
    first = verb.left_edge.i
    while first - 1 > start and verb.doc[first - 1].dep_ in ("cc", "preconj"):
        first -= 1  # a conjunction hangs on the clause before
    return first


def _words(doc: "Doc", start: int, end: int) -> int:
    return sum(any(map(str.isalnum, doc[i].text)) for i in range(start, end))
