"""From texts to plain spans: offsets into the text, strings from the text, no spaCy objects."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from cx_nlp.spans.mentions import NOUN_PHRASE, Located
from cx_nlp.spans.pipeline import parse

if TYPE_CHECKING:
    from spacy.tokens import Doc


@dataclass(frozen=True, slots=True)
class Sentence:
    """Code points [start, end) of the text, without the white space around it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mention:
    """Something the text speaks of: code points [start, end), and what it says of it.

    sentence: index into the text's sentences. opinion: the words bearing on it as they stand in the text, None
    if there are none. is_negated: the mention or its opinion stands under a negation ("no parking", "not helpful").
    kind: NP, a noun phrase; VP, a verb phrase; PATTERN, what a taxonomy's pattern found outside of both.
    """

    start: int
    end: int
    text: str
    sentence: int
    opinion: str | None
    is_negated: bool
    kind: str = NOUN_PHRASE


@dataclass(frozen=True, slots=True)
class Spans:
    """Sentences, clauses and mentions of one text, each in the order of (start, end).

    clauses: of the sentences that hold more than one; a sentence that is one clause has none.
    """

    sentences: tuple[Sentence, ...]
    mentions: tuple[Mention, ...]
    clauses: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """How one piece of a text is cut, in code points of the piece: where its sentences start, and its clauses."""

    starts: list[int]
    clauses: list[tuple[int, int]]


def read_layout(doc: "Doc") -> Layout:
    """`Doc.spans` as plain values."""
    from cx_nlp.spans.components import CLAUSES, SENTENCES

    starts = [span.start_char for span in doc.spans[SENTENCES]]
    return Layout(starts, [(span.start_char, span.end_char) for span in doc.spans[CLAUSES]])


def find_spans(texts: Iterable[str], *, batch_size: int = 256) -> Iterator[Spans]:
    """One `Spans` a text, in order; a text without a word gives no mentions, "" gives nothing at all.

    Deterministic and independent of the texts beside it, to the bit. Texts may be of any length.
    """

    def read(doc: "Doc") -> tuple[Layout, list[Located]]:
        from cx_nlp.spans.components import phrases_of

        return read_layout(doc), [phrase.located(doc) for phrase in phrases_of(doc)]

    for text, found in parse(texts, read, batch_size=batch_size):
        layouts = [(offset, layout) for offset, (layout, _) in found]
        sentences = sentences_of(text, [offset + start for offset, layout in layouts for start in layout.starts])
        located = [phrase.shifted(offset) for offset, (_, phrases) in found for phrase in phrases]
        mentions = tuple(mention_of(text, phrase, sentences) for phrase in located)
        yield Spans(sentences, mentions, clauses_of(layouts))


def clauses_of(layouts: Iterable[tuple[int, Layout]]) -> tuple[Sentence, ...]:
    """(offset, layout) of the pieces of a text -> the clauses of the text."""
    return tuple(Sentence(offset + start, offset + end) for offset, layout in layouts for start, end in layout.clauses)


def sentences_of(text: str, starts: Sequence[int]) -> tuple[Sentence, ...]:
    """Ascending starts -> sentences up to the next start, without white space at either end; empty ones left out."""
    sentences = []
    for start, end in pairwise([*starts, len(text)]):
        part = text[start:end]
        if part.strip():
            sentences.append(Sentence(end - len(part.lstrip()), start + len(part.rstrip())))
    return tuple(sentences)


def mention_of(text: str, at: Located, sentences: Sequence[Sentence]) -> Mention:
    """The plain mention of a located one."""
    sentence = bisect_right(sentences, at.start, key=lambda s: s.start) - 1
    opinion = at.opinion and text[slice(*at.opinion)]
    return Mention(at.start, at.end, text[at.start : at.end], max(sentence, 0), opinion, at.is_negated, at.kind)
