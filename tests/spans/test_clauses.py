"""Where sentences turn, on trees built by hand."""

from itertools import pairwise

import pytest

from cx_nlp.spans.clauses import clause_starts
from tests.spans.trees import tree


def clauses(text: str) -> list[str]:
    doc = tree(text)
    return [doc[start:end].text for start, end in pairwise([*clause_starts(doc, 0, len(doc)), len(doc)])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great/JJ/amod/2 food/NN/ROOT/2 but/CC/cc/2 slow/JJ/amod/5 service/NN/conj/2",
         ["Great food", "but slow service"]),
        ("Food/NN/nsubj/2 was/VBD/ROOT/2 good/JJ/acomp/2 and/CC/cc/2 staff/NN/nsubj/6 were/VBD/conj/2 rude/JJ/acomp/6",
         ["Food was good", "and staff were rude"]),
        # a subordinate clause that comes first ends where the other starts
        ("When/WRB/advmod/3 it/PRP/nsubj/3 came/VBD/advcl/5 it/PRP/nsubj/5 leaked/VBD/ROOT/5",
         ["When it came", "it leaked"]),
        # one subject is one judgement
        ("Staff/NN/nsubj/2 listened/VBD/ROOT/2 and/CC/cc/2 helped/VBD/conj/2", ["Staff listened and helped"]),
        ("I/PRP/nsubj/2 found/VBD/ROOT/2 it/PRP/nsubj/4 was/VBD/ccomp/2 late/JJ/acomp/4", ["I found it was late"]),
        # too short to be one
        ("Good/JJ/ROOT/1 but/CC/cc/1 slow/JJ/conj/1", ["Good but slow"]),
        ("But/CC/cc/3 it/PRP/nsubj/3 works/VBZ/ROOT/3", ["But it works"]),
    ],
)  # fmt: skip
def test_where_a_sentence_turns(text, expected):
    assert clauses(text) == expected


def test_an_empty_sentence_has_no_clause():
    assert clause_starts(tree("Hello/UH/ROOT/1"), 1, 1) == []
