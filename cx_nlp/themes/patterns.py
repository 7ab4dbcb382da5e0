"""What a pattern may be: a phrase, or a list of spaCy token patterns that cannot run for ever.

A phrase matches whatever case, number, tense and degree its words have in the text, when they are written in
their base form: "take forever" matches "took forever", "refund" matches "refunds" and "refunded". A word
written inflected matches that form alone ("broken"), except that a plural also matches its singular. A phrase
that starts with "=" matches as it is written ("=goods" is not "good"). Articles, possessives and hyphens may
stand between the words: "answer phone" matches "answered the phone", "check in" matches "check-in".
"""

import difflib
from typing import Any

from cx_nlp.spans.words import words

OPTIONAL_MOST = 8  # spaCy's matcher tries every subset of the tokens that may be left out
REPEAT_MOST = 4  # what "*" and "+" are cut to
_ATTRIBUTES = words(
    """ORTH TEXT LOWER NORM LEMMA POS TAG DEP SHAPE LENGTH SPACY IS_ALPHA IS_ASCII IS_DIGIT IS_LOWER IS_UPPER IS_TITLE
    IS_PUNCT IS_SPACE IS_STOP IS_SENT_START LIKE_NUM LIKE_URL LIKE_EMAIL IS_CURRENCY IS_QUOTE IS_BRACKET OP"""
)
_PREDICATES = frozenset(("IN", "NOT_IN", "==", ">=", "<=", ">", "<", "!="))
_NEEDS_LEMMAS = frozenset(("LEMMA", "POS"))
# What may stand between the words of a phrase.
BETWEEN = words("the a an my your our their his her its this that these those -")

TokenPattern = list[dict[str, Any]]


def check_phrase(phrase: str) -> str:
    """The phrase as it was written, without white space around it. Raises ValueError if it holds no word."""
    if not any(map(str.isalnum, phrase)):
        raise ValueError(f"pattern {phrase!r} holds no word")
    return phrase.strip()


def check_tokens(pattern: TokenPattern) -> TokenPattern:
    """A spaCy token pattern with bounded repetition. Raises ValueError with the reason it is refused."""
    if not pattern:
        raise ValueError("a token pattern needs at least one token, got []")
    bounded, optional, required = [], 0, 0
    for token in pattern:
        token = {_attribute(name): _checked(name, value) for name, value in token.items()}
        low, high = _repetition(token.pop("OP", "1"))
        optional += high - low
        required += low
        bounded.append(token | {"OP": f"{{{low},{high}}}"} if (low, high) != (1, 1) else token)
    if optional > OPTIONAL_MOST:
        raise ValueError(
            f"token pattern could run for ever: {optional} tokens may be left out, at most {OPTIONAL_MOST} can be"
            f" ('*' and '+' count {REPEAT_MOST})"
        )
    if not required:
        raise ValueError("token pattern could match nothing at all: at least one token must be required")
    _compile(bounded)
    return bounded


def needs_lemmas(pattern: TokenPattern) -> bool:
    return any(_NEEDS_LEMMAS & token.keys() for token in pattern)


def _attribute(name: str) -> str:
    if name.upper() in _ATTRIBUTES:
        return name.upper()
    if name.upper() == "_" or name.upper().startswith("ENT_") or name.upper() == "MORPH":
        raise ValueError(f"token attribute {name!r} cannot be used: the pipeline does not set it")
    near = difflib.get_close_matches(name.upper(), _ATTRIBUTES, n=1, cutoff=0.5)
    raise ValueError(
        f"unknown token attribute {name!r}{f', did you mean {near[0]!r}?' if near else ''}; known: {', '.join(sorted(_ATTRIBUTES))}"
    )


def _checked(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        for predicate in value:
            if predicate == "REGEX":
                raise ValueError(
                    "REGEX is refused: a regular expression could run for ever on hostile text; list the words with IN"
                )
            if predicate not in _PREDICATES:
                raise ValueError(f"unknown predicate {predicate!r} of {name}; known: {', '.join(sorted(_PREDICATES))}")
    known = _known_values(name.upper())
    if known:
        given = [v for values in value.values() for v in values] if isinstance(value, dict) else [value]
        for one in given:
            if one not in known:
                raise ValueError(f"unknown value {one!r} of {name}; known: {', '.join(sorted(known))}")
    return value


def _known_values(name: str) -> frozenset[str]:
    from cx_nlp.spans.pipeline import load_nlp

    if name == "POS":
        load_nlp()  # spaCy's first import is left to it: it keeps torch out
        from spacy.parts_of_speech import IDS

        return frozenset(filter(None, IDS)) - {"CONJ", "EOL"}
    if name in ("TAG", "DEP"):
        return frozenset(load_nlp().get_pipe("tagger" if name == "TAG" else "parser").labels)
    return frozenset()


def _repetition(operator: Any) -> tuple[int, int]:
    """(least, most) tokens that an OP stands for; most is always bounded."""
    plain = {"1": (1, 1), "?": (0, 1), "*": (0, REPEAT_MOST), "+": (1, REPEAT_MOST)}
    if operator in plain:
        return plain[operator]
    if operator == "!":
        raise ValueError("OP '!' is not supported: use NOT_IN or the theme's exclude")
    low, comma, high = str(operator).strip("{}").partition(",")
    try:
        least = int(low or 0)
        most = int(high) if high else (least if not comma else least + REPEAT_MOST)
    except ValueError:
        least, most = 1, 0
    if least < 0 or most < max(least, 1):
        raise ValueError(f"unknown OP {operator!r}; known: 1, ?, *, +, {{n}}, {{n,m}} with n <= m")
    if most > 20:
        raise ValueError(f"OP {operator!r} repeats more than 20 times: the pattern could run for ever")
    return least, most


def _compile(pattern: TokenPattern) -> None:
    from cx_nlp.spans.pipeline import load_nlp

    nlp = load_nlp()
    from spacy.errors import MatchPatternError
    from spacy.matcher import Matcher

    try:
        Matcher(nlp.vocab, validate=True).add("check", [pattern])
    except (MatchPatternError, ValueError) as error:
        raise ValueError(f"bad token pattern: {' '.join(str(error).split())[:300]}") from None
