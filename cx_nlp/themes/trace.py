"""Why a mention got its theme: each pattern and seed that could have given one, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cx_nlp.spans.pipeline import parse
from cx_nlp.themes.match import TextSpans, assign
from cx_nlp.themes.matcher import Match, ThemeMatcher, excluding, longest, matcher_of
from cx_nlp.themes.seeds import MARGIN, Seeds, nearest, ranking
from cx_nlp.themes.taxonomy import Taxonomy

if TYPE_CHECKING:
    from spacy.tokens import Doc

CHOSEN = "chosen"
_SEEDS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A theme that a mention got (outcome "chosen") or not (outcome: the reason).

    mention, start, end: None where no mention holds the words. by: the pattern, or the seed phrase. words: what matched.
    """

    mention: str | None
    start: int | None
    end: int | None
    theme_id: str
    method: str
    by: str
    words: str
    score: float
    outcome: str


def trace_patterns(text: str, taxonomy: Taxonomy) -> list[Candidate]:
    """Every pattern that stands in a text, in order of the mentions; [] if none does."""
    matcher = matcher_of(taxonomy)

    def read(doc: "Doc") -> list[tuple[tuple[int, int] | None, Match, tuple[int, int], str]]:
        return _judged(doc, matcher)

    out = []
    for _, parts in parse([text], read, lemmas=matcher.needs_lemmas):
        for offset, judged in parts:
            for span, match, (at, to), outcome in judged:
                start, end = (None, None) if span is None else (span[0] + offset, span[1] + offset)
                mention = None if span is None else text[start:end]
                words = text[at + offset : to + offset]
                out.append(
                    Candidate(mention, start, end, match.theme_id, "pattern", match.pattern, words, 1.0, outcome)
                )
    return sorted(out, key=lambda c: (c.start is None, c.start or 0, c.outcome != CHOSEN, c.theme_id))


def _judged(doc: "Doc", matcher: ThemeMatcher) -> list[tuple[tuple[int, int] | None, Match, tuple[int, int], str]]:
    """(the mention's code points, the match, the match's code points, outcome) of every pattern in a Doc."""
    from cx_nlp.spans.components import phrases_of

    found = matcher.find(doc)
    outcomes: dict[Match, str] = {}
    for match in found.patterns:
        exclude = excluding(match, found)
        if exclude:
            outcomes[match] = f"excluded by {exclude.pattern!r}"
        elif matcher.lacks_include(doc, match, found):
            outcomes[match] = "its sentence holds none of the theme's include"
    kept = longest(match for match in found.patterns if match not in outcomes)
    themed = assign(doc, phrases_of(doc), kept, matcher.parents)
    out = []
    for match in dict.fromkeys(found.patterns):
        holder = next(
            (
                (phrase, themes)
                for phrase, themes in themed
                if (phrase.left < match.end and match.start < phrase.end)
                or (match in kept and phrase.opinion and phrase.opinion[0] <= match.start < phrase.opinion[1]
                    and match.theme_id in themes)
            ),
            None,
        )  # fmt: skip
        located = holder and holder[0].located(doc)
        span = (located.start, located.end) if located else None
        outcome = outcomes.get(match) or _outcome(match, kept, holder[1] if holder else (), matcher)
        last = doc[match.end - 1]
        out.append((span, match, (doc[match.start].idx, last.idx + len(last)), outcome))
    return out


def _outcome(match: Match, kept: Sequence[Match], themes: Sequence[str], matcher: ThemeMatcher) -> str:
    if match not in kept:
        longer = next(k for k in kept if k.start <= match.start and match.end <= k.end and _family(k) == _family(match))
        return f"inside the longer {longer.pattern!r} of {longer.theme_id}"
    if match.theme_id in themes:
        return CHOSEN
    child = next((theme for theme in themes if matcher.parents[theme] == match.theme_id), None)
    return f"{child} is more specific" if child else "its words are part of another mention"


def _family(match: Match) -> str:
    return match.theme_id.partition("/")[0]


def trace_seeds(found: TextSpans, vectors: np.ndarray, seeds: Seeds) -> list[Candidate]:
    """The mentions of a text with their theme vectors (M, H) -> the nearest seeds of those without a pattern."""
    out = []
    taxonomies = list(dict.fromkeys(theme.partition("/")[0] for theme in seeds.theme_ids))
    for mention, vector in zip(found.mentions, vectors, strict=True):
        for name in taxonomies:
            if any(hit.theme_id.startswith(f"{name}/") for hit in mention.themes):
                continue
            ranked = ranking(vector, seeds, name)
            hit = nearest(ranked, seeds, mention.barred)
            for theme, cosine, number in ranked[:_SEEDS_SHOWN]:
                outcome = _seed_outcome(
                    theme, cosine, seeds.thresholds[number], hit.theme_id if hit else None, mention.barred
                )
                if hit and seeds.parents[theme] == hit.theme_id:
                    outcome = f"{hit.theme_id} instead: its children are within {MARGIN}"
                out.append(
                    Candidate(
                        mention.text, mention.start, mention.end, theme, "seed", seeds.phrases[number],
                        mention.text, round(cosine, 3), outcome,
                    )
                )  # fmt: skip
            if hit and hit.theme_id not in {theme for theme, _, _ in ranked[:_SEEDS_SHOWN]}:
                out.append(
                    Candidate(mention.text, mention.start, mention.end, hit.theme_id, "seed", "its children", mention.text,
                              hit.score, CHOSEN)
                )  # fmt: skip
    return out


def _seed_outcome(theme: str, cosine: float, threshold: float, chosen: str | None, barred: frozenset[str]) -> str:
    if theme == chosen:
        return CHOSEN
    if theme in barred:
        return "barred by the theme's include or exclude"
    if cosine < threshold:
        return f"below the threshold of {threshold:g}"
    return f"less near than {chosen}" if chosen else f"another theme is within {MARGIN}"


def table(candidates: Sequence[Candidate], found: TextSpans) -> str:
    """A text's mentions in order, each with its themes and, below, what could have been; for a terminal."""
    lines = []
    for mention in found.mentions:
        its = [c for c in candidates if (c.start, c.end) == (mention.start, mention.end)]
        themes = ", ".join(dict.fromkeys(c.theme_id for c in its if c.outcome == CHOSEN)) or "no theme"
        lines += [f"{mention.text!r} ({mention.start}-{mention.end}): {themes}", *map(_line, its)]
    loose = [c for c in candidates if c.start is None]
    if loose:
        lines += ["in no mention:", *map(_line, loose)]
    return "\n".join(lines) if lines else "no mention"


def _line(one: Candidate) -> str:
    sign = "+" if one.outcome == CHOSEN else "-"
    score = f" {one.score:.2f}" if one.method == "seed" else ""
    reason = "" if one.outcome == CHOSEN else f": {one.outcome}"
    return f"  {sign} {one.theme_id}  {one.method}{score} {one.by!r}{reason}"
