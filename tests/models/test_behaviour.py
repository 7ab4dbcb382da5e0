"""The behaviour tests: strict YAML, filling, and failure rates of models whose failures are known by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from cx_nlp.clean import clean_text
from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.labels import SENTIMENTS
from models.recipes import behaviour
from models.recipes.noise import swap_letters
from models.recipes.templates import CHANGES, Case, cases, expand_contractions, load_tests

GOOD, BAD = ["good", "lovely", "superb", "great"], ["bad", "awful", "poor", "rude"]
NEGATION = {
    "name": "negation",
    "capability": "negation",
    "type": "MFT",
    "expectation": ["negative"],
    "templates": ["The room was not {good}.", "The room was {bad}."],
    "slots": {"good": GOOD, "bad": BAD},
}


def write(folder: Path, *tests: dict, **more) -> Path:
    path = folder / "tests.yaml"
    path.write_text(yaml.safe_dump({"tests": list(tests), **more}, allow_unicode=True))
    return path


def rng():
    return np.random.default_rng(0)


def one_hot(labels) -> np.ndarray:
    return np.eye(3)[[SENTIMENTS.index(label) for label in labels]]


def bag_of_words(texts):
    """Counts words and knows no order: "not good" is good."""
    words = [text.lower().replace(".", "").split() for text in texts]
    balance = np.array([sum(w in GOOD for w in its) - sum(w in BAD for w in its) for its in words])
    return np.eye(3)[np.sign(balance) + 1]


def oracle(texts):
    return one_hot(["negative" if " not " in t or any(w in t for w in BAD) else "positive" for t in texts])


def run(path, predict, **more):
    return behaviour.run(predict, rng=rng(), tests=load_tests(path), **more)


def test_a_model_that_ignores_not_fails_the_negated_half(tmp_path):
    result = run(write(tmp_path, NEGATION), bag_of_words)
    (row,) = result["tests"]
    assert (row["n"], row["failures"], row["failure_rate"]) == (8, 4, 0.5)
    assert 0 < row["low"] < 0.5 < row["high"] < 1
    assert len(row["examples"]) == 3 and all(" not " in e["before"] for e in row["examples"])
    assert row["examples"][0]["expected"] == ["negative"] and row["examples"][0]["got"] == [[0.0, 0.0, 1.0]]
    assert result["worst"] == {"name": "negation", "failure_rate": 0.5}


def test_an_oracle_fails_nothing(tmp_path):
    result = run(write(tmp_path, NEGATION), oracle)
    assert result["mean_failure_rate"] == 0 and result["tests"][0]["examples"] == []


def test_the_mean_counts_each_test_once(tmp_path):
    other = NEGATION | {"name": "plain", "capability": "vocabulary", "templates": ["{bad}."], "slots": {"bad": BAD}}
    result = run(write(tmp_path, NEGATION, other), bag_of_words)
    assert result["mean_failure_rate"] == 0.25 and result["n_cases"] == 12
    assert result["capabilities"] == {"negation": 0.5, "vocabulary": 0.0}


def test_invariance_fails_where_the_label_changes_and_counts_large_shifts(tmp_path):
    test = {
        "name": "names",
        "capability": "names",
        "type": "INV",
        "expectation": "same",
        "templates": [["{name} called.", "{name2} called."]],
        "slots": {"name": ["Ann", "Bob", "Cy"]},
    }

    def dislikes_bob_and_doubts_cy(texts):
        p = {"A": [0.1, 0.8, 0.1], "B": [0.8, 0.1, 0.1], "C": [0.35, 0.55, 0.1]}
        return np.array([p[text[0]] for text in texts])

    (row,) = run(write(tmp_path, test), dislikes_bob_and_doubts_cy)["tests"]
    assert row["n"] == 6  # ordered pairs of different names
    assert row["failure_rate"] == pytest.approx(4 / 6, abs=1e-4)  # the four with Bob
    assert row["large_shifts"] == 1.0  # Ann and Cy differ by 0.25 too


@pytest.mark.parametrize(("expectation", "failed"), [("up", 1), ("down", 2)])
def test_direction_fails_beyond_the_tolerance_only(tmp_path, expectation, failed):
    test = {
        "name": "intensity",
        "capability": "vocabulary",
        "type": "DIR",
        "expectation": expectation,
        "templates": [["It was {word}.", "It was very {word}."]],
        "slots": {"word": ["up", "upper", "level", "down"]},
    }
    moves = {"up": 0.3, "upper": 0.06, "level": -0.04, "down": -0.3}

    def predict(texts):
        move = np.array([moves[text.split()[-1].strip(".")] if "very" in text else 0.0 for text in texts])
        return np.column_stack([0.4 - move / 2, np.full(len(texts), 0.2), 0.4 + move / 2])

    (row,) = run(write(tmp_path, test), predict)["tests"]
    assert (row["n"], row["failures"]) == (4, failed)


ASPECT = {
    "name": "apart",
    "capability": "aspects",
    "type": "MFT",
    "task": "aspect",
    "expectation": {"topic": ["positive"], "topic2": ["negative"]},
    "templates": ["{topic} was good but {topic2} was bad."],
    "slots": {"topic": ["the bed", "the soup"]},
}


def test_aspects_are_read_at_the_words_of_their_slots(tmp_path):
    seen = []

    def aspects(terms):
        seen.extend(text[start:end] for text, start, end in terms.itertuples(index=False))
        return one_hot(["positive"] * len(terms))

    result = run(write(tmp_path, ASPECT), oracle, aspects=aspects)
    assert seen == ["bed", "soup", "soup", "bed"] or seen == ["soup", "bed", "bed", "soup"]
    assert result["tests"][0]["failure_rate"] == 0.5 and result["tests"][0]["examples"][0]["term"] in ("bed", "soup")


def test_without_an_aspect_model_those_tests_are_left_out_and_named(tmp_path):
    result = run(write(tmp_path, NEGATION, ASPECT), oracle)
    assert result["left_out"] == ["apart"] and result["n_tests"] == 1
    none = run(write(tmp_path, ASPECT), oracle)
    assert none["mean_failure_rate"] is None and none["worst"] is None and none["tests"] == []


def test_texts_are_cleaned_before_they_are_read(tmp_path):
    test = NEGATION | {"type": "INV", "expectation": "same", "templates": ["The room was {bad}."]}
    test |= {"changes": ["add_handle", "add_link"], "slots": {"bad": BAD}}
    seen = []

    def predict(texts):
        seen.extend(texts)
        return one_hot(["neutral"] * len(texts))

    run(write(tmp_path, test), predict)
    assert any("[NAME]" in text or "[URL]" in text for text in seen)
    assert not any("@" in text or "http" in text for text in seen)


# the file -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"slotz": {}}, "unknown key 'slotz', did you mean 'slots'?"),
        ({"templates": ["The {godo} room."]}, "unknown slot 'godo', did you mean 'good'?"),
        ({"templates": ["The room was {good}."]}, "slot 'bad' is in no template"),
        ({"templates": ["The room was {good"]}, "expected '}' before end of string"),
        ({"templates": [["a", "b"]]}, "a template has 2 texts"),
        ({"expectation": ["happy"]}, "'negative', 'neutral' or 'positive'"),
        ({"expectation": []}, "a MFT on sentiment cannot expect []"),
        ({"expectation": "up"}, "a MFT on sentiment cannot expect 'up'"),
        ({"type": "INV"}, "a INV on sentiment cannot expect ['negative']"),
        ({"changes": ["swap_letters"]}, "changes belong to INV"),
        ({"type": "INV", "expectation": "same", "changes": ["swap"]}, "unknown change 'swap'"),
        ({"task": "aspect", "expectation": {"badd": ["negative"]}}, "unknown slot 'badd', did you mean 'bad'?"),
        ({"slots": {"good": ["good", "good"], "bad": BAD}}, "slot 'good' needs 1 or more different values"),
        ({"slots": {"good": [True], "bad": BAD}}, "slots.good.0"),
        ({"templates": []}, "templates"),
    ],
)
def test_a_wrong_test_is_one_line_that_names_file_and_test(tmp_path, change, says):
    with pytest.raises(UsageError) as caught:
        load_tests(write(tmp_path, NEGATION | change))
    message = str(caught.value)
    assert says in message and "tests.yaml: test 'negation'" in message and "\n" not in message


def test_a_wrong_file_is_one_line(tmp_path):
    with pytest.raises(UnknownName, match="unknown key 'words'"):
        load_tests(write(tmp_path, NEGATION, words={}))
    with pytest.raises(UsageError, match="this name is given twice"):
        load_tests(write(tmp_path, NEGATION, NEGATION))
    with pytest.raises(UsageError, match="no test uses the slots idle"):
        load_tests(write(tmp_path, NEGATION, slots={"idle": ["a"]}))
    with pytest.raises(UsageError, match="cannot be read"):
        load_tests(tmp_path / "none.yaml")


def test_every_template_of_an_aspect_test_names_what_it_expects(tmp_path):
    with pytest.raises(UnknownName, match="unknown slot 'topic2'"):
        load_tests(write(tmp_path, ASPECT | {"templates": [*ASPECT["templates"], "I liked {topic}."]}))


def test_slots_of_a_test_come_before_those_of_the_file(tmp_path):
    (test,) = load_tests(write(tmp_path, NEGATION, slots={"good": ["fine"]}))
    assert test.slots["good"] == GOOD


# filling --------------------------------------------------------------------------------------------------------------
def test_the_same_seed_draws_the_same_cases_and_another_test_changes_none():
    tests = load_tests(behaviour.TESTS)
    one, two = (behaviour.draw(tests, rng=rng()) for _ in range(2))
    assert one == two != behaviour.draw(tests, rng=np.random.default_rng(1))
    assert behaviour.draw(tests[3:5], rng=rng()) == {name: one[name] for name in list(one)[3:5]}


def test_a_draw_takes_each_filling_at_most_once(tmp_path):
    (test,) = load_tests(write(tmp_path, NEGATION))
    assert len(cases(test, n=6, rng=rng())) == 6
    every = cases(test, n=100, rng=rng())
    assert {case.before for case in every} == {f"The room was not {w}." for w in GOOD} | {
        f"The room was {w}." for w in BAD
    }


def test_changes_do_what_they_say():
    text = "They wouldn't help, I can't recommend them!"
    assert expand_contractions(text, rng()) == "They would not help, I cannot recommend them!"
    swapped = swap_letters("terrible", rng())
    assert swapped != "terrible" and sorted(swapped) == sorted("terrible")
    assert swapped[0] == "t" and swapped[-1] == "e"
    assert swap_letters("we go to it", rng()) == "we go to it"
    assert CHANGES["drop_punctuation"]("Yes, 3.5 stars. Good!", rng()) == "Yes 3.5 stars Good"


def test_a_change_that_changes_nothing_makes_no_case(tmp_path):
    test = NEGATION | {"type": "INV", "expectation": "same", "changes": ["lower_case"]}
    test |= {"templates": ["1 {bad} 2"], "slots": {"bad": BAD}}
    with pytest.raises(ValueError, match="no cases: negation"):
        run(write(tmp_path, test), oracle)


# the shipped suite ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def suite():
    tests = load_tests(behaviour.TESTS)
    return tests, behaviour.draw(tests, rng=rng())


def test_the_suite_has_enough_cases_of_each_test(suite):
    tests, drawn = suite
    assert len(tests) >= 30
    few = {name: len(its) for name, its in drawn.items() if not 100 <= len(its) <= 400}
    assert few == {}


def test_the_suite_covers_the_capabilities(suite):
    wanted = {"vocabulary", "robustness", "names, places and numbers", "temporal", "negation", "comparatives"}
    wanted |= {"semantic roles", "fairness", "emoji", "contrast", "implicit", "aspects"}
    assert {test.capability for test in suite[0]} == wanted
    assert {test.type for test in suite[0]} == {"MFT", "INV", "DIR"}


def test_filled_texts_are_well_formed(suite):
    texts = [text for its in suite[1].values() for case in its for text in (case.before, case.after) if text]
    assert [text for text in texts if "{" in text or "}" in text or not text.strip()] == []
    assert [case.before for its in suite[1].values() for case in its if case.before[0].islower()] == []
    assert [text for text in texts if not clean_text(text)] == []


def test_a_constant_model_does_not_pass(suite):
    for label in SENTIMENTS:
        result = behaviour.run(
            lambda texts, label=label: one_hot([label] * len(texts)), rng=rng(), tests=suite[0], per_test=40
        )
        assert result["mean_failure_rate"] > 0.25 and result["worst"]["failure_rate"] == 1
        json.dumps(result)


def test_the_table_has_a_line_for_each_test(suite):
    result = behaviour.run(bag_of_words, rng=rng(), tests=suite[0][:12], per_test=20)
    lines = behaviour.table(result).splitlines()
    assert len(lines) == 14 and lines[1].startswith("words_of_praise") and "mean" in lines[-1]


def test_overlap_ignores_case_punctuation_and_spaces():
    its = [Case("Not bad, at all!"), Case("The bed was soft.", "The bed was very soft.")]
    assert behaviour.overlap(its, ["not bad at  all"]) == 0.5
    assert behaviour.overlap(its, ["the bed, was very SOFT", "Not bad at all"]) == 1.0
    assert behaviour.overlap(its, ["not bad"]) == 0.0 == behaviour.overlap([], ["not bad"])
