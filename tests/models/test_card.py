"""The card and the README are in step with the figures, and the markers are looked for before anything is written."""

from pathlib import Path

import pytest

pytest.importorskip("emoji", reason="the training extra is not installed")

from models.recipes import card as cards
from models.recipes import card_tables
from models.recipes.anchors import ANCHORS
from models.recipes.headline import HEADLINES
from models.recipes.recipe import Mending

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("folder", sorted(p.parent for p in cards.DEFAULT_MODEL.parent.glob("*/metrics.json")), ids=lambda p: p.name)  # fmt: skip
def test_the_card_is_what_the_metrics_say(folder):
    again = f"python -m models.recipes.card --model models/{folder.name}"
    assert (folder / "README.md").read_text(encoding="utf-8") == cards.card(folder), f"run {again}"


def test_the_readme_holds_the_figures_of_the_shipped_model():
    text = README.read_text(encoding="utf-8")
    found = text.split(cards.BEGIN)[1].split(cards.END)[0].strip()
    assert found == cards.readme_block(cards.DEFAULT_MODEL).strip(), (
        "run python -m models.recipes.card --readme README.md"
    )


def test_only_what_is_between_the_markers_changes():
    text = f"above\n{cards.BEGIN}\nold\n{cards.END}\nbelow\n"
    once = cards.with_block(text, "new\n")
    assert once == f"above\n{cards.BEGIN}\nnew\n{cards.END}\nbelow\n"
    assert cards.with_block(once, "new\n") == once
    for bad in ("no markers", f"{cards.END}{cards.BEGIN}", text + text):
        with pytest.raises(ValueError, match="expected one"):
            cards.with_block(bad, "new\n")


def test_published_figures_name_their_split_and_source():
    assert {a.headline for a in ANCHORS} <= set(HEADLINES)
    assert all(a.split and a.source and any(c.isdigit() for c in a.figure) for a in ANCHORS)


def test_behaviour_and_fairness_have_their_sections():
    tests = [
        {"name": name, "capability": "negation", "type": "MFT", "n": 200, "failure_rate": rate, "low": rate - 0.05, "high": rate + 0.05}
        for name, rate in (("double", 0.4), ("simple", 0.1))
    ]  # fmt: skip
    behaviour = {
        "n_tests": 2, "n_cases": 400, "mean_failure_rate": 0.25, "worst": {"name": "double", "failure_rate": 0.4},
        "capabilities": {"negation": 0.25}, "tests": tests,
    }  # fmt: skip
    text = "\n".join(card_tables.behaviour({"behaviour": behaviour}))
    assert "| negation | double | MFT | 200 | 0.400 [0.350, 0.450] |" in text and "worst 0.400 (double)" in text
    shift = {"shift": 0.01, "low": -0.01, "high": 0.03}
    row = {"n_texts": 90, "mean": shift, "worst_pair": shift | {"groups": ["a", "b"]}}
    fairness = {"slices": {"pronouns": {"complaints": row}}, "identities": {"negative": 0.02, "low": 0.01, "high": 0.05, "n": 300}}  # fmt: skip
    text = "\n".join(card_tables.fairness({"fairness": fairness}))
    assert "| pronouns | complaints | 90 | +0.0100 [-0.0100, +0.0300] | +0.0100 [-0.0100, +0.0300] (a over b) |" in text
    reports = {"emotion, GoEmotions, dev": {"per_label": {}}}
    said = "\n".join(cards.limits({"reports": reports, "behaviour": behaviour}))
    assert "double 0.40" in said and "simple" not in said


def test_the_errors_of_emotion_have_their_section():
    cells = {"tp": 80, "fn": 20, "tn": 90, "fp": 10, "n": 200, "of": "GoEmotions dev (Reddit comments)"}
    one = {"value": 0.5, "ci": [0.4, 0.6], "n": 50}
    strength = {"pairs": one, "spearman_with_distance": one, "mean_at_distance": {"0": one}}
    text = "\n".join(card_tables.emotional({"is_emotional_confusion": cells, "intensity": strength}))
    assert "Reddit comments), reported half: sensitivity | 100 | 0.800 [0.711, 0.867] |" in text
    assert "keeps their order | 50 | 0.500 [0.400, 0.600] |" in text


def test_a_round_names_its_teachers():
    made = {"config": {"epochs": 1}, "seed": 1, "taught_by": ["minilm"]}
    assert "(MiniLM-L6)" in cards._round(1, made)
    assert "(the first round's own)" in cards._round(2, made | {"before": {"seed": 1}})
    assert "(MiniLM-L6 and MPNet-base)" in cards._round(2, made | {"before": {}, "taught_by": ["minilm", "mpnet"]})


def test_the_card_says_how_a_model_was_mended():
    told = {
        "mended": Mending(
            kinds=["rivals", "change"],
            taught=1200,
            other_lessons=500,
            held=3000,
            lr=2e-5,
            hold_states=1,
            hold_sentiment=1,
        ),
        "seed": 4,
        "steps": 38,
    }
    text = cards._mending(told | {"mended": told["mended"].model_dump()})
    assert "1,200 template sentences of the kinds rivals, change, 38 steps" in text
    assert "3,000 texts" in text and "seed 4" in text and "100% was taken" in text
    assert "40% was taken" in cards._mending(told | {"mended": told["mended"].model_dump(), "share": 0.4})
