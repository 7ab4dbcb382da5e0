"""The benchmark of themes: mappings that fit their taxonomies, and figures on a set of three sentences."""

from pathlib import Path

import pytest

from cx_nlp.errors import UsageError
from cx_nlp.themes import Taxonomy, Theme, load_taxonomies
from models.recipes import benchmark_themes
from models.recipes.sets import SETS, load

MAPPINGS = sorted((Path(__file__).parents[2] / "configs" / "themes").glob("*.yaml"))
XML = """<sentences>
<sentence><text>The soup was cold but the waiter was charming.</text><aspectCategories>
<aspectCategory category="food" polarity="negative"/><aspectCategory category="staff" polarity="positive"/>
</aspectCategories></sentence>
<sentence><text>Cheap it is not.</text><aspectCategories>
<aspectCategory category="price" polarity="negative"/></aspectCategories></sentence>
<sentence><text>We drove on.</text><aspectCategories>
<aspectCategory category="miscellaneous" polarity="neutral"/></aspectCategories></sentence>
</sentences>"""


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda p: p.name)
def test_a_mapping_says_how_to_run_it_and_fits_set_and_taxonomy(path):
    mapping = benchmark_themes.read_mapping(path)
    assert path.read_text(encoding="utf-8").startswith("# python -m models.recipes.benchmark_themes zero-shot")
    assert mapping.split in SETS[mapping.set].files
    categories = benchmark_themes.category_of(mapping, load_taxonomies([mapping.taxonomy]))
    assert set(categories.values()) == set(mapping.categories)


def test_a_child_stands_where_its_parent_does_unless_it_is_listed():
    themes = (Theme("t/a", "A"), Theme("t/b", "B", "t/a"), Theme("t/c", "C", "t/a"), Theme("t/d", "D"))
    mapping = benchmark_themes.CategoryMapping(
        set="x", split="y", taxonomy="t", categories={"one": ["a"], "two": ["c"]}
    )
    assert benchmark_themes.category_of(mapping, Taxonomy("t-1", themes)) == {"t/a": "one", "t/b": "one", "t/c": "two"}
    wrong = mapping.model_copy(update={"categories": {"one": ["z"]}})
    with pytest.raises(UsageError, match="t has no theme z; it has a, b, c, d"):
        benchmark_themes.category_of(wrong, Taxonomy("t-1", themes))


def test_a_mapping_that_does_not_fit_is_told_in_one_line(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("set: x\nsplit: y\n", encoding="utf-8")
    with pytest.raises(UsageError, match="taxonomy") as caught:
        benchmark_themes.read_mapping(path)
    assert "\n" not in str(caught.value)


def test_zero_shot_on_a_set_of_three_sentences(tmp_path, tiny):
    folder = tmp_path / "aspect" / "mams-acsa"
    folder.mkdir(parents=True)
    (folder / "val.xml").write_text(XML, encoding="utf-8")
    assert load("mams-acsa", "dev", tmp_path)["labels"] == [["food", "staff"], ["price"], ["miscellaneous"]]
    report = benchmark_themes.zero_shot(
        tmp_path, benchmark_themes.read_mapping(benchmark_themes.MAPPING), model=str(tiny), threads=1
    )
    assert report["n"] == 3 and report["labels"] == ["food", "staff", "price", "miscellaneous"]
    assert report["per_label"]["food"]["recall"] == report["per_label"]["price"]["recall"] == 1.0
    assert report["per_label"]["miscellaneous"]["recall"] == 0.0


def test_nhs_themes_are_halved_by_respondent_and_hold_no_text_twice(data_root):
    halves = {split: load("nhs-themes", split, data_root).to_pandas() for split in ("tune", "report")}
    assert not set(halves["tune"]["respondent"]) & set(halves["report"]["respondent"])
    texts = [text.casefold() for half in halves.values() for text in half["text"]]
    assert len(texts) == len(set(texts)) > 3000
    assert all(len(half) > 1400 for half in halves.values())
    given = {label for half in halves.values() for its in half["labels"] for label in its}
    assert "Timeliness of care" in given and not given & {"Not assigned", "Labelling not possible"}
