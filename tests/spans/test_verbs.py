"""Mentions that are no nouns, on trees built by hand."""

import pytest

from cx_nlp.spans.mentions import noun_phrases
from cx_nlp.spans.verbs import verb_phrases
from tests.spans.trees import tree


def said(text: str) -> list[tuple[str, str | None, bool]]:
    """[(mention, opinion, is negated)]"""
    doc = tree(text)
    return [
        (doc[p.start : p.end].text, p.opinion and doc[slice(*p.opinion)].text, p.is_negated)
        for p in verb_phrases(doc, noun_phrases(doc))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They/PRP/nsubj/2 hung/VBD/ROOT/2 up/RP/prt/2", ("hung up", "hung up", False)),
        ("I/PRP/nsubjpass/4 was/VBD/auxpass/4 completely/RB/advmod/4 ignored/VBN/ROOT/4",
         ("ignored", "completely ignored", False)),
        ("It/PRP/nsubj/4 does/VBZ/aux/4 n't/RB/neg/4 work/VB/ROOT/4", ("work", "doesn't work", True)),
        ("She/PRP/nsubj/3 never/RB/neg/3 called/VBD/ROOT/3 me/PRP/dobj/3", None),  # everybody calls
        ("It/PRP/nsubj/2 took/VBD/ROOT/2 two/CD/nummod/4 hours/NNS/dobj/2", ("took two hours", "took two hours", False)),
        ("They/PRP/nsubj/2 took/VBD/ROOT/2 me/PRP/dobj/2", None),
        # the noun is the mention
        ("They/PRP/nsubj/2 lost/VBD/ROOT/2 my/PRP$/poss/4 parcel/NN/dobj/2", None),
        ("The/DT/det/2 parcel/NN/nsubj/3 vanished/VBD/ROOT/3", None),
        ("I/PRP/nsubj/2 complained/VBD/ROOT/2 about/IN/prep/2 noise/NN/pobj/3", None),
        # how one feels, and what one does next
        ("I/PRP/nsubj/2 love/VBP/ROOT/2 it/PRP/dobj/2", None),
        ("I/PRP/nsubj/3 would/MD/aux/3 recommend/VB/ROOT/3", None),
        ("We/PRP/nsubj/2 went/VBD/ROOT/2 there/RB/advmod/2", None),
    ],
)  # fmt: skip
def test_which_verbs_are_mentions(text, expected):
    assert said(text) == ([expected] if expected else [])
