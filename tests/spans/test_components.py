"""The components on trees built by hand: what stands in `Doc.spans`."""

import pytest
import spacy

from cx_nlp.spans import components
from cx_nlp.spans.mentions import NOUN_PHRASE, VERB_PHRASE, Phrase
from tests.spans.trees import tree

MIXED = (
    "The/DT/det/2 staff/NN/nsubj/3 were/VBD/ROOT/3 lovely/JJ/acomp/3 but/CC/cc/3 the/DT/det/7 wait/NN/nsubj/8"
    " was/VBD/conj/3 n't/RB/neg/8 short/JJ/acomp/8"
)


def test_components_are_registered_under_their_versions():
    nlp = spacy.blank("en")
    for name in components.COMPONENTS:
        nlp.add_pipe(name)
    assert nlp.pipe_names == ["cx_sentences_v1", "cx_mentions_v1"]
    assert nlp.analyze_pipes()["problems"]["cx_mentions_v1"] == ["token.tag", "token.dep", "token.head"]


def test_what_stands_in_the_groups():
    doc = components.set_mentions(components.set_sentences(tree(MIXED)))
    texts = {name: [span.text for span in group] for name, group in doc.spans.items()}
    assert texts == {
        "cx_sentences": ["The staff were lovely but the wait wasn't short"],
        "cx_clauses": ["The staff were lovely", "but the wait wasn't short"],
        "cx_mentions": ["staff", "wait"],
        "cx_phrases": ["The staff", "the wait"],
        "cx_opinions": ["lovely", "wasn't short"],
        "cx_negated": ["wait"],
    }
    assert [span.label_ for span in doc.spans["cx_mentions"]] == [NOUN_PHRASE, NOUN_PHRASE]
    assert [span.id for span in doc.spans["cx_opinions"]] == [0, 1]
    assert [span.id for span in doc.spans["cx_negated"]] == [1]


@pytest.mark.parametrize("text", [MIXED, "They/PRP/nsubj/2 hung/VBD/ROOT/2 up/RP/prt/2", "!/./ROOT/1"])
def test_phrases_come_back_as_they_were_written(text):
    doc = components.set_mentions(tree(text))
    assert components.phrases_of(doc) == sorted(
        [*(nouns := components.noun_phrases(doc)), *components.verb_phrases(doc, nouns)], key=lambda p: p.start
    )


def test_a_verb_mention_bears_its_label():
    doc = components.set_mentions(tree("They/PRP/nsubj/2 hung/VBD/ROOT/2 up/RP/prt/2"))
    assert components.phrases_of(doc) == [Phrase(1, 1, 3, (1, 3), False, VERB_PHRASE)]


def test_an_empty_doc_gets_empty_groups():
    doc = components.set_mentions(components.set_sentences(spacy.blank("en")("")))
    assert {name: list(group) for name, group in doc.spans.items()} == {name: [] for name in doc.spans}
