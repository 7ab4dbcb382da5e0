"""The layers of the design: who may import whom, and what `import cx_nlp` may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "cx_nlp": {"prefect", "pipelines", "cx_nlp_pipelines", "models", "torch", "transformers"},
    "pipelines": {"models", "torch", "transformers"},
    "models": {"prefect", "pipelines", "cx_nlp_pipelines"},
}
# The one file that may load them, where a config names a checkpoint; `import cx_nlp.score.scorer` does without.
TORCH_LIVES = "cx_nlp/score/classifier.py"


def imports_of(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_no_layer_imports_what_it_may_not(layer):
    files = sorted((ROOT / layer).rglob("*.py"))
    assert files, f"no files found in {layer}"
    wrong = {str(f.relative_to(ROOT)): bad for f in files if (bad := imports_of(f) & FORBIDDEN[layer])}
    assert wrong == ({TORCH_LIVES: {"torch", "transformers"}} if layer == "cx_nlp" else {})


def test_scoring_without_a_checkpoint_loads_no_torch():
    heavy = ["torch", "transformers", "huggingface_hub"]
    code = f"import sys, cx_nlp.score.scorer, cx_nlp.score.hub; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["cx_nlp", "cx_nlp.cli", "cx_nlp.schema"])
def test_importing_is_light(module):
    heavy = ["torch", "transformers", "spacy", "prefect", "onnxruntime", "openvino", "sklearn", "datasets"]
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_modules_stay_short():
    long = {
        str(f.relative_to(ROOT)): n
        for layer in FORBIDDEN
        for f in (ROOT / layer).rglob("*.py")
        if (n := len(f.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}
