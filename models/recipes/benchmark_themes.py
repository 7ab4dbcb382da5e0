"""How well themes are found in sets that were labelled by others.

    python -m models.recipes.benchmark_themes zero-shot --data-root DATA [--mapping configs/themes/mams-acsa.yaml]
        [--split S] [--json]

zero-shot: a shipped taxonomy, untouched by the set, against the set's categories. The mapping says which themes stand
for which category; nothing else is set.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import Field, ValidationError

from cx_nlp.errors import UsageError
from cx_nlp.evaluate_table import format_report
from cx_nlp.evaluate_themes import Predict, judge
from cx_nlp.score.judge import taxonomy_predictor
from cx_nlp.strict import Strict
from cx_nlp.themes.taxonomy import Taxonomy, load_taxonomies
from models.recipes.command import one_line
from models.recipes.sets import load

MAPPING = Path(__file__).parents[2] / "configs/themes/mams-acsa.yaml"
_SEED = 0  # of the bootstrap


class CategoryMapping(Strict):
    set: str = Field(description="a name of models.recipes.sets, with columns text and labels")
    split: str
    taxonomy: str
    categories: dict[str, list[str]] = Field(
        description="category -> ids of themes, parents standing for their children"
    )


def read_mapping(path: Path) -> CategoryMapping:
    """Raises UsageError, one line, for a file that does not fit."""
    try:
        return CategoryMapping.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())[:300]}") from None


def category_of(mapping: CategoryMapping, taxonomy: Taxonomy) -> dict[str, str]:
    """theme id -> the category that it stands for; a theme that is listed nowhere, nor its parent, is left out.

    Raises UsageError for an id that the taxonomy does not have.
    """
    slugs = {theme.theme_id.partition("/")[2]: theme.theme_id for theme in taxonomy.themes}
    listed = {slug: category for category, its in mapping.categories.items() for slug in its}
    unknown = sorted(set(listed) - set(slugs))
    if unknown:
        raise UsageError(f"{mapping.taxonomy} has no theme {', '.join(unknown)}; it has {', '.join(slugs)}")
    out = {}
    for theme in taxonomy.themes:
        parent = theme.parent_theme_id.partition("/")[2] if theme.parent_theme_id else ""
        slug = theme.theme_id.partition("/")[2]
        if slug in listed or parent in listed:
            out[theme.theme_id] = listed.get(slug) or listed[parent]
    return out


def translated(predict: Predict, to: Mapping[str, str]) -> Predict:
    """A function that gives themes -> one that gives their categories."""
    return lambda texts: [{to[theme] for theme in its if theme in to} for its in predict(texts)]


def zero_shot(root: Path, mapping: CategoryMapping, *, model: str, threads: int = 0) -> dict[str, Any]:
    """-> a report as of `cx-nlp evaluate themes`, its labels being the set's categories that the mapping names."""
    rows = load(mapping.set, mapping.split, root).to_pandas()
    taxonomy = load_taxonomies([mapping.taxonomy])
    predict = taxonomy_predictor(taxonomy, model=model, threads=threads)
    return judge(
        translated(predict, category_of(mapping, taxonomy)),
        rows["text"].tolist(),
        [[label for label in its if label in mapping.categories] for its in rows["labels"]],
        dict.fromkeys(mapping.categories),
        rng=np.random.default_rng(_SEED),
        model=taxonomy.version,
        groups=rows["respondent"].to_numpy() if "respondent" in rows else None,
    )


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    shot = commands.add_parser("zero-shot", help="a shipped taxonomy against the categories of a set")
    shot.add_argument("--mapping", type=Path, default=MAPPING)
    shot.add_argument("--split", help="in place of the mapping's")
    for command in (shot,):
        command.add_argument("--data-root", type=Path, required=True)
        command.add_argument("--model", default="minilm-cx")
        command.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    mapping = read_mapping(args.mapping)
    if args.split:
        mapping = mapping.model_copy(update={"split": args.split})
    report = zero_shot(args.data_root, mapping, model=args.model)
    print(json.dumps(report) if args.json else format_report(report))


if __name__ == "__main__":
    main()
