from dataclasses import replace

import numpy as np
import pytest

from cx_nlp import discovery
from cx_nlp.themes import growth
from cx_nlp.themes.growth import Limits, grow
from cx_nlp.themes.registry import POOL, Registry, dimension, forget, match, quotes, reembed, survivor
from cx_nlp.themes.vectors import grid, unit
from tests.themes import planted

LIMITS = Limits(min_mentions=12, min_customers=5, sample=1_000)


def same(one: Registry, other: Registry) -> bool:
    """To the byte, as files would be."""
    return (
        one.themes == other.themes
        and (one.steps, one.next_number) == (other.steps, other.next_number)
        and one.mentions.astype(str).equals(other.mentions.astype(str))
        and np.array_equal(one.vectors, other.vectors)
    )


@pytest.fixture(scope="module")
def known() -> Registry:
    """Two themes, zipper and lantern, founded on one night."""
    return grow(Registry(), *planted.said({0: 60, 1: 40}, noise=60), LIMITS)


def words_of(registry: Registry) -> dict[str, str]:
    return {theme.theme_id: theme.name for theme in registry.active}


def test_what_many_say_becomes_a_theme_and_the_rest_waits(known):
    assert words_of(known) == {"new/1": "zipper", "new/2": "lantern"}
    assert known.next_number == 3 and known.steps == 1
    assert all(name.endswith("odd") for name in known.mentions["mention"].iloc[known.rows_of(POOL)])


def test_later_mentions_get_the_same_theme_and_others_none(known):
    mentions, vectors = planted.said({1: 50, 0: 50, 2: 50}, night=1, noise=50)
    numbers, scores = match(known, vectors)
    truth = mentions["mention"].map({"the lantern": 2, "the zipper": 1}).fillna(POOL).to_numpy()
    assert (numbers == truth)[truth != POOL].mean() > 0.85
    assert (numbers == truth)[truth == POOL].all()
    assert ((scores > 0) == (numbers != POOL)).all() and scores.max() <= 1


def test_a_row_is_matched_by_itself_alone(known):
    _, vectors = planted.said({1: 50, 0: 50}, night=1, noise=50)
    numbers, scores = match(known, vectors)
    alone = [match(known, vectors[i : i + 1]) for i in range(len(vectors))]
    assert [one[0].item() for one, _ in alone] == numbers.tolist()
    assert [one[0].item() for _, one in alone] == scores.tolist()


def test_a_new_theme_takes_nothing_from_an_older_one(known):
    _, before = planted.said({0: 200}, night=7)
    numbers, _ = match(known, before)
    axes = planted.directions(2)
    # A new theme at the edge of the old: some of the old one's mentions lie nearer to it.
    rng = np.random.default_rng(1)
    near = planted.around(axes[0] * 0.7 + axes[1] * -0.7, 80, rng=rng, spread=0.2)
    later = grow(known, planted.mentions(["saddle"] * 80, night=8), grid(near), LIMITS)
    assert "saddle" in words_of(later).values()
    again, _ = match(later, before)
    assert (again == numbers)[numbers != POOL].all()


def test_the_order_of_mentions_changes_no_byte():
    mentions, vectors = planted.said({0: 60, 1: 40, 2: 30}, noise=80)
    one = grow(Registry(), mentions, vectors, LIMITS)
    shuffled = np.random.default_rng(3).permutation(len(vectors))
    assert same(one, grow(Registry(), mentions.iloc[shuffled], vectors[shuffled], LIMITS))
    assert len(one.active) == 3


def test_few_mentions_found_nothing(known):
    for counts, customers in (({0: 3}, None), ({0: 8}, None), ({0: 40}, 4)):
        registry = grow(Registry(), *planted.said(counts, noise=40, customers=customers), LIMITS)
        assert registry.themes == () and registry.next_number == 1
    assert grow(known, *planted.said({}), LIMITS) is known


def test_mentions_gather_over_nights_until_they_are_enough():
    registry = Registry()
    for night in range(4):
        registry = grow(registry, *planted.said({3: 6}, night=night, noise=20), LIMITS)
    assert words_of(registry) == {"new/1": "saddle"}


def test_the_pool_is_bounded_and_the_oldest_make_room():
    limits = replace(LIMITS, sample=100)
    registry = grow(Registry(), *planted.said({}, night=0, noise=80), limits)
    registry = grow(registry, *planted.said({}, night=1, noise=70), limits)
    steps = registry.mentions["step"].value_counts().to_dict()
    assert steps == {2: 70, 1: 30}
    registry = grow(registry, *planted.said({}, night=2, noise=300), limits)
    assert len(registry.mentions) == 100 and set(registry.mentions["step"]) == {3}


def test_a_mention_scored_anew_is_kept_once(known):
    pool = known.rows_of(POOL)
    again = known.mentions.iloc[pool].drop(columns=["number", "step"])
    later = grow(known, again, known.vectors[pool], LIMITS)
    assert not later.mentions.duplicated(["source", "feedback_id", "mention_id"]).any()
    assert len(later.mentions) == len(known.mentions)


def test_at_the_most_no_theme_is_added(known):
    full = replace(LIMITS, max_themes=2)
    later = grow(known, *planted.said({4: 60}, night=1, noise=40), full)
    assert words_of(later) == words_of(known)


def test_forget_removes_a_person_and_keeps_the_theme(known):
    rows = known.mentions[known.mentions["number"] == 1].head(5)
    keys = set(zip(rows["source"], rows["feedback_id"], strict=True))
    left = forget(known, keys)
    assert not keys & set(zip(left.mentions["source"], left.mentions["feedback_id"], strict=True))
    assert len(left.mentions) == len(known.mentions) - 5 and left.themes == known.themes
    assert forget(known, [("other", "x")]) is known


def test_a_theme_without_exemplars_is_retired_and_its_number_stays_taken(known):
    rows = known.mentions[known.mentions["number"] == 2]
    left = forget(known, zip(rows["source"], rows["feedback_id"], strict=True))
    assert [theme.is_retired for theme in left.themes] == [False, True]
    assert {row["theme_id"]: row["status"] for row in dimension(left)} == {"new/1": "active", "new/2": "retired"}
    later = grow(left, *planted.said({1: 40}, night=5, noise=40), LIMITS)
    assert words_of(later) == {"new/1": "zipper", "new/3": "lantern"}


def test_another_model_keeps_the_ids(known):
    """The same space, turned and with a common direction added, as another encoder's may be."""
    turn = planted.directions(planted.WIDTH, seed=9)
    shift = planted.directions(1, seed=10)[0] * 0.5

    def other(vectors: np.ndarray) -> np.ndarray:
        return grid(unit(vectors) @ turn + shift)

    moved = reembed(known, other(known.vectors), model="other@1")
    assert moved.model == "other@1" and moved.themes[0].threshold > known.themes[0].threshold
    _, vectors = planted.said({0: 200, 1: 200}, night=1)
    before, after = match(known, vectors)[0], match(moved, other(vectors))[0]
    assert (before == after)[before != POOL].mean() > 0.97
    with pytest.raises(ValueError, match="3 vectors for"):
        reembed(known, known.vectors[:3], model="x")


def test_quotes_are_different_typical_and_allowed(known):
    mentions = known.mentions.copy()
    mentions["mention"] = [f"{text} {i % 4}" for i, text in enumerate(mentions["mention"])]
    mentions["may_quote"] = [False if text.endswith("3") else None for text in mentions["mention"]]
    found = quotes(replace(known, mentions=mentions), 1, n=5)
    assert sorted(found) == ["the zipper 0", "the zipper 1", "the zipper 2"]
    assert quotes(known, 1) == ["the zipper"] and quotes(known, 99) == []


def test_survivor_follows_merges(known):
    one, other = known.themes
    merged = replace(known, themes=(one, replace(other, merged_into=1, is_retired=True)))
    assert [survivor(merged, number) for number in (1, 2)] == [1, 1]
    assert dimension(merged)[1]["merged_into"] == "new/1"


def test_the_log_says_how_many_themes_of_the_night_were_merged_in_it(known, caplog):
    one, other = known.themes
    merged = replace(known, themes=(one, replace(other, merged_into=1, is_retired=True)))
    with caplog.at_level("INFO", logger="cx_nlp"):
        discovery._log(Registry(), merged)
        discovery._log(known, merged)
        discovery._log(merged, merged)
    said = [record.getMessage().split(";")[0] for record in caplog.records]
    assert said == [
        f"themes: 1 discovered ones, {new} of them new, {gone} merged" for new, gone in ((2, 1), (0, 1), (0, 0))
    ]


def test_the_sample_is_drawn_by_keys():
    mentions, _ = planted.said({0: 50})
    chosen = set(mentions["feedback_id"].iloc[growth.order(mentions)[:10]])
    turned = mentions.iloc[::-1]
    assert chosen == set(turned["feedback_id"].iloc[growth.order(turned)[:10]])
    assert chosen != set(mentions["feedback_id"].iloc[:10])
