"""What the server of tests/kills.py has at hand before it forks: imports, and what is loaded at a first call.

None of it starts a thread.
"""

import cx_nlp.score.scorer  # noqa: F401
from cx_nlp.clean import clean_text
from cx_nlp.measures import drivers, emotions, journey, passives, rates, relations, weighting  # noqa: F401
from cx_nlp.spans.pipeline import load_nlp
from cx_nlp.texts import find_languages
from tests import kills  # noqa: F401

load_nlp()
clean_text("Call +44 20 7946 0958 or mail jo@example.com")
find_languages(["some words to tell a language by"], default="en", supported={"en"})
