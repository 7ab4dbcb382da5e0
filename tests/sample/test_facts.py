"""Facts: what can be said, and that anything else is refused with one line that helps."""

import datetime as dt
import pickle
from pathlib import Path

import pytest

from cx_nlp.errors import UnknownName, UsageError
from cx_nlp.sample import build, generate, load_facts, parse_facts
from cx_nlp.sample.facts import KINDS

SHIPPED = Path(__file__).parents[2] / "configs" / "sample" / "facts.yaml"
LEVEL = {"id": "a", "kind": "level", "says": "x", "measure": "nps", "scope": {"touchpoint": "buy"}, "value": 30}
CHANGE = LEVEL | {"id": "b", "kind": "change", "value": -20, "window": {"from": 10, "to": 16}}
DRIVER = {"id": "c", "kind": "driver", "says": "x", "measure": "nps", "scope": {"theme": "packaging"}, "share": 0.2}
DRIVER |= {"value": -30}


def test_shipped_list_has_every_kind_of_fact_that_later_work_must_find():
    facts = load_facts(SHIPPED)
    kinds = {fact.kind for fact in facts}
    assert kinds == set(KINDS) - {"contrast"}
    levels = {(fact.measure, fact.scope.touchpoint) for fact in facts if fact.kind == "level"}
    assert {measure for measure, touchpoint in levels if touchpoint} == {"nps", "csat", "ces"}
    drivers = {fact.scope.theme: fact.share for fact in facts if fact.kind == "driver"}
    decoys = {fact.scope.theme: fact.share for fact in facts if fact.kind == "decoy"}
    assert list(drivers.values()) == list(decoys.values()), "a decoy is as frequent as the driver"
    actions = sorted(fact.value != 0 for fact in facts if fact.kind == "action")
    assert actions == [False, True], "one action worked and one did not"
    assert all(fact.says and fact.id for fact in facts)


def test_failure_is_in_week_nine():
    weeks = {
        fact.window.first.isocalendar().week for fact in load_facts(SHIPPED) if fact.kind == "change" and fact.window
    }
    assert weeks == {9}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "levle"}, "unknown kind 'levle', did you mean 'level'?"),
        ({"valeu": 3}, "unknown key 'valeu', did you mean 'value'?"),
        ({"measure": "npss"}, "unknown measure of fact 'a' 'npss', did you mean 'nps'?"),
        ({"scope": {"touchpont": "buy"}}, "unknown key 'touchpont', did you mean 'touchpoint'?"),
        ({"scope": {"touchpoint": "bye"}}, "unknown touchpoint in a scope 'bye', did you mean 'buy'?"),
        ({"scope": {"theme": "packging"}}, "did you mean 'packaging'?"),
        ({"scope": {"segment": "new"}}, "unknown scope key of fact 'a' 'segment'"),
        ({"scope": {"source": "reviews"}}, "scope.source can only be 'survey' here, got 'reviews'"),
        ({"scope": {"respondent_role": "leader"}}, "scope.respondent_role can only be 'customer' here"),
        ({"value": "much"}, "value: Input should be a valid number"),
        ({"window": {"from": 3, "to": 4}}, "fact 'a' has no window"),
        ({"id": "A fact"}, "id: String should match pattern"),
    ],
)
def test_a_wrong_fact_is_refused_with_its_name(changes, message):
    with pytest.raises(UsageError) as caught:
        parse_facts([LEVEL | changes], where="facts.yaml")
    assert message in str(caught.value)
    assert "facts.yaml: fact " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": None}, "needs a window"),
        ({"window": {"from": 3}}, "window.to is missing"),
        ({"window": {"from": 3, "till": 4}}, "unknown key 'till'"),
        ({"measure": "theme_share"}, "scope.theme and baseline belong to the measure theme_share"),
        ({"baseline": 0.2}, "scope.theme and baseline belong to the measure theme_share"),
    ],
)
def test_a_wrong_change_is_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        parse_facts([CHANGE | changes])


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ([LEVEL, LEVEL], "given twice"),
        ([LEVEL, LEVEL | {"id": "z"}], "level of nps is stated twice"),
        ([CHANGE, CHANGE | {"id": "z", "window": {"from": 30, "to": 36}}], "covers this scope already"),
        ([DRIVER, DRIVER | {"id": "z", "measure": "csat", "share": 0.3, "value": -0.5}], "theme 'packaging' otherwise"),
        ([LEVEL | {"value": -90}, DRIVER | {"value": -60}], "add up to a mean of .* at touchpoint 'buy'"),
        ([CHANGE | {"window": {"from": 85, "to": 95}}], "fact 'b': window 85 to 95 is not within the 90 days"),
        ([CHANGE | {"window": {"from": dt.date(2025, 1, 1), "to": dt.date(2025, 1, 7)}}], "not within the 90 days"),
        (
            [{**LEVEL, "measure": "responses", "kind": "change", "window": {"from": 1, "to": 2}, "value": 0}],
            "factor above 0",
        ),
        ([DRIVER | {"share": 1.5}], "share: Input should be less than or equal to 1"),
        ([DRIVER | {"kind": "decoy", "value": 5}], "value: Input should be 0"),
    ],
)
def test_facts_that_contradict_each_other_are_refused(facts, message):
    with pytest.raises(UsageError, match=message):
        build(parse_facts(facts))


def test_top_box_beyond_reach_and_wrong_overall_nps_are_refused():
    belief = {"id": "b", "kind": "belief_gap", "says": "x", "statement": "y", "believed": 0.8, "n_leaders": 9}
    level = {"id": "a", "kind": "level", "says": "x", "measure": "csat", "value": 4.5}
    with pytest.raises(UsageError, match=r"no answers with the stated levels of csat have 0.01 in the top box"):
        build(parse_facts([level, belief | {"measure": "csat_top_box", "value": 0.01}]))
    with pytest.raises(UsageError, match=r"value is 50, but the levels of nps give 30\.00"):
        build(parse_facts([LEVEL | {"scope": {}}, belief | {"measure": "nps", "value": 50}]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("facts: 3", "expected one key, facts, with a list"),
        ("- a", "expected one key, facts"),
        ("facts: [3]", "fact 1: expected a mapping, got int"),
        ("facts: [", "not readable as YAML"),
    ],
)
def test_a_file_that_holds_no_facts(tmp_path, content, message):
    path = tmp_path / "facts.yaml"
    path.write_text(content)
    with pytest.raises(UsageError, match=message) as caught:
        load_facts(path)
    assert str(path) in str(caught.value)


def test_no_file():
    with pytest.raises(UsageError, match="facts not found"):
        load_facts(Path("nowhere.yaml"))


def test_day_numbers_and_dates_mean_the_same_window():
    dated = CHANGE | {"window": {"from": dt.date(2026, 1, 8), "to": dt.date(2026, 1, 14)}}
    by_day, by_date = (generate(seed=1, rows=50, facts=parse_facts([fact])) for fact in (CHANGE, dated))
    assert by_day.truth.equals(by_date.truth)


def test_unknown_names_are_usage_errors():
    with pytest.raises(UnknownName) as caught:
        parse_facts([LEVEL | {"scope": {"touchpoint": "suport"}}])
    assert "did you mean 'support'?" in str(caught.value)
