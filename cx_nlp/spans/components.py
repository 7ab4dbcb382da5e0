"""The components of our own in the spaCy pipeline: what they find they write into `Doc.spans`.

cx_sentences   sentences, without those that the parser made of a smiley or of a line break
cx_clauses     clauses of the sentences that hold more than one
cx_mentions    mentions, in order; label: NP or VP
cx_phrases     the whole phrase of each mention, in the order of the mentions
cx_opinions    the words that bear on a mention; id: the mention's number
cx_negated     the mentions under a negation; id: the mention's number

Names carry a version: a config that was saved with one keeps its meaning. Importing this module registers them, for
any English pipeline with a tagger and a parser: `nlp.add_pipe("cx_mentions_v1")`.
"""

from itertools import pairwise

from spacy.language import Language
from spacy.tokens import Doc, Span

from cx_nlp.spans.clauses import clause_starts
from cx_nlp.spans.mentions import NOUN_PHRASE, VERB_PHRASE, Phrase, noun_phrases
from cx_nlp.spans.sentences import sentence_tokens
from cx_nlp.spans.verbs import verb_phrases

SENTENCES, CLAUSES, MENTIONS = "cx_sentences", "cx_clauses", "cx_mentions"
PHRASES, OPINIONS, NEGATED = "cx_phrases", "cx_opinions", "cx_negated"
KINDS = (NOUN_PHRASE, VERB_PHRASE)
COMPONENTS = ("cx_sentences_v1", "cx_mentions_v1")


@Language.component("cx_sentences_v1", assigns=["doc.spans"], requires=["token.is_sent_start"])
def set_sentences(doc: Doc) -> Doc:
    """Fills cx_sentences and cx_clauses."""
    starts = sentence_tokens(doc)
    sentences = [(start, end) for start, end in pairwise([*starts, len(doc)])]
    clauses: list[tuple[int, int]] = []
    for start, end in sentences:
        own = clause_starts(doc, start, end)
        if len(own) > 1:
            clauses += pairwise([*own, end])
    doc.spans[SENTENCES] = [Span(doc, start, end) for start, end in sentences]
    doc.spans[CLAUSES] = [Span(doc, start, end) for start, end in clauses]
    return doc


@Language.component("cx_mentions_v1", assigns=["doc.spans"], requires=["token.tag", "token.dep", "token.head"])
def set_mentions(doc: Doc) -> Doc:
    """Fills cx_mentions, cx_phrases, cx_opinions and cx_negated."""
    nouns = noun_phrases(doc)
    phrases = sorted([*nouns, *verb_phrases(doc, nouns)], key=lambda phrase: (phrase.start, phrase.end))
    doc.spans[MENTIONS] = [Span(doc, p.start, p.end, label=p.kind) for p in phrases]
    doc.spans[PHRASES] = [Span(doc, p.left, p.end) for p in phrases]
    doc.spans[OPINIONS] = [Span(doc, *p.opinion, span_id=i) for i, p in enumerate(phrases) if p.opinion]
    doc.spans[NEGATED] = [Span(doc, p.start, p.end, span_id=i) for i, p in enumerate(phrases) if p.is_negated]
    return doc


def phrases_of(doc: Doc) -> list[Phrase]:
    """The mentions that `set_mentions` wrote, in order."""
    opinions = {span.id: (span.start, span.end) for span in doc.spans[OPINIONS]}
    negated = {span.id for span in doc.spans[NEGATED]}
    return [
        Phrase(whole.start, mention.start, mention.end, opinions.get(i), i in negated, mention.label_)
        for i, (mention, whole) in enumerate(zip(doc.spans[MENTIONS], doc.spans[PHRASES], strict=True))
    ]
