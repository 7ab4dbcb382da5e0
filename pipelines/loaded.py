"""Model and taxonomy of a config, loaded once a process. No Prefect here: processes that only score load this alone."""

import hashlib
from functools import lru_cache
from pathlib import Path

from cx_nlp import memory
from cx_nlp.config import Config
from cx_nlp.score import hub
from cx_nlp.score.model import find_model
from cx_nlp.score.replacement import Replacement
from cx_nlp.score.scorer import Scorer
from cx_nlp.themes.fitted import SETTINGS
from cx_nlp.themes.reading import resolve as find_taxonomy
from cx_nlp.themes.taxonomy import Taxonomy, load_taxonomies

Names = tuple[tuple[str, ...], tuple[str, ...]]  # of taxonomies, and of folders with fitted themes


# Model and taxonomy are loaded once a process, whatever the number of tasks; a process that lives for many nights
# loads them again once their files have changed, which is what the digest in the key is for.
@lru_cache(maxsize=1)
def _loaded_taxonomy(names: Names, digest: str) -> Taxonomy:
    return load_taxonomies(*names)


@lru_cache(maxsize=1)
def _loaded_scorer(
    model: str,
    digest: str,
    names: Names,
    names_digest: str,
    threads: int,
    engine: str,
    replacements: tuple[Replacement, ...],
    prints: tuple[str, ...],
) -> Scorer:
    found = _loaded_taxonomy(names, names_digest)
    return Scorer.load(model=model, taxonomy=found, threads=threads, engine=engine, replacements=replacements)


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def taxonomy(config: Config) -> Taxonomy:
    """Those of the config, as one."""
    return _loaded_taxonomy(*_named(config))


def _named(config: Config) -> tuple[Names, str]:
    settings = [Path(folder) / SETTINGS for folder in config.fitted]  # it holds the digest of the weights
    files = (*map(find_taxonomy, config.taxonomies), *(path for path in settings if path.is_file()))
    return (tuple(config.taxonomies), tuple(config.fitted)), _digest(*files)


def scorer(config: Config) -> Scorer:
    """Model, checkpoints and taxonomies of the config. Raises ModelError, TaxonomyError or UsageError, one line each."""
    digest = _digest(find_model(config.model) / "model.json")
    prints = tuple(hub.fingerprint(hub.locate(one.model, one.revision)) for one in config.replacements)
    names = _named(config)
    return _loaded_scorer(config.model, digest, *names, config.threads, config.engine, config.replacements, prints)


def release() -> None:
    """Let go of model and checkpoints, for what comes after them and needs their memory; `scorer` loads them again."""
    _loaded_scorer.cache_clear()
    memory.give_back()
