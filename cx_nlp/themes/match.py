"""Which theme a mention belongs to, by patterns, in the same pass that finds the mentions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cx_nlp.spans.find import Sentence, clauses_of, mention_of, read_layout, sentences_of
from cx_nlp.spans.mentions import Phrase, phrase_at
from cx_nlp.spans.pipeline import parse
from cx_nlp.themes.matcher import Match, matcher_of
from cx_nlp.themes.patterns import BETWEEN
from cx_nlp.themes.taxonomy import Taxonomy

if TYPE_CHECKING:
    from spacy.tokens import Doc


@dataclass(frozen=True, slots=True)
class ThemeHit:
    """score is 1.0 for a pattern, which fits or does not, and the cosine for a seed."""

    theme_id: str
    score: float = 1.0
    method: str = "pattern"


@dataclass(frozen=True, slots=True)
class ThemedMention:
    """A `cx_nlp.spans.Mention` with its themes by pattern, most specific only; () if it fits none.

    barred: themes that it may not get by meaning either, for their exclude or include.
    """

    start: int
    end: int
    text: str
    sentence: int
    opinion: str | None
    is_negated: bool
    themes: tuple[ThemeHit, ...] = ()
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TextSpans:
    """Sentences, themed mentions and clauses of one text, as in `cx_nlp.spans.Spans`."""

    sentences: tuple[Sentence, ...]
    mentions: tuple[ThemedMention, ...]
    clauses: tuple[Sentence, ...] = ()


def analyse(texts: Iterable[str], taxonomy: Taxonomy, *, batch_size: int = 256) -> Iterator[TextSpans]:
    """One `TextSpans` a text, in order, from one parse: what `find_spans` finds, plus what the taxonomy finds.

    A match inside a noun phrase is a theme of that mention. One in the opinion on a mention makes the mention's
    theme more specific ("the staff were rude"). Any other is a mention of its own ("overpriced").
    """
    matcher = matcher_of(taxonomy)

    def read(doc: "Doc"):
        from cx_nlp.spans.components import phrases_of

        found = matcher.find(doc)
        themed = assign(doc, phrases_of(doc), matcher.counted(doc, found), matcher.parents)
        return read_layout(doc), [
            (phrase.located(doc), themes, matcher.barred(doc, found, phrase.left, phrase.end))
            for phrase, themes in themed
        ]

    for text, found in parse(texts, read, batch_size=batch_size, lemmas=matcher.needs_lemmas):
        layouts = [(offset, layout) for offset, (layout, _) in found]
        sentences = sentences_of(text, [offset + start for offset, layout in layouts for start in layout.starts])
        mentions = []
        for offset, (_, themed) in found:
            for located, themes, barred in themed:
                m = mention_of(text, located.shifted(offset), sentences)
                hits = tuple(ThemeHit(theme) for theme in themes)
                mentions.append(
                    ThemedMention(m.start, m.end, m.text, m.sentence, m.opinion, m.is_negated, hits, barred)
                )
        yield TextSpans(sentences, tuple(mentions), clauses_of(layouts))


def assign(
    doc: "Doc", phrases: Sequence[Phrase], matches: Sequence[Match], parents: dict[str, str | None]
) -> list[tuple[Phrase, tuple[str, ...]]]:
    """Mentions with their themes, sorted by place: noun phrases, and matches outside of them as further mentions.

    parents: theme -> its parent or None. The themes of a mention are sorted, without parents of other themes.
    """
    themes: dict[Phrase, set[str]] = {phrase: set() for phrase in phrases}
    outside = []
    for match in matches:
        holder = next((p for p in phrases if p.left <= match.start and match.end <= p.end), None)
        if holder is None:
            outside.append(match)
        else:
            themes[holder].add(match.theme_id)
    extra: dict[tuple[int, int], set[str]] = defaultdict(set)
    for match in outside:
        family = {match.theme_id, parents[match.theme_id]}
        judged = [p for p in phrases if _holds(p.opinion, match) and themes[p] & family]
        for phrase in judged:
            themes[phrase].add(match.theme_id)
        if not judged:
            extra[_trimmed(doc, match)].add(match.theme_id)
    for (start, end), found in extra.items():
        # "Value for money" is one mention, not also "value" and "money".
        related = found | {parents[theme] for theme in found}
        for phrase in [p for p in themes if start <= p.start and p.end <= end and themes[p] <= related]:
            del themes[phrase]
    for (start, end), found in extra.items():
        themes[phrase_at(doc, start, end)] = found
    ordered = sorted(themes.items(), key=lambda item: (item[0].start, item[0].end))
    return [(phrase, _most_specific(found, parents)) for phrase, found in ordered]


def _holds(opinion: tuple[int, int] | None, match: Match) -> bool:
    return opinion is not None and opinion[0] <= match.start and match.end <= opinion[1]


def _trimmed(doc: "Doc", match: Match) -> tuple[int, int]:
    """The match without articles and possessives at its ends; a "n't" takes its verb along."""
    start, end = match.start, match.end
    while start < end - 1 and doc[start].norm_ in BETWEEN:
        start += 1
    while end - 1 > start and doc[end - 1].norm_ in BETWEEN:
        end -= 1
    if start and not doc[start - 1].whitespace_ and doc[start].norm_ == "not":
        start -= 1
    return start, end


def _most_specific(found: set[str], parents: dict[str, str | None]) -> tuple[str, ...]:
    return tuple(sorted(found - {parents[theme] for theme in found}))
