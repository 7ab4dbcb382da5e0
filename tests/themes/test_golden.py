"""Sentences, mentions and themes of nasty texts, as a golden file: a change of rules shows in its diff."""

from cx_nlp.clean import clean_text
from cx_nlp.themes import analyse, load_taxonomies
from tests.nasty import NASTY


def test_spans_and_themes_of_nasty_texts(golden):
    texts = [clean_text(text) for text in NASTY.values()]
    found = {}
    for name, spans in zip(NASTY, analyse(texts, load_taxonomies(["general"])), strict=True):
        mentions = [
            [m.text, m.opinion, "negated" if m.is_negated else "", "+".join(h.theme_id for h in m.themes)]
            for m in spans.mentions[:12]
        ]
        found[name] = {"sentences": len(spans.sentences), "mentions": len(spans.mentions), "first": mentions}
    golden("spans", found)
