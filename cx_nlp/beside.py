"""What measures need beside the feedback: the optional files, the themes' owners, the model's known errors."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cx_nlp import identity, leader_files, outcome_files, store
from cx_nlp.config import Config
from cx_nlp.measures_config import FILES
from cx_nlp.schema import MEASURE_TABLES, THEMES
from cx_nlp.score.known_errors import emotional_confusion
from cx_nlp.score.model import find_model
from cx_nlp.themes.taxonomy import Taxonomy


def check(config: Config) -> None:
    """Read the files once before the lake is touched. Raises SourceError or UnknownName, one line, for a bad one."""
    nobody = identity.Hasher(b"")  # only to be checked: no key of a lake is made or read for it
    if config.measures.outcomes is not None:
        outcome_files.outcomes(config.measures.outcomes, nobody)
    if config.measures.loops is not None:
        outcome_files.loops(config.measures.loops)
    leader_files.check(config)


def options(config: Config, lake: Path, taxonomy: Taxonomy | None) -> dict[str, Any]:
    """Keywords of `cx_nlp.measures.tables`. taxonomy: None takes what the lake's last run wrote of its themes."""
    owners = _owners(lake, taxonomy)
    files = config.measures
    hasher = identity.Hasher(identity.load_key(lake))
    return {
        "confusions": emotional_confusion(find_model(config.model)),
        "most_advocates": files.advocates,
        "outcome_rows": None if files.outcomes is None else outcome_files.outcomes(files.outcomes, hasher),
        "loop_rows": None if files.loops is None else outcome_files.loops(files.loops),
        "leaders": leader_files.leaders(config, owners),
        "owners": {theme_id: owner for theme_id, owner in owners.items() if owner},
    }


def _owners(lake: Path, taxonomy: Taxonomy | None) -> dict[str, str | None]:
    """theme_id -> who acts on it, of all themes that the lake or the run knows."""
    known = store.read_table(store.themes_file(lake), THEMES).to_pylist()
    named = {row["theme_id"]: row["owner"] for row in known}
    return named | {theme.theme_id: theme.owner for theme in taxonomy.themes} if taxonomy else named


def digest(config: Config, confusions: Mapping[str, np.ndarray]) -> str:
    """16 hex digits of what measures follow from beside the lake's rows: another digest, new measures.

    confusions: as `options` gives them.
    """
    of = hashlib.sha256(config.measures.model_dump_json(exclude=set(FILES)).encode())
    of.update(repr([sorted(MEASURE_TABLES), {name: cells.tolist() for name, cells in confusions.items()}]).encode())
    for name in FILES:
        path = getattr(config.measures, name)
        of.update(path.read_bytes() if path is not None else b"")
    of.update(repr(config.alerts.all_rules()).encode())
    return of.hexdigest()[:16]
