"""The phrase banks, read once: what people say about themes, and what goes around it."""

from functools import cache
from typing import Any

import yaml

from cx_nlp.sample.world import FOLDER


@cache
def bank(name: str) -> dict[str, Any]:
    """themes | staff | moods | abroad, as in the YAML file of that name."""
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def theme_names() -> tuple[str, ...]:
    """All themes that the sample can speak of, in the order of the bank."""
    return tuple(bank("themes"))


def polarity(theme: str, tone: str, coin: float) -> str:
    """negative | positive | neutral | lukewarm: how a comment of this tone speaks of a theme; coin in [0, 1)."""
    always = bank("themes")[theme].get("always")
    if always:
        return always
    return tone if tone != "mixed" else ("negative" if coin < 0.5 else "positive")


def phrases(theme: str, how: str, *, role: str = "customer", language: str = "en") -> list[str]:
    """Phrases of one theme; never empty. Employees' and foreign ones are kept in fewer shades."""
    if role == "employee":
        return bank("staff")["employee"][theme]
    entry = bank("themes")[theme]
    if language == "en":
        return entry[how]
    abroad = bank("abroad")[language]["themes"][theme]
    if "always" in entry:
        return abroad
    return abroad[1:] if how == "positive" else abroad[:1] if how == "negative" else abroad


def moods(tone: str, *, role: str = "customer", language: str = "en") -> list[str]:
    """Sentences that carry a tone and no theme."""
    if role == "leader":
        return bank("staff")["leader"][tone]
    if role == "employee":
        return bank("moods")["employee_moods"][tone]
    return (bank("moods") if language == "en" else bank("abroad")[language])["moods"][tone]


def emotions(emotion: str, *, language: str = "en") -> list[str]:
    """Sentences that show an emotion and name no theme."""
    if language == "en":
        return bank("moods")["emotions"][emotion]
    return [bank("abroad")[language]["emotions"][emotion]]
