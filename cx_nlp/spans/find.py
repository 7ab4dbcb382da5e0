"""From texts to plain spans: offsets into the text, strings from the text, no spaCy objects."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cx_nlp.spans.mentions import Located, noun_phrases
from cx_nlp.spans.pipeline import parse
from cx_nlp.spans.sentences import sentence_starts


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
    """

    start: int
    end: int
    text: str
    sentence: int
    opinion: str | None
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Spans:
    """Sentences and mentions of one text, each in the order of (start, end)."""

    sentences: tuple[Sentence, ...]
    mentions: tuple[Mention, ...]


def find_spans(texts: Iterable[str], *, batch_size: int = 256) -> Iterator[Spans]:
    """One `Spans` a text, in order; a text without a word gives no mentions, "" gives nothing at all.

    Deterministic and independent of the texts beside it, to the bit. Texts may be of any length.
    """

    def read(doc) -> tuple[list[int], list[Located]]:
        return sentence_starts(doc), [phrase.located(doc) for phrase in noun_phrases(doc)]

    for text, found in parse(texts, read, batch_size=batch_size):
        sentences = sentences_of(text, [offset + start for offset, (starts, _) in found for start in starts])
        located = [phrase.shifted(offset) for offset, (_, phrases) in found for phrase in phrases]
        yield Spans(sentences, tuple(mention_of(text, phrase, sentences) for phrase in located))


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
    return Mention(at.start, at.end, text[at.start : at.end], max(sentence, 0), opinion, at.is_negated)
