"""Shared by all tests: where the development data lies, and golden files."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before numpy is imported: threads that compete for cores are far slower
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write what the code gives now into tests/golden; review the diff"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """golden(name, value): compare a JSON value with tests/golden/<name>.json, or write it with --update-golden."""

    def check(name: str, value: object) -> None:
        path = GOLDEN / f"{name}.json"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")
        assert path.exists(), f"{path.name} is missing: run pytest --update-golden and review it"
        assert value == json.loads(path.read_text(encoding="utf-8"))

    return check


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The shared development data: CX_NLP_DATA, else ../shared/data beside the repository. Skips where absent."""
    root = Path(os.environ.get("CX_NLP_DATA") or ROOT.parent / "shared" / "data")
    if not root.is_dir():
        pytest.skip("development data not here: set CX_NLP_DATA or put it at ../shared/data beside the repository")
    return root


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder built on the spot, see tests/tiny_model.py."""
    from tests import tiny_model

    return tiny_model.build(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def one_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights compute a count in place of all measures, see `nights.one_figure`."""
    from cx_nlp import measures
    from tests import nights

    monkeypatch.setattr(measures, "tables", nights.one_figure)
