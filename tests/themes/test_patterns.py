import time

import pytest

from cx_nlp.themes.patterns import OPTIONAL_MOST, check_phrase, check_tokens, needs_lemmas


def test_a_phrase_needs_a_word():
    assert check_phrase("  answer phone ") == "answer phone"
    for phrase in ("", "  ", "!?", "="):
        with pytest.raises(ValueError, match="holds no word"):
            check_phrase(phrase)


def test_repetition_is_bounded():
    assert check_tokens([{"lower": "very", "OP": "*"}, {"LOWER": "rude"}]) == [
        {"LOWER": "very", "OP": "{0,4}"},
        {"LOWER": "rude"},
    ]
    assert check_tokens([{"LOWER": "so", "OP": "+"}])[0]["OP"] == "{1,4}"
    assert check_tokens([{"LOWER": "so", "OP": "{2}"}])[0]["OP"] == "{2,2}"
    assert check_tokens([{"LOWER": "so", "OP": "{2,}"}])[0]["OP"] == "{2,6}"
    assert check_tokens([{"LOWER": "so", "OP": "1"}]) == [{"LOWER": "so"}]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ([], "at least one token"),
        ([{"LOWER": {"REGEX": "(a+)+$"}}], "REGEX is refused: .* run for ever"),
        ([{"TEXT": {"REGEX": "wait"}}], "REGEX is refused"),
        ([{"LOWER": {"FUZZY": "wait"}}], "unknown predicate 'FUZZY'"),
        ([{"LOWR": "wait"}], "unknown token attribute 'LOWR', did you mean 'LOWER'"),
        ([{"ENT_TYPE": "ORG"}], "the pipeline does not set it"),
        ([{"_": {"x": 1}}], "the pipeline does not set it"),
        ([{"POS": "ADJX"}], "unknown value 'ADJX' of POS"),
        ([{"TAG": {"IN": ["NN", "NOUN"]}}], "unknown value 'NOUN' of TAG"),
        ([{"LOWER": 3}], "bad token pattern"),
        ([{"LOWER": "a", "OP": "{3,1}"}], "unknown OP"),
        ([{"LOWER": "a", "OP": "x"}], "unknown OP"),
        ([{"LOWER": "a", "OP": "!"}], "not supported"),
        ([{"LOWER": "a", "OP": "{1,500}"}], "run for ever"),
        ([{"LOWER": "a", "OP": "?"}] * 9, "run for ever"),
        ([{"OP": "*"}, {"OP": "*"}, {"OP": "*"}, {"LOWER": "b"}], "run for ever"),
        ([{"LOWER": "a", "OP": "?"}], "match nothing"),
    ],
)
def test_a_bad_pattern_is_refused_with_its_reason(pattern, reason):
    with pytest.raises(ValueError, match=reason):
        check_tokens(pattern)


def test_the_worst_pattern_that_is_allowed_ends_on_hostile_text():
    from spacy.matcher import Matcher

    from cx_nlp.spans.pipeline import load_nlp

    nlp = load_nlp()
    matcher = Matcher(nlp.vocab)
    matcher.add("worst", [check_tokens([{"LOWER": "a", "OP": "*"}, {"OP": "*"}, {"LOWER": "a"}])])
    assert OPTIONAL_MOST == 8
    doc = nlp.make_doc("a " * 2000)
    start = time.process_time()
    matcher(doc)
    assert time.process_time() - start < 10


def test_lemmas_are_made_only_on_demand():
    assert needs_lemmas([{"LOWER": "a"}, {"LEMMA": "wait"}])
    assert not needs_lemmas([{"LOWER": "a", "TAG": "NN"}])
