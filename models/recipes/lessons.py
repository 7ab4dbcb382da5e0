"""Template sentences that teach what the labelled data do not: negation, change, contrast, whose opinion counts.

The kinds follow the capabilities of CheckList (Ribeiro et al. 2020); wording and vocabulary are in
`configs/train/lessons.yaml`. A slot `{good}` draws from a word list, `{a good}` puts the article before it,
`{adj.positive}` from one side of a pair of lists,
`{plain.positive}` a whole template of a kind; drawn text may hold slots itself.
Targets are soft because a template does not know how strongly a reader would feel.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from cx_nlp.clean import clean_text
from cx_nlp.schema import SENTIMENTS

PATH = Path(__file__).parents[2] / "configs" / "train" / "lessons.yaml"

_SIDES = ("positive", "negative")
_SLOT = re.compile(r"\{(a )?([a-z_]+(?:\.[a-z_]+)?)\}")
_MENTION = re.compile(r"\[([^\[\]]+)\]")
_SENTENCE_START = re.compile(r"(^|[.!?…] +|\b[QA]: +|- +)(\[?)([a-z])")
_SOUNDS_AS_VOWEL = re.compile(r"(?!uni|use|usa|eu|one\b|once)[aeiou]|hour|honest|honou?r", re.IGNORECASE)


@cache
def _lessons() -> dict:
    """The table with every mirrored block written out for both sides, so that neither can have a wording of its own."""
    table = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    for kind, blocks in table["mirrored"].items():
        for targets, block in blocks.items():
            for target, same, other in zip(targets.split(), _SIDES, reversed(_SIDES), strict=True):
                lines = block.replace(".same}", f".{same}}}").replace(".other}", f".{other}}}")
                templates = table["kinds"].setdefault(kind, {})
                templates[target] = templates.get(target, "") + lines
    return table


def _choose(options: str | list[str], rng: np.random.Generator) -> str:
    """One of a list of words, or one line of a block of templates."""
    options = options.splitlines() if isinstance(options, str) else options
    return str(options[rng.integers(len(options))])


def fill(template: str, *, rng: np.random.Generator) -> str:
    """The template with every slot drawn, slots within drawn text included; KeyError names an unknown slot."""
    lessons = _lessons()

    def draw(match: re.Match[str]) -> str:
        kind, _, target = match[2].partition(".")
        sides = lessons["pairs"].get(kind) or lessons["kinds"].get(kind)
        options = sides[target] if target else lessons["words"][kind]
        text = fill(_choose(options, rng), rng=rng)
        if match[1]:
            return ("an " if _SOUNDS_AS_VOWEL.match(text.lstrip("[")) else "a ") + text
        return text

    return _SLOT.sub(draw, template)


def _vary_negation(text: str, rng: np.random.Generator) -> str:
    """People write "isn't", "is not" and "isnt": all three mean the same."""
    draw = rng.random()
    if draw < 0.3:
        text = re.sub(r"\b([Cc])an't\b", r"\1annot", re.sub(r"\b([Ww])on't\b", r"\1ill not", text))
        return text.replace("n't", " not")
    return text.replace("n't", "nt") if draw < 0.4 else text


def _finish(text: str, *, context: float, rng: np.random.Generator) -> str:
    """Punctuation and case as people vary them; with probability `context` a neutral sentence before or after."""
    text = _vary_negation(text, rng)
    if text[-1].isalnum() or text[-1] in "%)]":
        text += str(rng.choice([".", "", "!", "...", "!!"], p=[0.58, 0.25, 0.1, 0.04, 0.03]))
    if rng.random() < context:
        aside = fill("{context}", rng=rng) + "."
        stopped = text if text[-1] in ".!?" else text + "."
        text = f"{aside} {text}" if rng.random() < 0.5 else f"{stopped} {aside}"
    draw = rng.random()
    if draw < 0.15:
        return text.lower()
    if draw < 0.17:
        return text.upper()
    return _SENTENCE_START.sub(lambda m: m[1] + m[2] + m[3].upper(), text)


def all_kinds() -> list[str]:
    """Of lessons, but for the `later` ones."""
    table = _lessons()
    return [kind for kind in table["kinds"] if kind not in table["later"]]


def lessons(rows: int, *, rng: np.random.Generator, kinds: Sequence[str] | None = None) -> pd.DataFrame:
    """`rows` texts: text (cleaned), p_negative, p_neutral, p_positive (in [0, 1], sum 1), kind.

    kinds: those to draw from, all but the `later` ones where nothing is said. They are drawn evenly (their counts differ by
    at most one), in random order; zero rows give an empty frame. Raises KeyError for a kind that is not in the table.
    """
    table = _lessons()
    blocks, targets, shares = table["kinds"], table["targets"], table["shares"]
    names = list(rng.permutation(all_kinds() if kinds is None else list(kinds)))
    start = rng.random()
    out = []
    for i in rng.permutation(rows):
        kind = str(names[i % len(names)])
        choices = list(blocks[kind])
        weight = np.array([shares.get(kind, {}).get(target, 1) for target in choices], dtype=float)
        # Steps of the golden ratio spread a kind's rows over its targets more evenly than independent draws do.
        at = (start + i // len(names) * 0.618034) % 1
        target = choices[np.searchsorted(np.cumsum(weight[:-1]) / weight.sum(), at, side="right")]
        context = 0.0 if kind in table["without_context"] else 0.3
        text = _finish(fill(_choose(blocks[kind][target], rng), rng=rng), context=context, rng=rng)
        out.append((clean_text(text), *targets[target], kind))
    return pd.DataFrame(out, columns=["text", *(f"p_{name}" for name in SENTIMENTS), "kind"])


def _joined(polarities: list[int], rng: np.random.Generator) -> str:
    """One clause a polarity, joined by a word that fits the two it stands between."""
    table = _lessons()["aspects"]
    text = ""
    for i, polarity in enumerate(polarities):
        if i:
            fits = "and" if polarity == polarities[i - 1] else "but"
            text += _choose(table["joiners"][fits], rng).replace("_", " ")
        text += fill(_choose(table["clauses"][SENTIMENTS[polarity]], rng), rng=rng)
    return text


def aspect_lessons(rows: int, *, rng: np.random.Generator) -> pd.DataFrame:
    """`rows` mentions: text, start, end (code points of the cleaned text), label (0 negative, 1 neutral, 2 positive).

    A text holds two or three mentions (the last one may be cut off by `rows`), seldom all of one polarity.
    """
    out: list[tuple[str, int, int, int]] = []
    while len(out) < rows:
        polarities = [int(p) for p in rng.permutation(3)[: rng.integers(2, 4)]]
        if rng.random() < 0.15:
            polarities = [polarities[0]] * 2
        marked = _finish(_joined(polarities, rng), context=0.3, rng=rng)
        text = marked.replace("[", "").replace("]", "")
        # Each earlier mention took two brackets with it, and this one's own opens before its text.
        spans = [(m.start() - 2 * i, m.end() - 2 * i - 2) for i, m in enumerate(_MENTION.finditer(marked))]
        if clean_text(text) == text and len({text[start:end].lower() for start, end in spans}) == len(polarities):
            out += [(text, start, end, label) for (start, end), label in zip(spans, polarities, strict=True)]
    return pd.DataFrame(out[:rows], columns=["text", "start", "end", "label"])
