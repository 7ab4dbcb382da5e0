"""Which language a text is in, with a bias that has to be overcome: the source's own language.

A wrong "foreign" costs a comment its scores, so a text counts as foreign only on strong evidence, and never on a
word or two.

Both thresholds were set on one half of NHS comments and GoEmotions dev; the other half gave 1 false "foreign" in
4,696 texts (0 in 1,969, 1 in 2,727), and 60 of 60 sentences in twelve other languages were named rightly.
"""

import re
from collections.abc import Container
from functools import lru_cache

from cx_nlp.clean import PLACEHOLDERS, is_readable
from cx_nlp.schema import ScoreStatus

# UTF-8 bytes of letters: ten Latin letters, five of Cyrillic or Arabic, four of Chinese. "None." looks Italian.
MIN_LETTER_BYTES = 10
# Nats by which the likelihood of another language must exceed that of the default one.
MIN_EVIDENCE = 13.0
# More of a text adds cost, not certainty.
_MAX_CHARACTERS = 4000

# ISO 639-1 languages in which feedback is plausible; fewer languages leave fewer to mistake English slang for.
LANGUAGES = (
    "af", "am", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa",
    "fi", "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "kk", "km", "kn", "ko",
    "lt", "lv", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "no", "pa", "pl", "ps", "pt", "ro", "ru", "si",
    "sk", "sl", "so", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "uz", "vi", "zh",
)  # fmt: skip

_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))
_NO_LETTER = re.compile(r"[\W\d_]+")


@lru_cache(maxsize=1)
def _identifier():
    """py3langid's model, loaded on first use (1.3 s) and restricted to LANGUAGES."""
    import numpy as np
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(LANGUAGES)
    # Shipped in 16 bits, which numpy turns into 32 again for every text: half of the time.
    identifier.nb_ptc = np.ascontiguousarray(identifier.nb_ptc, dtype=np.float32)
    return identifier


def release() -> None:
    """Let go of the model, some 120 MB, once a run has read all that it reads; the next text loads it again."""
    _identifier.cache_clear()


def detect(text: str, default: str = "en") -> str:
    """ISO 639-1 of a cleaned text; `default` where it is too short to tell, has no letters, or evidence is weak.

    Deterministic, and blind to placeholders, digits and emoji: "[EMAIL]" is no English word.
    """
    text = _PLACEHOLDER.sub(" ", text)[:_MAX_CHARACTERS]
    letters = _NO_LETTER.sub("", text)
    if len(letters.encode("utf-8", "replace")) < MIN_LETTER_BYTES:
        return default
    # Log-likelihoods with the priors, best first. Not normalised: a softmax over languages forgets how much evidence
    # there was, and it is the evidence against the default that decides.
    ranked = _identifier().rank(text)
    best, evidence = ranked[0]
    scores = dict(ranked)
    # A default that the model does not know cannot be weighed: only the absence of letters keeps it.
    return best if evidence - scores.get(default, float("-inf")) >= MIN_EVIDENCE else default


def text_status(text: str, *, default: str, supported: Container[str]) -> tuple[ScoreStatus, str | None]:
    """What is to become of a cleaned text, and its language (None without letters or emoji).

    "scored" is a promise that the caller has to keep. supported: languages that the model reads.
    """
    if not text:
        return ScoreStatus.NO_TEXT, None
    if not is_readable(text):
        return ScoreStatus.UNREADABLE, None
    language = detect(text, default)
    return ScoreStatus.SCORED if language in supported else ScoreStatus.UNSUPPORTED_LANGUAGE, language
