"""Sentence boundaries of a parsed Doc."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.tokens import Doc

_CLOSING = "\"')]* "


def sentence_tokens(doc: "Doc") -> list[int]:
    """Tokens at which the sentences of a Doc start; [] for an empty Doc.

    The parser also splits where a writer saved the punctuation: a part that starts in lower case after no mark
    goes on with its sentence. What holds no letter or digit ("...", ":)", "👍") is no sentence of its own: it
    stays with the one before it, at the start of a text with the one after it.
    """
    starts: list[int] = []
    has_word, before = True, ""
    for sentence in doc.sents:
        text = sentence.text
        is_wordy = any(map(str.isalnum, text))
        goes_on = (before[-1:].isalnum() and text[:1].islower()) or before.endswith(",")
        if not starts or (is_wordy and has_word and not goes_on):
            starts.append(sentence.start)
            has_word = is_wordy
        else:
            has_word = has_word or is_wordy
        before = text.rstrip(_CLOSING)
    return starts


def sentence_starts(doc: "Doc") -> list[int]:
    """Code points at which the sentences of a Doc start; [] for an empty Doc."""
    return [doc[start].idx for start in sentence_tokens(doc)]
