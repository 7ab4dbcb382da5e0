"""The rules of mentions, opinions and negation, on trees built by hand."""

import pytest
from spacy.tokens import Doc

from cx_nlp.spans.mentions import PATTERN, Phrase, noun_phrases, phrase_at
from tests.spans.trees import VOCAB, tree


def said(text: str) -> list[tuple[str, str | None, bool]]:
    """[(mention, opinion, is negated)]"""
    doc = tree(text)
    return [
        (doc[p.start : p.end].text, p.opinion and doc[slice(*p.opinion)].text, p.is_negated) for p in noun_phrases(doc)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # predicate adjective, graded
        (
            "The/DT/det/2 wait/NN/nsubj/3 was/VBD/ROOT/3 far/RB/advmod/6 too/RB/advmod/6 long/JJ/acomp/3",
            ("wait", "far too long", False),
        ),
        # adjective before the noun, determiner and possessive off
        ("my/PRP$/poss/4 very/RB/advmod/3 helpful/JJ/amod/4 driver/NN/ROOT/4", ("driver", "very helpful", False)),
        # a noun said of the mention is its opinion, not a mention
        (
            "Parking/NN/nsubj/2 is/VBZ/ROOT/2 a/DT/det/5 complete/JJ/amod/5 nightmare/NN/attr/2",
            ("Parking", "complete nightmare", False),
        ),
        # relative clause
        (
            "Staff/NN/ROOT/1 who/WP/nsubj/3 were/VBD/relcl/1 rude/JJ/acomp/3 and/CC/cc/4 unhelpful/JJ/conj/4",
            ("Staff", "rude and unhelpful", False),
        ),
        # verb with negation
        ("The/DT/det/2 parcel/NN/nsubj/4 never/RB/neg/4 arrived/VBD/ROOT/4", ("parcel", "never arrived", True)),
        # object of a verb
        ("They/PRP/nsubj/2 lost/VBD/ROOT/2 my/PRP$/poss/4 parcel/NN/dobj/2", ("parcel", "lost", False)),
        # governed by an adjective
        (
            "so/RB/advmod/2 happy/JJ/ROOT/2 with/IN/prep/2 the/DT/det/5 service/NN/pobj/3",
            ("service", "so happy", False),
        ),
        # a light verb says nothing
        ("I/PRP/nsubj/2 had/VBD/ROOT/2 an/DT/det/4 appointment/NN/dobj/2", ("appointment", None, False)),
        # compounds and classifying adjectives belong to the name
        (
            "the/DT/det/4 mental/JJ/amod/4 health/NN/compound/4 team/NN/nsubj/5 listened/VBD/ROOT/5",
            ("mental health team", "listened", False),
        ),
        ("long/JJ/amod/3 waiting/VBG/amod/3 time/NN/ROOT/3", ("waiting time", "long", False)),
        # better and worse than something
        (
            "The/DT/det/2 food/NN/nsubj/3 was/VBD/ROOT/3 far/RB/advmod/5 worse/JJR/acomp/3 than/IN/prep/5"
            " before/RB/pcomp/6",
            ("food", "far worse than before", False),
        ),
        ("cheaper/JJR/ROOT/1 than/IN/prep/1 the/DT/det/4 hotel/NN/pobj/2", ("hotel", "cheaper than", False)),
        # the name of a person is nobody's theme
        ("my/PRP$/poss/2 consultant/NN/ROOT/2 Sarah/NNP/compound/4 Jones/NNP/appos/2", ("consultant", None, False)),
        # a role before a name
        (
            "Dr/NNP/compound/2 Smith/NNP/nsubj/3 was/VBD/ROOT/3 lovely/JJ/acomp/3",
            ("Dr", "lovely", False),
        ),
    ],
)
def test_mention_and_opinion(text, expected):
    assert said(text) == [expected]


@pytest.mark.parametrize(
    ("text", "is_negated"),
    [
        ("no/DT/det/2 parking/NN/ROOT/2", True),
        ("I/PRP/nsubj/3 never/RB/neg/3 had/VBD/ROOT/3 a/DT/det/5 problem/NN/dobj/3", True),
        ("The/DT/det/2 staff/NN/nsubj/3 were/VBD/ROOT/3 n't/RB/neg/3 helpful/JJ/acomp/3", True),
        (
            "I/PRP/nsubj/4 do/VBP/aux/4 n't/RB/neg/4 think/VB/ROOT/4 staff/NN/nsubj/6 were/VBD/ccomp/4"
            " helpful/JJ/acomp/6",
            True,
        ),
        ("Nobody/NN/nsubj/2 answered/VBD/ROOT/2 the/DT/det/4 phone/NN/dobj/2", True),
        ("without/IN/ROOT/1 a/DT/det/3 delay/NN/pobj/1", True),
        ("lack/NN/ROOT/1 of/IN/prep/1 communication/NN/pobj/2", True),
        ("The/DT/det/2 staff/NN/nsubj/3 were/VBD/ROOT/3 helpful/JJ/acomp/3", False),
        # denies nothing
        (
            "The/DT/det/2 food/NN/nsubj/3 was/VBD/ROOT/3 not/RB/neg/3 only/RB/advmod/6 cold/JJ/acomp/3",
            False,
        ),
        (
            "The/DT/det/2 staff/NN/nsubj/3 were/VBD/ROOT/3 anything/NN/attr/3 but/CC/prep/4 helpful/JJ/acomp/3",
            True,
        ),
        # praise
        (
            "Staff/NN/nsubj/5 could/MD/aux/5 not/RB/neg/5 have/VB/aux/5 been/VBN/ROOT/5 more/RBR/advmod/7"
            " helpful/JJ/acomp/5",
            False,
        ),
    ],
)
def test_negation(text, is_negated):
    assert [negated for _, _, negated in said(text)] == [is_negated]


def test_a_contracted_negation_is_quoted_with_its_verb():
    text = "The/DT/det/2 staff/NN/nsubj/3 were/VBD/ROOT/3 n't/RB/neg/3 helpful/JJ/acomp/3"
    assert said(text) == [("staff", "weren't helpful", True)]


@pytest.mark.parametrize(
    "text",
    [
        "It/PRP/nsubj/2 came/VBD/ROOT/2 on/IN/prep/2 Monday/NNP/pobj/3",
        "about/IN/ROOT/1 two/CD/nummod/3 hours/NNS/pobj/1",
        "5minutes/NN/ROOT/1",
        "my/PRP$/poss/2 husband/NN/ROOT/2",
        "lots/NNS/ROOT/1 of/IN/prep/1 things/NNS/pobj/2",
        "Mr/NNP/compound/2 Jones/NNP/ROOT/2",
        "Sarah/NNP/ROOT/1",
        "Tom/NNP/compound/2 Baker/NNP/ROOT/2",
        "thanks/NNS/ROOT/1 [NAME]/NNP/npadvmod/1",
        "./././1",
        "�/NN/ROOT/1",
        "<script/NN/ROOT/1",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/NN/ROOT/1",
    ],
)
def test_what_is_no_mention(text):
    assert said(text) == []


def test_a_placeholder_is_cut_off_a_mention():
    assert said("nurse/NN/compound/2 [NAME]/NNP/nsubj/3 rang/VBD/ROOT/3") == [("nurse", None, False)]


def test_words_of_ones_own_people_and_of_time_are_cut_off_a_name():
    assert said("my/PRP$/poss/3 husband/NN/compound/3 appointment/NN/ROOT/3")[0][0] == "appointment"
    assert said("two/CD/nummod/2 hour/NN/compound/3 wait/NN/ROOT/3")[0][0] == "wait"


def test_a_definite_noun_after_be_stays_a_mention():
    text = "The/DT/det/2 problem/NN/nsubj/3 was/VBD/ROOT/3 the/DT/det/5 noise/NN/attr/3"
    assert [mention for mention, _, _ in said(text)] == ["problem", "noise"]


def test_any_tokens_can_be_made_a_mention():
    doc = tree("It/PRP/nsubj/2 took/VBD/ROOT/2 forever/RB/advmod/2")
    assert phrase_at(doc, 1, 3) == Phrase(1, 1, 3, (1, 3), False, PATTERN)
    doc = tree("way/RB/advmod/2 overpriced/JJ/ROOT/2")
    assert phrase_at(doc, 1, 2) == Phrase(1, 1, 2, (0, 2), False, PATTERN)


def test_an_empty_doc_has_no_mention():
    assert noun_phrases(Doc(VOCAB)) == []
