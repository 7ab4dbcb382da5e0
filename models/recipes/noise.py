"""Disturbances that must not change a label: typos, apostrophes left out, a handle or a link beside the text."""

import re

import numpy as np

_WORD = re.compile(r"(?<!\[)\b[A-Za-z]{4,}")  # not the placeholders: [NAME] stands for what nobody mistypes


def swap_letters(text: str, rng: np.random.Generator) -> str:
    """Two neighbouring letters inside one word of four letters or more change places: a slip of the fingers."""
    places = [
        i for word in _WORD.finditer(text) for i in range(word.start() + 1, word.end() - 2) if text[i] != text[i + 1]
    ]
    if not places:
        return text
    i = int(rng.choice(places))
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


def typo(text: str, rng: np.random.Generator) -> str:
    """Two letters swapped, or, three times in ten, one left out; a text without a word of four letters stays."""
    words = [m.span() for m in _WORD.finditer(text)]
    if words and rng.random() < 0.3:
        start, end = words[rng.integers(len(words))]
        at = int(rng.integers(start + 1, end - 1))
        return text[:at] + text[at + 1 :]
    return swap_letters(text, rng)


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
