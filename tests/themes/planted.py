"""Planted themes on a sphere, for tests of the registry: mentions around T directions, and some around none."""

import datetime as dt

import numpy as np
import pandas as pd

from cx_nlp.themes.vectors import grid

WIDTH = 96
WORDS = ("zipper", "lantern", "gravel", "saddle", "kettle", "ribbon", "puzzle", "anchor")


def directions(count: int, *, seed: int = 0) -> np.ndarray:
    """(count, WIDTH), pairwise at right angles."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(WIDTH, WIDTH)))[0][:count]


def around(direction: np.ndarray, n: int, *, rng: np.random.Generator, spread: float = 0.35) -> np.ndarray:
    """(n, WIDTH): cosine to the direction about 1 / sqrt(1 + spread ** 2)."""
    noise = rng.normal(size=(n, WIDTH))
    return direction + spread * noise / np.linalg.norm(noise, axis=1, keepdims=True)


def mentions(words: list[str], *, night: int = 0, customers: int | None = None) -> pd.DataFrame:
    """A mention each, of as many customers (or `customers` in turn), on the date of a night."""
    n = len(words)
    return pd.DataFrame(
        {
            "source": "survey",
            "feedback_id": [f"{night}-{i}-{word}" for i, word in enumerate(words)],
            "mention_id": 0,
            "feedback_date": dt.date(2026, 3, 1) + dt.timedelta(night),
            "customer": [f"c{night}-{i % (customers or n)}" for i in range(n)],
            "may_quote": None,
            "mention": [f"the {word}" for word in words],
            "start": 0,
            "end": [len(word) + 4 for word in words],
        }
    )


def said(
    counts: dict[int, int], *, night: int = 0, noise: int = 0, seed: int = 0, customers: int | None = None
) -> tuple[pd.DataFrame, np.ndarray]:
    """counts: theme -> mentions of it -> mentions and their vectors; noise: mentions of nothing in common."""
    rng = np.random.default_rng([seed, night])
    axes = directions(len(WORDS))
    parts = [around(axes[theme], n, rng=rng) for theme, n in counts.items()] + [rng.normal(size=(noise, WIDTH))]
    words = [WORDS[theme] for theme, n in counts.items() for _ in range(n)] + [
        chr(97 + i % 26) + chr(97 + i // 26 % 26) + "odd" for i in range(noise)
    ]
    return mentions(words, night=night, customers=customers), grid(np.concatenate(parts))
