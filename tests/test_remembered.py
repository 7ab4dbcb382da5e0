import json

import pytest

from cx_nlp import remembered
from cx_nlp.config import load_config
from cx_nlp.errors import UsageError
from tests import nights


@pytest.fixture
def config(tmp_path, tiny):
    return nights.survey(tmp_path, tiny)


def test_a_lake_remembers_all_but_its_sources(config):
    nights.run(config)
    lake, told = config.parent / "lake", load_config(config)
    found = remembered.recall(lake)
    assert found.sources == {} and found.lake == lake
    for name in type(told).model_fields:
        if name not in ("sources", "lake"):
            assert getattr(found, name) == getattr(told, name), name
    assert "in/*.csv" not in (lake / "_state" / "settings.json").read_text()
    assert remembered.of_config(found) == (lake / "_state" / "settings.json").read_text()
    assert remembered.of_config(remembered.without_sources(told)) == remembered.of_config(told)


def test_every_shipped_config_comes_back(tmp_path, tiny):
    from tests.conftest import ROOT

    for path in [
        *sorted((ROOT / "configs").glob("sample.yaml")),
        *sorted((ROOT / "configs" / "exports").glob("*.yaml")),
    ]:
        told = load_config(path)
        (tmp_path / "_state").mkdir(exist_ok=True)
        (tmp_path / "_state" / "settings.json").write_text(remembered.of_config(told))
        found = remembered.recall(tmp_path)
        assert found.model_dump(exclude={"sources", "lake"}) == told.model_dump(exclude={"sources", "lake"}), path.name


def test_none_and_another_versions_settings_are_one_line(tmp_path):
    with pytest.raises(UsageError, match="--config"):
        remembered.recall(tmp_path)
    (tmp_path / "_state").mkdir()
    (tmp_path / "_state" / "settings.json").write_text(json.dumps({"gone": 1}))
    with pytest.raises(UsageError, match="of another version") as caught:
        remembered.recall(tmp_path)
    assert "\n" not in str(caught.value)
