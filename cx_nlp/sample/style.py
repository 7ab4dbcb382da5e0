"""How people type: run-on sentences, no capitals, typos, emoji. Phrases in, one comment out."""

import random
from collections.abc import Sequence

from cx_nlp.sample.phrases import bank

_SHORT = {"because": "cos", "please": "pls", "and": "&", "you": "u", "with": "w/", "really": "rly", "weeks": "wks"}
# Cumulative shares of ways to end and to join sentences.
_JOINTS = ((0.62, ". "), (0.69, "! "), (0.80, ", "), (0.85, " - "), (0.92, "... "), (0.97, "\n"), (1.0, " / "))


def pick(dice: random.Random, items: Sequence[str]) -> str:
    """One of the items; only `random()` is used, whose stream Python keeps between versions."""
    return items[int(dice.random() * len(items))]


def write(dice: random.Random, sentences: Sequence[str], *, tone: str, is_plain: bool = False) -> str:
    """Sentences without capitals and full stops -> a comment in somebody's way of writing; is_plain: no slips, no slang."""
    joined = dice.random()
    joint = next(joint for share, joint in _JOINTS if joined < share)
    is_separate = joint in (". ", "! ", "... ", "\n")
    text = joint.join(_capital(s) if is_separate or i == 0 else s for i, s in enumerate(sentences))
    if dice.random() < 0.7 and text[-1] not in "?!.":
        text += "!" if joint == "! " else "."
    habit = dice.random()
    if is_plain:
        return text
    if habit < 0.2:
        text = text.lower()
    elif habit < 0.23:
        text = text.upper()
    elif habit < 0.30:
        text = " ".join(_SHORT.get(word, word) for word in text.split(" "))
    elif habit < 0.38:
        text = text.replace("'", "")
    if dice.random() < 0.16:
        text = _slip(dice, text)
    if dice.random() < 0.09:
        kind = tone if tone in ("positive", "negative") else "neutral"
        text += " " + pick(dice, bank("moods")["extras"][f"emoji_{kind}"]) * (2 if dice.random() < 0.25 else 1)
    return text


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _slip(dice: random.Random, text: str) -> str:
    """One to three typing errors inside longer words."""
    words = text.split(" ")
    for _ in range(1 + int(dice.random() * 3)):
        at = int(dice.random() * len(words))
        word = words[at]
        if len(word) < 5 or not word.isalpha():
            continue
        i = 1 + int(dice.random() * (len(word) - 3))
        kind = dice.random()
        if kind < 0.4:
            words[at] = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        elif kind < 0.75:
            words[at] = word[:i] + word[i + 1 :]
        else:
            words[at] = word[:i] + word[i] + word[i:]
    return " ".join(words)
