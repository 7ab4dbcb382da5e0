"""Where a model is weak: the same figure on kinds of text, each kind a rule that can be read.

A rule looks at the cleaned text alone. Rules overlap, and none is a judgement of a person: "sarcasm markers" finds the
markers, not the sarcasm.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import emoji
import numpy as np

from models.recipes.figures import Figure, share
from models.recipes.noise import typo

_PLACEHOLDER = re.compile(r"\[[A-Z]+\]")
_CAPITALS = re.compile(r"\b[A-Z]{3,}\b")
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|nowhere|neither|nor|cannot|without|hardly|barely)\b|n['’]t\b"
    r"|\b(?:ai|ca|could|did|do|does|has|have|is|should|was|were|wo|would)nt\b",
    re.IGNORECASE,
)
_EMOTICON = re.compile(r"(?<!\w)[:;=8][-^']?[()\[\]DPpOo/\\|](?!\w)|<3")
_PRAISE = (
    r"(?:amazing|awesome|best|brilliant|excellent|fantastic|good|great|helpful|lovely|nice|perfect|premium|wonderful)"
)
_SARCASM = re.compile(
    r"#(?:sarcas\w*|irony|ironic|not)\b|(?<!\S)/s$|\byeah,? right\b|\bthanks for nothing\b|\bthanks a lot for\b"
    r"|\b(?:oh|well),? (?:great|joy|wonderful|brilliant|perfect|fantastic)\b|\bjust what i (?:needed|wanted)\b"
    r"|\bbig surprise\b|\bas if\b|\bgood luck with that\b"
    rf"|[\"“'‘*]\s?{_PRAISE}(?: \w+)?\s?[\"”'’*]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Slice:
    name: str
    rule: str
    holds: Callable[[str, int], bool]  # of a cleaned text and its number of tokens


SLICES = (
    Slice("all", "every text", lambda text, tokens: True),
    Slice("short", "fewer than 10 tokens of the model's tokenizer", lambda text, tokens: tokens < 10),
    Slice("medium", "10 to 25 tokens", lambda text, tokens: 10 <= tokens <= 25),
    Slice("long", "more than 25 tokens", lambda text, tokens: tokens > 25),
    Slice("negation", "not, no, never, n't, nothing, without and the like", lambda text, tokens: has_negation(text)),
    Slice("emoji", "an emoji", lambda text, tokens: emoji.emoji_count(text) > 0),
    Slice("emoticon", ":) ;-( :D <3 and the like", lambda text, tokens: bool(_EMOTICON.search(text))),
    Slice(
        "sarcasm markers",
        '#sarcasm, "yeah right", "thanks for nothing", "oh great", praise in quotation marks and the like',
        lambda text, tokens: bool(_SARCASM.search(text)),
    ),
    Slice("question", "a question mark", lambda text, tokens: "?" in text),
    Slice("ALL CAPS", "a word of three capitals or more; abbreviations count", lambda text, tokens: has_capitals(text)),
)
TYPOS = "typos"
TYPOS_RULE = "the texts with a swapped or lost letter planted in one word of ten, at least in one"


def has_negation(text: str) -> bool:
    return bool(_NEGATION.search(text))


def has_capitals(text: str) -> bool:
    return bool(_CAPITALS.search(_PLACEHOLDER.sub("", text)))


def rules() -> dict[str, str]:
    """Name -> rule in words, in the order of the figures."""
    return {one.name: one.rule for one in SLICES} | {TYPOS: TYPOS_RULE}


def masks(texts: Sequence[str], tokens: Sequence[int]) -> dict[str, np.ndarray]:
    """texts (N), tokens (N) -> name of the slice -> bool (N,)"""
    pairs = list(zip(texts, tokens, strict=True))
    return {one.name: np.array([one.holds(*pair) for pair in pairs], dtype=bool) for one in SLICES}


def slice_figures(
    texts: Sequence[str], tokens: Sequence[int], is_right: np.ndarray, *, groups: np.ndarray | None = None
) -> dict[str, Figure]:
    """texts (N), tokens (N), is_right bool (N,) -> name of the slice -> its accuracy; null below 20 rows."""
    return {
        name: share(is_right[mask], groups=None if groups is None else groups[mask])
        for name, mask in masks(texts, tokens).items()
    }


def with_typos(texts: Sequence[str], *, rng: np.random.Generator) -> list[str]:
    """texts (N) -> (N): a typo in one word of ten, at least one; a text without a word of four letters stays."""
    out = []
    for text in texts:
        for _ in range(max(1, len(text.split()) // 10)):
            text = typo(text, rng)
        out.append(text)
    return out
