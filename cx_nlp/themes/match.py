"""Which theme a mention belongs to, by patterns, in the same pass that finds the mentions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cx_nlp.spans.find import Sentence, clauses_of, mention_of, read_layout, sentences_of
from cx_nlp.spans.mentions import Phrase, phrase_at
from cx_nlp.spans.pipeline import load_nlp, parse
from cx_nlp.spans.view import view
from cx_nlp.themes.inflection import english, plain_singular
from cx_nlp.themes.patterns import BETWEEN, needs_lemmas
from cx_nlp.themes.taxonomy import Taxonomy

if TYPE_CHECKING:
    from spacy.tokens import Doc

_PATTERN, _INCLUDE, _EXCLUDE = range(3)


@dataclass(frozen=True, slots=True)
class ThemeHit:
    """theme_score is 1.0 for a pattern, which fits or does not."""

    theme_id: str
    score: float = 1.0
    method: str = "pattern"


@dataclass(frozen=True, slots=True)
class ThemedMention:
    """A `cx_nlp.spans.Mention` with its themes, most specific only; () if it fits none."""

    start: int
    end: int
    text: str
    sentence: int
    opinion: str | None
    is_negated: bool
    themes: tuple[ThemeHit, ...] = ()


@dataclass(frozen=True, slots=True)
class TextSpans:
    """Sentences, themed mentions and clauses of one text, as in `cx_nlp.spans.Spans`."""

    sentences: tuple[Sentence, ...]
    mentions: tuple[ThemedMention, ...]
    clauses: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """Tokens [start, end) of a Doc that fit a pattern of a theme."""

    start: int
    end: int
    theme_id: str


def analyse(texts: Iterable[str], taxonomy: Taxonomy, *, batch_size: int = 256) -> Iterator[TextSpans]:
    """One `TextSpans` a text, in order, from one parse: what `find_spans` finds, plus what the taxonomy finds.

    A match inside a noun phrase is a theme of that mention. One in the opinion on a mention makes the mention's
    theme more specific ("the staff were rude"). Any other is a mention of its own ("overpriced").
    """
    matcher = _matcher(taxonomy)

    def read(doc: "Doc"):
        from cx_nlp.spans.components import phrases_of

        themed = assign(doc, phrases_of(doc), matcher.matches(doc), matcher.parents)
        return read_layout(doc), [(phrase.located(doc), themes) for phrase, themes in themed]

    for text, found in parse(texts, read, batch_size=batch_size, lemmas=matcher.needs_lemmas):
        layouts = [(offset, layout) for offset, (layout, _) in found]
        sentences = sentences_of(text, [offset + start for offset, layout in layouts for start in layout.starts])
        mentions = []
        for offset, (_, themed) in found:
            for located, themes in themed:
                m = mention_of(text, located.shifted(offset), sentences)
                hits = tuple(ThemeHit(theme) for theme in themes)
                mentions.append(ThemedMention(m.start, m.end, m.text, m.sentence, m.opinion, m.is_negated, hits))
        yield TextSpans(sentences, tuple(mentions), clauses_of(layouts))


@lru_cache(maxsize=4)
def _matcher(taxonomy: Taxonomy) -> "ThemeMatcher":
    """Made once a taxonomy: tokenizing some thousand patterns takes longer than parsing a hundred texts."""
    return ThemeMatcher(taxonomy)


@dataclass(frozen=True, slots=True)
class _Word:
    """A written form: what a phrase may call it, and the phrases (words, theme, what it is) that can start with it."""

    keys: frozenset[str]
    starts: tuple[tuple[tuple[str, ...], str, int], ...]


class ThemeMatcher:
    """A taxonomy made ready to be matched against Docs of the shipped pipeline."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        from spacy.matcher import Matcher

        nlp = load_nlp()
        self.parents = taxonomy.parent_of()
        self.bases = english()
        # first word -> [(all words, theme, what it is)]
        self._phrases: dict[str, list[tuple[tuple[str, ...], str, int]]] = defaultdict(list)
        self._needs_include: set[str] = {theme.theme_id for theme in taxonomy.themes if theme.include}
        self._tokens = Matcher(nlp.vocab)
        self._theme_of: dict[int, str] = {}
        self.needs_lemmas = False
        for theme in taxonomy.themes:
            for kind, patterns in ((_PATTERN, theme.patterns), (_INCLUDE, theme.include), (_EXCLUDE, theme.exclude)):
                for pattern in patterns:
                    if isinstance(pattern, str):
                        words = self._words(nlp, pattern)
                        self._phrases[words[0]].append((words, theme.theme_id, kind))
            token_patterns = [pattern for pattern in theme.patterns if not isinstance(pattern, str)]
            if token_patterns:
                self._tokens.add(theme.theme_id, token_patterns)
                self._theme_of[nlp.vocab.strings[theme.theme_id]] = theme.theme_id
                self.needs_lemmas = self.needs_lemmas or any(map(needs_lemmas, token_patterns))

        self._word = lru_cache(maxsize=20_000)(self._look_up)

    def _look_up(self, norm: str) -> _Word:
        keys = self.bases(norm) | {f"={norm}"}
        return _Word(keys, tuple(start for key in sorted(keys) for start in self._phrases.get(key, ())))

    def _words(self, nlp, phrase: str) -> tuple[str, ...]:
        """What each word's bases must hold; "=" marks a word that must stand as it is written."""
        is_exact = phrase.startswith("=")
        words = [token.norm_ for token in nlp.make_doc(view(phrase.removeprefix("="))) if token.text.strip(" -")]
        return tuple(f"={word}" if is_exact else plain_singular(word, self.bases) for word in words)

    def matches(self, doc: "Doc") -> list[Match]:
        """The matches that count: not excluded, with their include, and inside no longer match of the taxonomy."""
        found: dict[int, list[Match]] = {_PATTERN: [], _INCLUDE: [], _EXCLUDE: []}
        norms = [token.norm_ for token in doc]
        words = [self._word(norm) for norm in norms]
        for start, word in enumerate(words):
            for phrase, theme, kind in word.starts:
                end = _match_end(norms, words, phrase, start)
                if end:
                    found[kind].append(Match(start, end, theme))
        if self._theme_of:
            found[_PATTERN] += [Match(start, end, self._theme_of[key]) for key, start, end in self._tokens(doc)]
        excluded = found[_EXCLUDE]
        counted = {
            match
            for match in found[_PATTERN]
            if not any(e.theme_id == match.theme_id and e.start < match.end and match.start < e.end for e in excluded)
            and (match.theme_id not in self._needs_include or _is_included(doc, match, found[_INCLUDE]))
        }
        return _longest(counted)


def _longest(matches: Iterable[Match]) -> list[Match]:
    """Without the matches that lie inside a longer one of the same taxonomy."""
    longest, taxonomy, reach = [], None, (0, 0)
    # Sorted by start, longest first: what ends no later than an earlier one lies inside it.
    for match in sorted(matches, key=lambda m: (_taxonomy(m.theme_id), m.start, -m.end, m.theme_id)):
        if _taxonomy(match.theme_id) != taxonomy:
            taxonomy, reach = _taxonomy(match.theme_id), (0, 0)
        if match.end > reach[1] or (match.start, match.end) == reach:
            longest.append(match)
            reach = (match.start, match.end)
    return longest


def _taxonomy(theme_id: str) -> str:
    return theme_id.partition("/")[0]


def _match_end(norms: Sequence[str], words: Sequence[_Word], phrase: tuple[str, ...], start: int) -> int | None:
    """The token after the phrase that starts at `start`; None if it does not stand there."""
    at = start + 1
    for wanted in phrase[1:]:
        while at < len(words) and wanted not in words[at].keys and norms[at] in BETWEEN:
            at += 1
        if at >= len(words) or wanted not in words[at].keys:
            return None
        at += 1
    return at


def _is_included(doc: "Doc", match: Match, includes: Sequence[Match]) -> bool:
    sentence = doc[match.start].sent
    return any(i.theme_id == match.theme_id and sentence.start <= i.start < sentence.end for i in includes)


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
