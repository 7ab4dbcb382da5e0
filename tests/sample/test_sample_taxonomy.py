from pathlib import Path

import yaml

from cx_nlp.config import load_config
from cx_nlp.measures.actions import find_theme
from cx_nlp.themes.taxonomy import load_taxonomies

CONFIGS = Path(__file__).parents[2] / "configs"


def test_the_samples_taxonomy_knows_every_theme_that_something_was_done_about():
    config = load_config(CONFIGS / "sample.yaml")
    known = [theme.theme_id for theme in load_taxonomies(config.taxonomies).themes]
    rows = (CONFIGS / "sample" / "actions.csv").read_text(encoding="utf-8").splitlines()
    themes = [row.split(",")[1] for row in rows[1:]]
    assert len(themes) == 2 and all(find_theme(theme, known) for theme in themes)


def test_facts_about_themes_name_themes_of_the_taxonomy():
    known = [theme.theme_id for theme in load_taxonomies(load_config(CONFIGS / "sample.yaml").taxonomies).themes]
    facts = yaml.safe_load((CONFIGS / "sample" / "facts.yaml").read_text(encoding="utf-8"))["facts"]
    themes = {fact["scope"]["theme"] for fact in facts if fact.get("scope", {}).get("theme")}
    assert len(themes) >= 4 and {theme for theme in themes if find_theme(theme, known) is None} == set()
