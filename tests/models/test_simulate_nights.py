import numpy as np
import pandas as pd
import pytest

from cx_nlp.themes.growth import Limits
from cx_nlp.themes.vectors import grid, unit
from models.recipes import benchmark_discovery, simulate_nights
from models.recipes.simulate_nights import NIGHTS, TURN
from tests.themes import planted

INTENTS, EACH = 14, 60


@pytest.fixture(scope="module")
def said() -> tuple[pd.DataFrame, np.ndarray]:
    """Texts of 14 intents, each around its own direction."""
    axes = planted.directions(INTENTS)
    names = [f"intent{chr(97 + i)}" for i in range(INTENTS)]
    vectors = np.concatenate([planted.around(axis, EACH, rng=np.random.default_rng(i)) for i, axis in enumerate(axes)])
    texts = [f"{name} asked" for name in names for _ in range(EACH)]
    return pd.DataFrame({"text": texts, "category": np.repeat(names, EACH)}), grid(vectors)


def test_the_schedule_is_what_the_kinds_say(said):
    frame, vectors = said
    kind = simulate_nights.kinds(sorted(set(frame["category"])), rng=np.random.default_rng(0))
    assert pd.Series(kind).value_counts().to_dict() == {
        "steady": 6,
        "new": 2,
        "growing": 2,
        "merging": 2,
        "vanishing": 2,
    }
    night = simulate_nights.schedule(frame, unit(vectors), kind, rng=np.random.default_rng(0))
    of_kind = frame["category"].map(kind).to_numpy()
    assert night[of_kind == "new"].min() >= 5 and night[of_kind == "vanishing"].max() < TURN
    assert night[of_kind == "growing"].mean() > night[of_kind == "steady"].mean()
    assert night.min() >= 0 and night.max() < NIGHTS


def test_ids_survive_and_are_never_used_again(said):
    frame, vectors = said
    rng = np.random.default_rng(0)
    kind = simulate_nights.kinds(sorted(set(frame["category"])), rng=rng)
    night = simulate_nights.schedule(frame, unit(vectors), kind, rng=rng)
    run = simulate_nights.simulate(frame, vectors, night, Limits(min_mentions=12, min_customers=5))
    found = simulate_nights.figures(frame, vectors, kind, run)
    assert found["survived"]["value"] > 0.98 and found["survived"]["n"] > 200 and found["ids_reused"] == 0
    assert found["purity_at_the_end"]["value"] > 0.95 and found["active"] >= INTENTS - 2
    turned = grid(unit(vectors) @ planted.directions(planted.WIDTH, seed=9))
    found = simulate_nights.another_model(frame, vectors, turned, run)
    assert found["exemplars_survived_another_model"].all() and len(found["survived_another_model"]) > 200
    assert found["survived_another_model"].mean() >= found["same_to_another_model"].mean() > 0.98
    noise = grid(np.random.default_rng(0).normal(size=vectors.shape))
    lost = simulate_nights.another_model(frame, vectors, noise, run)
    assert lost["exemplars_survived_another_model"].all() and lost["same_to_another_model"].mean() < 0.5


def test_the_untouched_encoder_is_a_model_too(monkeypatch):
    monkeypatch.setattr("models.recipes.embed.untouched_embedding", lambda texts: np.eye(len(texts), 3))
    assert simulate_nights.theme_vectors("untouched", ["a", "b"]).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_an_id_used_again_is_counted(said):
    frame, vectors = said
    night = np.arange(len(frame)) % NIGHTS
    run = simulate_nights.simulate(frame, vectors, night, Limits(min_mentions=12, min_customers=5))
    from dataclasses import replace

    last = run.after_each[-1]
    other = replace(last, themes=tuple(replace(theme, name="another") for theme in last.themes))
    wrong = replace(run, after_each=(*run.after_each, other))
    assert simulate_nights.reused(run) == 0 and simulate_nights.reused(wrong) == len(last.themes) > 0


def test_the_same_vectors_give_a_ratio_of_one_and_noise_a_lower_one(said):
    frame, vectors = said
    intents, same = frame["category"].to_numpy(), unit(vectors)
    found = benchmark_discovery.compare({"theme_head": same, "untouched": same}, intents, sample=600, min_size=12)
    assert found["ratio"]["noise_is_a_group"] == {"value": 1.0, "ci": [1.0, 1.0]}
    assert found["theme_head"]["noise_to_the_nearest"]["value"] > 0.9 and found["sample"] == 600
    blurred = unit(grid(same + np.random.default_rng(0).normal(size=same.shape, scale=0.12)))
    worse = benchmark_discovery.compare({"theme_head": blurred, "untouched": same}, intents, sample=600, min_size=12)
    assert worse["ratio"]["noise_to_the_nearest"]["value"] < 0.95
