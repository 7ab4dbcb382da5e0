"""Disturbances that must not change a label: typos, apostrophes left out, a handle or a link beside the text."""

import re

import numpy as np

_WORD = re.compile(r"[A-Za-z]{4,}")


def typo(text: str, rng: np.random.Generator) -> str:
    """Swap two neighbouring letters inside one word of four letters or more; a text without such a word stays."""
    words = [m.span() for m in _WORD.finditer(text)]
    if not words:
        return text
    start, end = words[rng.integers(len(words))]
    at = int(rng.integers(start + 1, end - 1))
    if rng.random() < 0.3:  # a letter left out instead
        return text[:at] + text[at + 1 :]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def disturb(text: str, rng: np.random.Generator, *, share: float) -> str:
    """`share` of the texts get one disturbance, the others stay as they are."""
    if rng.random() >= share:
        return text
    kind = rng.integers(5)
    if kind <= 1:
        return typo(typo(text, rng), rng) if kind else typo(text, rng)
    if kind == 2:
        return text.replace("'", "")
    if kind == 3:
        return f"[NAME] {text}" if rng.random() < 0.5 else f"{text} [NAME]"
    return f"{text} [URL]"
