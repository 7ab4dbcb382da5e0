"""What the parser gets to see of a text: pieces of bounded length that it can read in linear time.

Every change here keeps the number of code points, so an offset in the view is an offset in the text.
"""

import re

from cx_nlp.clean import PLACEHOLDERS

PIECE_CHARS = 5_000
_PLACEHOLDER = re.compile(f"({'|'.join(map(re.escape, PLACEHOLDERS))})")
# spaCy's tokenizer peels punctuation off a word one character at a time, each time from the start: 8,000
# exclamation marks take ten seconds. What a long run says, its first characters say.
_SYMBOL_RUN = re.compile(r"[^\w\s]{6,}|_{6,}")
_SYMBOLS_KEPT = 3
# Two hundred characters without a space are no words: "a/a/a/…" would become thousands of tokens in one tree.
_ENDLESS = re.compile(r"\S{200,}")
_ENDLESS_KEPT = 100
# Curly quotes hide "n't" from the tagger.
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "`": "'", "´": "'"})
_SENTENCE_END = re.compile(r"[.!?…][\"')\]]{0,3}\s")
_SPACE = re.compile(r"\s")
_SHOUTED = 0.7


def view(text: str) -> str:
    """The text as the parser reads it best: straight quotes, no endless runs, no shouting; same length."""
    text = text.translate(_PLAIN)
    text = _SYMBOL_RUN.sub(lambda run: run[0][:_SYMBOLS_KEPT].ljust(len(run[0])), text)
    text = _ENDLESS.sub(lambda run: run[0][:_ENDLESS_KEPT].ljust(len(run[0])), text)
    parts = _PLACEHOLDER.split(text)  # said, placeholder, said, placeholder, …, said
    said = "".join(parts[::2])
    letters = sum(map(str.isalpha, said))
    if letters >= 10 and sum(map(str.isupper, said)) > _SHOUTED * letters:
        # The tagger takes words in capitals for names. A few letters change length in lower case: leave those texts.
        lowered = "".join(part if i % 2 else part.lower() for i, part in enumerate(parts))
        return lowered if len(lowered) == len(text) else text
    return text


def pieces(text: str, *, limit: int = PIECE_CHARS) -> list[tuple[int, str]]:
    """Cut a text into [(offset, piece)] of at most `limit` characters that join to the text; "" gives [].

    A cut falls after the last sentence end in the second half of a piece, else at the last white space, else
    anywhere: the parser's memory grows with the piece, not with the text.
    """
    cut, at = [], 0
    while len(text) - at > limit:
        half = text[at + limit // 2 : at + limit]
        ends = [match.end() for match in _SENTENCE_END.finditer(half)] or [
            match.end() for match in _SPACE.finditer(half)
        ]
        end = at + (limit // 2 + ends[-1] if ends else limit)
        cut.append((at, text[at:end]))
        at = end
    return [*cut, (at, text[at:])] if text else []
