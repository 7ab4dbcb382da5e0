"""What the lake remembers of its config: all that decides scores and figures, but not where feedback comes from.

`rescore` brings history to what the last run was told, from the lake alone. Every setting but `sources` and `lake` is
kept in `_state/settings.json`; paths are absolute there, and no config ever holds a secret.
"""

import json
from pathlib import Path

from pydantic import Field, ValidationError

from cx_nlp.config import Config, SourceConfig
from cx_nlp.errors import UsageError
from cx_nlp.store import state

_LEFT_OUT = {"lake", "sources"}


class LakeConfig(Config):
    """A config that reads nothing."""

    sources: dict[str, SourceConfig] = Field(default_factory=dict)


def of_config(config: Config) -> str:
    """The text of `_state/settings.json`."""
    return json.dumps(config.model_dump(mode="json", exclude=_LEFT_OUT), indent=1, sort_keys=True) + "\n"


def recall(lake: Path) -> LakeConfig:
    """The settings of the lake's last run. Raises UsageError where it has none, or none that this version reads."""
    found = state.read_json(lake, "settings")
    if not found:
        raise UsageError(f"{lake}: no run has left its settings there; name them with --config FILE")
    try:
        return LakeConfig.model_validate({**found, "lake": lake})
    except (ValidationError, UsageError) as error:
        first = " ".join(str(error).split())[:160]
        raise UsageError(f"{lake}: its settings are of another version ({first}); use --config FILE") from None


def without_sources(config: Config) -> LakeConfig:
    """A config as `recall` gives it; its lake is kept."""
    return LakeConfig.model_construct(**{name: getattr(config, name) for name in Config.model_fields} | {"sources": {}})
