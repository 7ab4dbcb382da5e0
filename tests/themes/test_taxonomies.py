"""The shipped taxonomies beside `general`, and what the document on taxonomies says."""

import re
from functools import cache
from pathlib import Path

import pytest

from cx_nlp.shipped import shipped
from cx_nlp.themes import analyse, load_taxonomies
from cx_nlp.themes.trace import table, trace_patterns

DOCUMENT = (Path(__file__).parents[2] / "docs" / "taxonomies.md").read_text(encoding="utf-8")
SHIPPED = ["health", "hospitality"]


@cache
def loaded(name: str):
    return load_taxonomies([name])  # runs the examples of the file


@pytest.fixture(scope="module", params=SHIPPED)
def taxonomy(request):
    return loaded(request.param)


def themes_of(text: str, taxonomy) -> set[str]:
    return {h.theme_id.partition("/")[2] for m in next(analyse([text], taxonomy)).mentions for h in m.themes}


def test_all_that_ship_are_tested():
    assert {path.stem for path in shipped("configs/taxonomies").glob("*.yaml")} == {"general", *SHIPPED}


def test_every_theme_has_an_owner_patterns_seeds_and_an_example(taxonomy):
    for theme in taxonomy.themes:
        assert theme.owner and theme.patterns and theme.seeds and theme.examples, theme.theme_id
    assert sum(len(theme.counter_examples) for theme in taxonomy.themes) >= 15
    assert len(taxonomy.themes) >= 35 and len({t.parent_theme_id for t in taxonomy.themes}) >= 7


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("health", "The paramedics were kind but we waited three hours.", {"staff_manner", "timeliness"}),
        ("health", "The ambulance arrived quickly.", {"arrival"}),
        ("health", "Nobody explained my medication before I was discharged.", {"explanation", "medication", "discharge"}),
        ("health", "I was on hold for ages and the receptionist was rude.", {"contacting", "staff_manner"}),
        ("health", "I like turtles.", set()),
        ("hospitality", "Our waiter was rude, the pasta bland and the bill too high.",
         {"staff_attitude", "taste", "billing"}),
        ("hospitality", "Great view and a comfortable bed, but the wifi was slow.", {"location", "bed_sleep", "facilities"}),
        ("hospitality", "We waited an hour for a table although we had a reservation.", {"service_speed", "booking"}),
        ("hospitality", "I like turtles.", set()),
    ],
)  # fmt: skip
def test_common_complaints_and_praise(name, text, expected):
    found = themes_of(text, loaded(name))
    assert found >= expected
    assert expected or not found


def test_the_document_s_taxonomy_loads_and_does_what_it_says(tmp_path):
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    path = tmp_path / "shop.yaml"
    path.write_text(block, encoding="utf-8")
    shop = load_taxonomies([str(path)])
    assert themes_of("My parcel arrived late.", shop) == {"late"}
    assert themes_of("The courier never smiled.", shop) == {"delivery"}


def test_the_document_s_trace_is_what_the_command_prints():
    text = re.search(r'themes trace general --text "(.*?)"', DOCUMENT)[1]
    general = loaded("general")
    shown = table(trace_patterns(text, general), next(analyse([text], general)))
    first = shown.split("\n'")[0]
    assert "\n".join(f"    {line}" for line in first.splitlines()) in DOCUMENT
