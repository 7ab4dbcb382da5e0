"""Readable names of discovered themes: the words that its mentions have and others have not.

Class-based TF-IDF (Grootendorst 2022, BERTopic): a term's share in the theme's mentions, times the logarithm of how rare
it is in all of them.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from cx_nlp.clean import PLACEHOLDERS
from cx_nlp.spans.words import PEOPLE, TIME, TITLES, VAGUE
from cx_nlp.spans.words import words as word_set

TERMS = 3  # in a name
SAID_BY = 3  # customers who must have used a term: one person's words name nothing
MOSTLY_CAPITAL = 0.6  # share of a word's uses with a capital from which it is taken for somebody's name
PHRASE_SHARE = 0.5  # share of a word's uses within a phrase from which the phrase names the theme
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_MASKED = re.compile("|".join(map(re.escape, PLACEHOLDERS)))
_GRAMMAR = word_set(
    """a about after all also am an and any are as at be because been before being both but by can could did do does
    don't done down during each either even ever every few for from further get got had has have he her here hers him
    his how i if in into is it it's its just like made make me mine more most much my myself near no nor not now of off
    on once only or other our ours out over own per quite rather really same she should since so some still such than
    that the their theirs them then there these they this those through to too under until up upon us very was we well
    were what when where which while who whom whose why will with within without would yet you your yours"""
)  # fmt: skip
SILENT = _GRAMMAR | VAGUE | TIME | TITLES | PEOPLE

Term = tuple[str, ...]


def names(
    clusters: Sequence[Sequence[str]],
    customers: Sequence[Sequence[str]],
    others: Iterable[str] = (),
    *,
    taken: Collection[str] = (),
) -> list[str | None]:
    """Masked mentions of C clusters, and who said each -> a name each, all different and none of `taken`.

    others: mentions of no cluster, which tell what is common. None where no word is left that at least `SAID_BY` said
    and that is nobody's name: such a cluster is no theme.
    """  # fmt: skip
    said = [[words(mention) for mention in mentions] for mentions in clusters]
    rest = [words(mention) for mention in others]
    everything = [mention for mentions in (*said, rest) for mention in mentions]
    proper, base = _proper(everything), _singulars(everything)
    counts = [_counted(mentions, proper, base) for mentions in said]
    overall = sum([*counts, _counted(rest, proper, base)], Counter())
    average = overall.total() / max(len(clusters), 1)
    used, found = set(taken), []
    for mentions, people, count in zip(said, customers, counts, strict=True):
        shared = _shared(mentions, people, proper, base)
        weight = {
            term: n / len(mentions) * math.log1p(average / overall[term]) for term, n in count.items() if term in shared
        }
        name = _unused(_chosen(weight, count), used)
        used.add(name or "")
        found.append(name)
    return found


def words(mention: str) -> list[str]:
    """The words of a masked mention as they are written, without placeholders, digits and marks."""
    return _WORD.findall(_MASKED.sub(" ", mention))


def _proper(mentions: Iterable[Sequence[str]]) -> set[str]:
    """Words that are mostly written with a capital, as names of persons and places are. ALL CAPITALS say nothing."""
    capital: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for mention in mentions:
        for word in mention:
            if not word.isupper() or len(word) == 1:
                total[word.casefold()] += 1
                capital[word.casefold()] += word[0].isupper()
    return {word for word, n in total.items() if capital[word] >= MOSTLY_CAPITAL * n}


def _singulars(mentions: Iterable[Sequence[str]]) -> dict[str, str]:
    """word -> its singular, where both are said."""
    vocabulary = {word.casefold() for mention in mentions for word in mention}
    return {f"{word}s": word for word in vocabulary if f"{word}s" in vocabulary and len(word) > 2}


def _terms(mention: Sequence[str], proper: Collection[str], base: dict[str, str]) -> set[Term]:
    """Words and pairs of neighbouring words that may name a theme, each once."""
    plain = [word.casefold() for word in mention]
    kept = [None if w in SILENT or w in proper or len(w) < 2 else base.get(w, w) for w in plain]
    pairs = {(one, other) for one, other in pairwise(kept) if one and other and one != other}
    return {(word,) for word in kept if word} | pairs


def _counted(mentions: Iterable[Sequence[str]], proper: Collection[str], base: dict[str, str]) -> Counter[Term]:
    return Counter(term for mention in mentions for term in _terms(mention, proper, base))


def _shared(
    mentions: Sequence[Sequence[str]], people: Sequence[str], proper: Collection[str], base: dict[str, str]
) -> set[Term]:
    by: dict[Term, set[str]] = {}
    for mention, person in zip(mentions, people, strict=True):
        for term in _terms(mention, proper, base):
            by.setdefault(term, set()).add(person)
    return {term for term, its in by.items() if len(its) >= SAID_BY}


def _chosen(weight: dict[Term, float], count: Counter[Term]) -> list[str]:
    """Terms by weight, none that repeats a word; a phrase stands for its word where it makes up most of its uses."""
    ordered = sorted(weight, key=lambda term: (-weight[term], term))
    chosen: list[Term] = []
    for term in ordered:
        phrases = [t for t in ordered if len(t) > len(term) and set(term) < set(t)]
        best = next((t for t in phrases if count[t] >= PHRASE_SHARE * count[term]), term)
        if not any(set(best) & set(other) for other in chosen):
            chosen.append(best)
    return [" ".join(term) for term in chosen]


def _unused(terms: Sequence[str], used: Collection[str]) -> str | None:
    """The first terms, one more for as long as the name is taken; then a number tells them apart."""
    if not terms:
        return None
    for n in range(min(TERMS, len(terms)), len(terms) + 1):
        name = ", ".join(terms[:n])
        if name not in used:
            return name
    number = 2
    while f"{name} ({number})" in used:
        number += 1
    return f"{name} ({number})"
