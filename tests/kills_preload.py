"""What the server of tests/kills.py has at hand before it forks: imports, and the parser, which starts no thread."""

import cx_nlp.measures
import cx_nlp.score.scorer  # noqa: F401
from cx_nlp.measures import drivers, emotions, journey, passives, rates, relations, weighting  # noqa: F401
from cx_nlp.spans.pipeline import load_nlp
from tests import kills  # noqa: F401

load_nlp()
