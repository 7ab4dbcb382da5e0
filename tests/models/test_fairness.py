"""The fairness slice: on models whose prejudice is known by hand."""

import json

import numpy as np
import pytest
import yaml

from cx_nlp.errors import UsageError
from models.recipes import fairness

SMALL = {
    "names": {"here": {"women": ["Ann", "Amy"], "men": ["Bob", "Ben"]}, "there": {"women": ["Zoe"], "men": ["Zed"]}},
    "pronouns": {
        "she": {"subject": "she", "object": "her", "possessive": "her"},
        "he": {"subject": "he", "object": "him", "possessive": "his"},
    },
    "signed": {"complaints": ["Cold soup. {name}", "{name} here, no reply.", "Lost. {name}"], "praises": ["Lovely. {name}"]},
    "told": {"complaints": ["It broke. {subject} wept.", "Ask {object} about {possessive} bag."], "praises": ["{subject} won."]},
    "identities": {"age": ["young", "old"], "sight": ["blind"]},
    "statements": ["I am {identity}.", "She is {identity}."],
}  # fmt: skip


def rng():
    return np.random.default_rng(0)


def scored(score) -> fairness.Predict:
    """A model with sentiment_score = score(text)."""

    def predict(texts):
        s = np.array([score(text) for text in texts])
        return np.column_stack([(1 - s) / 2, np.zeros(len(s)), (1 + s) / 2])

    return predict


def small(**changes) -> fairness.Texts:
    return fairness.Texts.model_validate(SMALL | changes)


def run(score):
    return fairness.run(scored(score), rng=rng(), texts=small(), resamples=200)


def test_a_model_that_reads_no_name_shifts_nothing():
    result = run(lambda text: -0.5)
    for by_kind in result["slices"].values():
        for row in by_kind.values():
            assert row["mean"] == row["mean_of_texts"] == {"shift": 0, "low": 0, "high": 0}
            assert row["worst_pair"]["shift"] == row["largest"] == row["label_changes"] == 0


def test_a_known_prejudice_is_measured():
    result = run(lambda text: -0.5 - 0.2 * any(name in text for name in ("Bob", "Ben", "Zed")))
    gender = result["slices"]["names by gender"]["complaints"]
    assert gender["groups"]["women"]["shift"] == pytest.approx(0.1)
    assert gender["groups"]["men"] == pytest.approx({"shift": -0.1, "low": -0.1, "high": -0.1})
    assert gender["mean"]["shift"] == gender["mean_of_texts"]["shift"] == gender["largest"] == pytest.approx(0.1)
    assert gender["worst_pair"]["groups"] == ["women", "men"] and gender["worst_pair"]["shift"] == pytest.approx(0.2)
    assert (gender["n_templates"], gender["n_texts"], gender["label_changes"]) == (3, 18, 0)
    both = result["slices"]["names by both"]["complaints"]
    assert both["worst_pair"]["shift"] == pytest.approx(0.2) and len(both["groups"]) == 4
    pronouns = result["slices"]["pronouns"]["complaints"]
    assert pronouns["largest"] == 0


def test_one_name_counts_within_its_group():
    row = run(lambda text: -0.5 - 0.4 * ("Bob" in text))["slices"]["names by both"]["complaints"]
    # the mean name of the group moves by 0.2, the mean of the four groups by 0.05
    assert row["worst_group"]["group"] == "here, men" and row["worst_group"]["shift"] == pytest.approx(-0.15)


def test_shifts_that_cancel_between_texts_are_seen_on_single_texts():
    def score(text):
        return (0.2 if "broke" in text else -0.2) * (1 if " she" in text.lower() or " her" in text else -1)

    row = run(score)["slices"]["pronouns"]["complaints"]
    assert row["mean"]["shift"] == 0 and row["mean_of_texts"]["shift"] == pytest.approx(0.2)
    assert row["groups"]["she"]["low"] == pytest.approx(-0.2) and row["groups"]["she"]["high"] == pytest.approx(0.2)


def test_labels_that_change_are_counted():
    row = run(lambda text: 0.5 if "Ann" in text else -0.5)["slices"]["names by gender"]["complaints"]
    assert row["label_changes"] == round(3 / 18, 4)


def test_identities_called_negative_are_counted_by_group_and_term():
    its = run(lambda text: -0.9 if "blind" in text or "I am old" in text else 0.9)["identities"]
    assert (its["n"], its["negative"]) == (6, 0.5)
    assert its["by_group"]["age"]["terms"] == {"young": 0, "old": 0.5}
    assert its["by_group"]["sight"]["negative"] == 1 and its["by_group"]["sight"]["n"] == 2


def test_the_same_seed_gives_the_same_result_and_json_holds_it():
    def score(text):
        return -(len(text) % 7) / 10

    assert run(score) == run(score) == json.loads(json.dumps(run(score)))
    assert "neutral statements called negative" in fairness.table(run(score))


def test_sentences_begin_with_a_capital():
    assert fairness._fill("It broke. {subject} wept.", {"subject": "she"}) == "It broke. She wept."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"nams": {}}, "unknown key 'nams', did you mean 'names'?"),
        ({"statements": ["I am {identty}."]}, "expected identity in braces"),
        ({"signed": SMALL["signed"] | {"praises": ["Lovely."]}}, "expected name in braces"),
        ({"names": {"a": {"women": ["Ann"]}, "b": {"women": ["Ann"]}}}, "a name stands in two groups"),
        ({"told": []}, "told"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(tmp_path, change, says):
    path = tmp_path / "f.yaml"
    path.write_text(yaml.safe_dump(SMALL | change))
    with pytest.raises(UsageError) as caught:
        fairness.load_texts(path)
    assert says in str(caught.value) and "f.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_the_shipped_texts_are_balanced():
    texts = fairness.load_texts(fairness.TEXTS)
    assert len(texts.names) >= 6 and {len(its) for both in texts.names.values() for its in both.values()} == {8}
    for templates in (texts.signed, texts.told):
        assert len(templates["complaints"]) == len(templates["praises"]) >= 10
    assert set(texts.pronouns) == {"she", "he", "they"} and len(texts.statements) >= 10
