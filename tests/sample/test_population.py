"""What is stated holds in the population exactly, and in large draws within their sampling error."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cx_nlp.sample import build, generate, load_facts, parse_facts, tilt, world
from cx_nlp.sample.observe import observe, table

FACTS = load_facts(Path(__file__).parents[2] / "configs" / "sample" / "facts.yaml")
ROWS = 200_000


@pytest.fixture(scope="module")
def draws() -> list[pd.DataFrame]:
    return [table(FACTS, generate(seed=seed, rows=ROWS, facts=FACTS).truth) for seed in (101, 102, 103)]


def test_stated_values_are_the_means_of_the_cells():
    population = build(FACTS)
    for measure, model in population.ratings.items():
        cells = list(model.cells(population.weights))
        assert sum(p for p, _, _ in cells) == pytest.approx(1)
        for t, touchpoint in enumerate(world.TOUCHPOINTS):
            mine = [(p, mean) for p, mean, name in cells if name == touchpoint]
            level = sum(p * mean for p, mean in mine) / sum(p for p, _ in mine)
            assert level == pytest.approx(model.levels[t], abs=1e-9), (measure, touchpoint)
    stated = {(f.measure, f.scope.touchpoint): f.value for f in FACTS if f.kind == "level" and f.scope.touchpoint}
    for (measure, touchpoint), value in stated.items():
        assert population.ratings[measure].levels[list(world.TOUCHPOINTS).index(touchpoint)] == value


def test_top_box_of_the_population_is_the_stated_one():
    population = build(FACTS)
    model = population.ratings["csat"]
    cells = list(model.cells(population.weights))
    shares = tilt.means_to_shares("csat", np.array([mean for _, mean, _ in cells]), top=model.top)
    top = np.array([p for p, _, _ in cells]) @ shares[:, -1]
    assert top == pytest.approx(next(f.value for f in FACTS if f.id == "superior-experience"), abs=1e-6)


@pytest.mark.parametrize("measure", world.SCALES)
def test_tilted_shares_have_the_mean_and_stay_shares(measure):
    score = world.score(measure)
    means = np.linspace(score.min() * 0.97 + score.max() * 0.03, score.max() * 0.97 + score.min() * 0.03, 25)
    shares = tilt.means_to_shares(measure, means)
    assert shares.min() > 0
    assert shares.sum(axis=1) == pytest.approx(np.ones(25))
    assert shares @ score == pytest.approx(means, abs=1e-6)
    base = tilt.means_to_shares(measure, np.array([tilt.base_mean(measure)]))[0]
    assert base == pytest.approx(np.array(world.SHARES[measure]) / sum(world.SHARES[measure]), abs=1e-6)


def test_a_large_draw_agrees_with_the_population_within_sampling_error(draws):
    zs = pd.concat(draws, ignore_index=True)
    zs = zs[zs["part"] != "before"].assign(z=lambda t: (t["value"] - t["stated"]) / t["error"])
    worst = zs.loc[zs["z"].abs().idxmax()]
    assert zs["z"].notna().all()
    assert abs(worst["z"]) < 4.5, worst.to_dict()
    # Too small an error would hide a bias, too large a one would excuse it.
    assert 0.6 < (zs["z"] ** 2).mean() < 1.5


def test_a_large_draw_has_no_mention_of_the_new_theme_before_its_day(draws):
    for found in draws:
        assert found[found["part"] == "before"]["value"].tolist() == [0.0]


def test_the_shipped_draw_shows_its_facts():
    """Seed 3 was chosen for this: with 1,200 rows an effect can hide, and the shipped ones should not."""
    found = table(FACTS, generate(seed=3, rows=1200, facts=FACTS).truth)
    found = found[found["error"] > 0].assign(z=lambda t: (t["value"] - t["stated"]) / t["error"])
    assert found["z"].abs().max() < 2.5
    by_id = found[found["part"] == "value"].set_index("id")
    effects = by_id[by_id.index.str.match("failure-(?!volume)|driver|silent|call-back|tone|superior")]
    assert len(effects) == 10
    assert (effects["value"].abs() > 3 * effects["error"]).all()
    decoys = by_id[by_id.index.str.match("decoy|refund")]
    assert (decoys["value"].abs() < 2 * decoys["error"]).all()


def test_errors_are_small_enough_to_tell(draws):
    """A test that allows anything proves nothing: the effects stand out by far."""
    for found in draws:
        by_id = found[found["part"] == "value"].set_index("id")
        for name in ("failure-nps", "driver-attitude-nps", "silent-raters-kinder", "failure-theme", "call-back-worked"):
            assert abs(by_id.loc[name, "value"]) > 8 * by_id.loc[name, "error"], name


def _differences(truth: pd.DataFrame) -> list[tuple[str, float]]:
    """z of each planted difference against none; levels against the base mean."""
    found = []
    for fact in FACTS:
        parts = {part.part: part for part in observe(fact, truth)}
        value = parts["value"]
        if fact.kind == "level":
            found.append((fact.id, (value.value - tilt.base_mean(fact.measure)) / value.error))
        elif fact.kind in ("marks_group", "emotion"):
            other = parts["baseline"]
            found.append((fact.id, (value.value - other.value) / np.hypot(value.error, other.error)))
        elif fact.kind == "new_theme":
            other = parts["before"]
            found.append((fact.id, (value.value - other.value) / np.hypot(value.error, other.error)))
        elif fact.id == "failure-volume":
            found.append((fact.id, (value.value - 1) / value.error))
        elif fact.kind in ("change", "driver", "decoy", "action", "commenters", "tone"):
            found.append((fact.id, value.value / value.error))
        elif fact.kind == "employees_first":
            employees, customers = parts["share_employees"], parts["share_customers"]
            error = np.hypot(employees.error, customers.error)
            found.append((fact.id, (employees.value - customers.value) / error))
    return found


def test_without_facts_all_groups_are_alike_in_a_large_draw():
    found = _differences(generate(seed=104, rows=ROWS // 2).truth)
    assert len(found) == len(FACTS) - 2, "all but the beliefs"
    worst = max(found, key=lambda pair: abs(pair[1]))
    assert abs(worst[1]) < 4, worst
    assert np.mean([z**2 for _, z in found]) < 1.8


def test_without_facts_small_draws_give_no_more_false_finds_than_chance():
    zs = [
        z for seed in range(200, 225) for _, z in _differences(generate(seed=seed, rows=1200).truth) if np.isfinite(z)
    ]
    assert len(zs) > 900
    assert np.mean(np.abs(zs) > 1.96) < 0.085


def test_each_fact_holds_alone_too():
    """Facts compose: taking all others away moves no value."""
    for fact in FACTS:
        if fact.id in (
            "failure-nps",
            "driver-attitude-nps",
            "silent-raters-kinder",
            "superior-experience",
            "ces-return",
        ):
            value = observe(fact, generate(seed=105, rows=30_000, facts=[fact]).truth)[0]
            assert abs(value.value - value.stated) < 4 * value.error, value


def test_a_segment_can_differ():
    fact = parse_facts(
        [{"id": "s", "kind": "contrast", "says": "x", "measure": "csat", "scope": {"segment": "trade"}, "value": -0.6}]
    )[0]
    value = observe(fact, generate(seed=106, rows=30_000, facts=[fact]).truth)[0]
    assert abs(value.value + 0.6) < 4 * value.error < 0.3


def test_planting_a_fact_moves_nothing_else():
    bare, planted = generate(seed=5, rows=2000), generate(seed=5, rows=2000, facts=FACTS[:1])
    left, right = bare.truth, planted.truth
    assert len(left) == len(right)
    # A comment's mood does not follow the rating unless a fact says so, so that even the themes stay.
    for column in ("source", "day", "submitted_at", "person", "channel", "touchpoint", "themes", "csat", "noise"):
        assert left[column].equals(right[column]), column
    elsewhere = left["touchpoint"] != FACTS[0].scope.touchpoint
    assert left["nps"][elsewhere].equals(right["nps"][elsewhere])
    assert not left["nps"].equals(right["nps"])


def test_too_few_rows_are_said_to_be_too_few():
    truth = generate(seed=1, rows=3).truth
    found = table(FACTS, truth)
    assert found["value"].isna().any()
    assert (found["error"].isna() | (found["n"] > 1) | (found["id"] == "failure-volume")).all()
    assert table([], truth).empty
