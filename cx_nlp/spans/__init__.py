"""Where in a text something is said: sentences, mentions, and the opinion and negation on each mention."""

from cx_nlp.spans.find import Mention, Sentence, Spans, find_spans
from cx_nlp.spans.pipeline import SPANS_VERSION

__all__ = ["SPANS_VERSION", "Mention", "Sentence", "Spans", "find_spans"]
