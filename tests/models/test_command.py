from pathlib import Path

import pytest

RECIPES = sorted((Path(__file__).parents[2] / "models" / "recipes").glob("*.py"))


@pytest.mark.parametrize(
    "path", [p for p in RECIPES if "__main__" in p.read_text(encoding="utf-8")], ids=lambda p: p.stem
)
def test_a_recipes_command_is_called_and_not_just_named(path):
    assert path.read_text(encoding="utf-8").rstrip().endswith(("main()", "(main)()"))
