import pytest
from spacy.tokens import Doc
from spacy.vocab import Vocab

from cx_nlp.spans.find import Sentence, sentences_of
from cx_nlp.spans.sentences import sentence_starts


def doc(*sentences: str) -> Doc:
    words = [word for sentence in sentences for word in sentence.split()]
    starts = [i == 0 for sentence in sentences for i, _ in enumerate(sentence.split())]
    return Doc(Vocab(), words=words, sent_starts=starts)


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        (("Good staff .", "Bad food ."), ["Good staff .", "Bad food ."]),
        (("Good staff .", ":)", "Bad food ."), ["Good staff . :)", "Bad food ."]),
        (("! !", "Bad food .", "Never again ."), ["! ! Bad food .", "Never again ."]),
        (("I wanted to go", "but it was shut ."), ["I wanted to go but it was shut ."]),
        (("I paid ,", "Then I left ."), ["I paid , Then I left ."]),
        (("Good staff .", "lovely food ."), ["Good staff .", "lovely food ."]),
        (("Good staff", "Bad food"), ["Good staff", "Bad food"]),
        (("👍",), ["👍"]),
    ],
)
def test_where_sentences_start(sentences, expected):
    parsed = doc(*sentences)
    found = sentences_of(parsed.text, sentence_starts(parsed))
    assert [parsed.text[s.start : s.end] for s in found] == expected


def test_sentences_end_before_the_space_that_follows():
    assert sentences_of("  One.  Two. ", [0, 8]) == (Sentence(2, 6), Sentence(8, 12))
    assert sentences_of("   ", [0]) == ()
    assert sentences_of("", []) == ()
