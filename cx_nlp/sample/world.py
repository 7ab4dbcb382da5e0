"""The invented retailer: who answers, where, how often, and how people rate before any fact is planted.

An online shop with stores that sells things for the home. No person, company or place here exists.
"""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
START = dt.date(2025, 12, 29)  # the Monday of ISO week 1 of 2026: week 9 of the sample is week 9 of the calendar

SOURCES = {"survey": 0.68, "reviews": 0.17, "voice": 0.15}
LEADERS = 0.18  # share of `voice`; the rest are employees
# The journey in order, with each stage's share of the feedback.
TOUCHPOINTS = {
    "discover": 0.08, "buy": 0.17, "deliver": 0.22, "use": 0.13, "support": 0.18, "return": 0.15, "renew": 0.07,
}  # fmt: skip
WEEKDAYS = (1.15, 1.05, 1.0, 1.0, 1.05, 0.95, 0.8)  # Monday first
SEGMENTS = {"new": 0.38, "returning": 0.5, "trade": 0.12}
LANGUAGES = {"en": 0.93, "es": 0.025, "fr": 0.025, "de": 0.02}
# Where a survey is answered, by touchpoint: survey (by e-mail), call centre, chat, store kiosk.
CHANNELS = ("survey", "call centre", "chat", "store kiosk")
CHANNEL_SHARES = {
    "discover": (0.5, 0.0, 0.15, 0.35), "buy": (0.5, 0.05, 0.1, 0.35), "deliver": (0.75, 0.15, 0.1, 0.0),
    "use": (0.85, 0.05, 0.05, 0.05), "support": (0.2, 0.5, 0.3, 0.0), "return": (0.4, 0.15, 0.1, 0.35),
    "renew": (0.7, 0.15, 0.1, 0.05),
}  # fmt: skip
COMMENTED = {"survey": 0.72, "reviews": 0.88, "voice": 1.0}
SECOND_COMMENT = 0.10  # of the survey's comments
QUESTIONS = ("What is the main reason for your score?", "What one thing should we do next?")

GROUPS = ("detractor", "passive", "promoter")
# The scale of each rating, its shares where nothing is planted, the source that asks for it and how often it does.
# NPS and CSAT are never both left out: a row with neither comment nor rating would be rejected.
SCALES = {"nps": range(0, 11), "csat": range(1, 6), "ces": range(1, 8), "rating": range(1, 6)}
SHARES = {
    "nps": (0.03, 0.02, 0.02, 0.03, 0.04, 0.07, 0.08, 0.14, 0.19, 0.18, 0.20),
    "csat": (0.08, 0.14, 0.26, 0.34, 0.18),
    "ces": (0.05, 0.08, 0.12, 0.18, 0.22, 0.21, 0.14),
    "rating": (0.16, 0.12, 0.15, 0.24, 0.33),
}
ASKED_BY = {"nps": "survey", "csat": "survey", "ces": "survey", "rating": "reviews"}
MISSING = {"nps": 0.12, "csat": 0.18, "ces": 0.15, "voice": 0.25}
CES_AT = ("buy", "deliver", "support", "return")  # effort is asked where the customer had to do something

TONES = ("negative", "mixed", "neutral", "positive")  # from the lowest draw to the highest
TONE_SHARES = (0.30, 0.12, 0.20, 0.38)
NEGATIVE_EMOTIONS = ("anger", "annoyance", "disappointment", "sadness", "nervousness", "confusion")
POSITIVE_EMOTIONS = ("joy", "admiration", "gratitude", "relief", "surprise")
OTHER_EMOTION = 0.25  # share of comments that show some emotion, where no planted one speaks
BASE_SHARE = 0.09  # of the comments name a theme that no fact is about

PRODUCTS = (
    "bookcase", "floor lamp", "rug", "sideboard", "sofa bed", "side table", "bed frame", "desk", "armchair", "mirror",
    "coat rack", "bench", "chest of drawers", "table", "footstool",
)  # fmt: skip
STORES = ("Northgate", "Quayside", "Mill Lane", "Ferry Road", "Oldcastle", "online")
COUNTRIES = ("GB", "IE", "GB", "GB", "ES", "FR", "DE")
APP_VERSIONS = ("5.2.0", "5.2.1", "5.3.0")

# How alike the ratings of one customer, and of one response, are: the share of draws that repeat the same quantile.
SAME_CUSTOMER, SAME_RESPONSE = 0.25, 0.6


def score(measure: str) -> np.ndarray:
    """What one answer counts in the measure's mean, along its scale: -100, 0 or 100 for nps, else the answer itself."""
    scale = np.array(SCALES[measure], dtype=float)
    return np.where(scale >= 9, 100.0, np.where(scale >= 7, 0.0, -100.0)) if measure == "nps" else scale


def cumulative(shares: Any) -> np.ndarray:
    """Shares (a mapping or a sequence) -> cumulative shares that end at exactly 1."""
    total = np.cumsum(np.array(list(shares.values()) if isinstance(shares, dict) else shares, dtype=float))
    return total / total[-1]


def choose(shares: Any, draws: np.ndarray) -> np.ndarray:
    """Indices into `shares`, one for each draw in [0, 1)."""
    return np.searchsorted(cumulative(shares), draws, side="right")


class Draws:
    """Named streams of uniform numbers: one stream's use never moves another, so a planted fact moves nothing else."""

    def __init__(self, *key: int) -> None:
        self._key = key

    def uniform(self, name: str, size: int) -> np.ndarray:
        """(size,) in [0, 1); the same for the same key and name."""
        # Raw doubles of PCG64 alone: NumPy keeps these bit by bit, not its higher distributions.
        return np.random.Generator(np.random.PCG64([*self._key, *name.encode()])).random(size)
