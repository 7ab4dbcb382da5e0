"""Which words a written form can be an inflection of, without knowing its word class.

Feedback is full of forms that a tagger takes for another class, and a lemmatizer that trusts it then misses the
word. So a form counts for every base that some class allows: "rated" for rate, "leaves" for leaf and leave.
"""

from collections.abc import Callable
from functools import lru_cache

from cx_nlp.spans.pipeline import load_nlp

# The parts of speech in spaCy's English tables (WordNet's), as keys of its lookups.
_CLASSES = ("noun", "verb", "adj")


def bases_of(lookups) -> Callable[[str], frozenset[str]]:
    """spaCy lemmatizer tables -> a function from a lower-case form to itself and all its bases.

    "refunded" -> {"refunded", "refund"}. A form that no table knows and that looks like a plural ("chatbots")
    counts for its singular.
    """
    rules, exceptions, lists = (lookups.get_table(f"lemma_{name}") for name in ("rules", "exc", "index"))
    index = {kind: frozenset(lists.get(kind, ())) for kind in _CLASSES}

    def bases(form: str) -> frozenset[str]:
        found = {form}
        is_known = False
        for kind in _CLASSES:
            found.update(exceptions.get(kind, {}).get(form, ()))
            known = index[kind]
            is_known = is_known or form in known
            for old, new in rules.get(kind, ()):
                if form.endswith(old) and len(form) - len(old) + len(new) > 1:
                    base = form[: len(form) - len(old)] + new
                    if base in known:
                        found.add(base)
        if (
            len(found) == 1
            and not is_known
            and len(form) > 3
            and form.endswith("s")
            and not form.endswith(("ss", "us", "is"))
        ):
            found.add(form[:-1])
        return frozenset(found)

    return bases


def plain_singular(form: str, bases: Callable[[str], frozenset[str]]) -> str:
    """The singular of a plural noun, anything else as it is: "refunds" -> "refund", "glass" -> "glass"."""
    if not form.endswith("s") or len(form) <= 3 or form.endswith(("ss", "us", "is")):
        return form
    shorter = [base for base in bases(form) if base != form]
    return min(shorter, key=lambda base: (-len(base), base)) if shorter else form


@lru_cache(maxsize=1)
def english() -> Callable[[str], frozenset[str]]:
    """`bases_of` with the tables of the shipped pipeline."""
    return bases_of(load_nlp().get_pipe("lemmatizer").lookups)
