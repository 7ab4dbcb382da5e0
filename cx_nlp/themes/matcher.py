"""Where the patterns of a taxonomy stand in a Doc, and which of them count."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from cx_nlp.spans.pipeline import load_nlp
from cx_nlp.spans.view import view
from cx_nlp.themes.inflection import english, plain_singular
from cx_nlp.themes.patterns import BETWEEN, needs_lemmas
from cx_nlp.themes.taxonomy import Taxonomy

if TYPE_CHECKING:
    from spacy.tokens import Doc

_PATTERN, _INCLUDE, _EXCLUDE = range(3)


@dataclass(frozen=True, slots=True)
class Match:
    """Tokens [start, end) of a Doc that fit a pattern of a theme."""

    start: int
    end: int
    theme_id: str
    pattern: str = field(default="", compare=False)  # as the taxonomy writes it


@dataclass(frozen=True, slots=True)
class Found:
    """All that stands in a Doc, whether it counts or not."""

    patterns: list[Match]
    includes: list[Match]
    excludes: list[Match]


@dataclass(frozen=True, slots=True)
class _Phrase:
    words: tuple[str, ...]
    theme_id: str
    kind: int
    written: str


@dataclass(frozen=True, slots=True)
class _Word:
    """A written form: what a phrase may call it, and the phrases that can start with it."""

    keys: frozenset[str]
    starts: tuple[_Phrase, ...]


@lru_cache(maxsize=4)
def matcher_of(taxonomy: Taxonomy) -> "ThemeMatcher":
    """Made once a taxonomy: tokenizing some thousand patterns takes longer than parsing a hundred texts."""
    return ThemeMatcher(taxonomy)


class ThemeMatcher:
    """A taxonomy made ready to be matched against Docs of the shipped pipeline."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        nlp = load_nlp()
        from spacy.matcher import Matcher

        self.parents = taxonomy.parent_of()
        self.bases = english()
        self._phrases: dict[str, list[_Phrase]] = defaultdict(list)  # by first word
        self._needs_include: set[str] = {theme.theme_id for theme in taxonomy.themes if theme.include}
        self._seeded: set[str] = {theme.theme_id for theme in taxonomy.themes if theme.seeds}
        self._tokens = Matcher(nlp.vocab)
        self._token_patterns: dict[int, tuple[str, str]] = {}  # spaCy's key -> theme, pattern
        self.needs_lemmas = False
        for theme in taxonomy.themes:
            for kind, patterns in ((_PATTERN, theme.patterns), (_INCLUDE, theme.include), (_EXCLUDE, theme.exclude)):
                for i, pattern in enumerate(patterns):
                    if isinstance(pattern, str):
                        words = self._words(nlp, pattern)
                        self._phrases[words[0]].append(_Phrase(words, theme.theme_id, kind, pattern))
                    else:
                        key = f"{theme.theme_id} {i}"
                        self._tokens.add(key, [pattern])
                        self._token_patterns[nlp.vocab.strings[key]] = theme.theme_id, str(pattern)
                        self.needs_lemmas = self.needs_lemmas or needs_lemmas(pattern)

        self._word = lru_cache(maxsize=20_000)(self._look_up)

    def _look_up(self, norm: str) -> _Word:
        keys = self.bases(norm) | {f"={norm}"}
        return _Word(keys, tuple(start for key in sorted(keys) for start in self._phrases.get(key, ())))

    def _words(self, nlp, phrase: str) -> tuple[str, ...]:
        """What each word's bases must hold; "=" marks a word that must stand as it is written."""
        is_exact = phrase.startswith("=")
        words = [token.norm_ for token in nlp.make_doc(view(phrase.removeprefix("="))) if token.text.strip(" -")]
        return tuple(f"={word}" if is_exact else plain_singular(word, self.bases) for word in words)

    def find(self, doc: "Doc") -> Found:
        found: dict[int, list[Match]] = {_PATTERN: [], _INCLUDE: [], _EXCLUDE: []}
        norms = [token.norm_ for token in doc]
        words = [self._word(norm) for norm in norms]
        for start, word in enumerate(words):
            for phrase in word.starts:
                end = _match_end(norms, words, phrase.words, start)
                if end:
                    found[phrase.kind].append(Match(start, end, phrase.theme_id, phrase.written))
        if self._token_patterns:
            found[_PATTERN] += [Match(start, end, *self._token_patterns[key]) for key, start, end in self._tokens(doc)]
        return Found(found[_PATTERN], found[_INCLUDE], found[_EXCLUDE])

    def counted(self, doc: "Doc", found: Found) -> list[Match]:
        """The matches that count: not excluded, with their include, and inside no longer match of the taxonomy."""
        return longest(m for m in found.patterns if not excluding(m, found) and not self.lacks_include(doc, m, found))

    def lacks_include(self, doc: "Doc", match: Match, found: Found) -> bool:
        """Whether the match's theme asks for words that the match's sentence does not hold."""
        return match.theme_id in self._needs_include and not _is_included(doc, match, found.includes)

    def barred(self, doc: "Doc", found: Found, start: int, end: int) -> frozenset[str]:
        """Themes with seeds that the tokens [start, end) may not get by meaning, for the same reasons as by pattern."""
        at = {theme: Match(start, end, theme) for theme in self._seeded & {e.theme_id for e in found.excludes}}
        excluded = {theme for theme, match in at.items() if excluding(match, found)}
        lacking = {
            theme
            for theme in self._seeded & self._needs_include
            if not _is_included(doc, Match(start, end, theme), found.includes)
        }
        return frozenset(excluded | lacking)


def excluding(match: Match, found: Found) -> Match | None:
    """The exclude of the match's theme that overlaps it."""
    return next(
        (e for e in found.excludes if e.theme_id == match.theme_id and e.start < match.end and match.start < e.end),
        None,
    )


def longest(matches: Iterable[Match]) -> list[Match]:
    """Without the matches that lie inside a longer one of the same taxonomy."""
    kept, taxonomy, reach = [], None, (0, 0)
    # Sorted by start, longest first: what ends no later than an earlier one lies inside it.
    for match in sorted(set(matches), key=lambda m: (_taxonomy(m.theme_id), m.start, -m.end, m.theme_id)):
        if _taxonomy(match.theme_id) != taxonomy:
            taxonomy, reach = _taxonomy(match.theme_id), (0, 0)
        if match.end > reach[1] or (match.start, match.end) == reach:
            kept.append(match)
            reach = (match.start, match.end)
    return kept


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
