"""The examples of docs/schedules.md and docs/quality.md are read by the code that they are for, and say its defaults."""

import re
from pathlib import Path

import pytest

from cx_nlp.config import load_config
from cx_nlp.quality_config import Limits, QualityConfig

DOCS = Path(__file__).parents[1] / "docs"
EXAMPLES = [
    pytest.param(text, id=f"{name}-{number}")
    for name in ("schedules", "quality")
    for number, text in enumerate(
        re.findall(r"```yaml\n(.*?)```", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_loads(text, tmp_path):
    (tmp_path / "night.yaml").write_text(text)
    assert load_config(tmp_path / "night.yaml").sources["survey"].kind == "csv"


def test_both_documents_have_one():
    assert len(EXAMPLES) == 2


def test_every_check_is_listed_with_its_default():
    table = (DOCS / "quality.md").read_text(encoding="utf-8")
    default = QualityConfig.model_validate({})
    for name in QualityConfig.model_fields:
        limits = getattr(default, name)
        if not isinstance(limits, Limits):
            continue
        (line,) = [line for line in table.splitlines() if re.match(rf"\| `{name}(_|`)", line)][:1]
        level, bound = ("stops", limits.stop) if limits.stop is not None else ("warns", limits.warn)
        assert level in line and re.search(rf"\b{bound:g}\b", line), line
