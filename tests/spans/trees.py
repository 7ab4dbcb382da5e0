"""Parsed Docs built by hand, so that a test of a rule needs no model and no parser's mood."""

import spacy
from spacy.tokens import Doc

VOCAB = spacy.blank("en").vocab


def tree(text: str) -> Doc:
    """ "The/DT/det/2 wait/NN/nsubj/3 was/VBD/ROOT/3 long/JJ/acomp/3" -> a Doc; heads count from 1.

    A word that starts with "n't", a comma or a full stop stands without a space before it.
    """
    rows = [word.rsplit("/", 3) for word in text.split()]
    words, tags, deps, heads = zip(*rows, strict=True)
    glued = [word.startswith(("n't", ",", ".", "'s", "-")) or words[i - 1] == "-" for i, word in enumerate(words)]
    return Doc(
        VOCAB,
        words=list(words),
        spaces=[not after for after in [*glued[1:], True]],
        tags=list(tags),
        deps=list(deps),
        heads=[int(head) - 1 for head in heads],
    )
