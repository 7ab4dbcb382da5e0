"""Nights with planted themes: rows whose text names its theme, and a scorer that knows where each theme lies."""

import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from cx_nlp import discovery, schema, store
from cx_nlp.discovery_config import DiscoveryConfig
from cx_nlp.themes.taxonomy import Taxonomy, Theme
from tests.store import nights
from tests.themes import planted

SETTINGS = DiscoveryConfig(min_mentions=12, min_customers=5)
TAXONOMY = Taxonomy("shop-1", (Theme("shop/price", "Price"),))
AXES = planted.directions(len(planted.WORDS))
FAKE = SimpleNamespace(model=SimpleNamespace(vectors="fake@" + "0" * 12, hidden=planted.WIDTH))


def score(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, None]:
    """Each text "zipper 7" is a mention of its first word; one that is no planted theme lies anywhere."""
    mentions = []
    for source, feedback_id, text in zip(rows["source"], rows["feedback_id"], rows["text"], strict=True):
        word = text.split()[0]
        rng = np.random.default_rng(zlib.crc32(text.encode()))
        known = word in planted.WORDS
        vector = (
            planted.around(AXES[planted.WORDS.index(word)], 1, rng=rng)[0] if known else rng.normal(size=planted.WIDTH)
        )
        if word != "silent":
            mentions.append(
                {"source": source, "feedback_id": feedback_id, "mention_id": 0, "mention": word, "start": 0,
                 "end": len(word), "sentence": 0, "is_negated": False, "method": "none", "vector": vector}
            )  # fmt: skip
    frame = pd.DataFrame(mentions, columns=[*schema.THEME_MENTIONS.names, "vector"], dtype="object")
    return nights.score(rows)[0], frame, None


def rows_of(night: int, counts: dict[str, int]) -> list[dict]:
    date = f"2026-02-{night + 1:02}"
    return [
        nights.row(f"{night}-{word}-{i}", f"{word} {night} {i}", date, file=f"{i % 2}.csv")
        for word, n in counts.items()
        for i in range(n)
    ]


def prepared(lake: Path, run_id: str, rows: list[dict], settings: DiscoveryConfig = SETTINGS, **options):
    options = {"group": 1, "slice_rows": 50} | options
    plan, built = nights.prepare(lake, run_id, rows, scorer=score, keeps_vectors=settings.enabled, **options)
    return plan, discovery.discover(plan, built, lambda: FAKE, settings)


def night(
    lake: Path, run_id: str, rows: list[dict], settings: DiscoveryConfig = SETTINGS, step=None, **options
) -> None:
    with store.locked(lake, holder=run_id):
        plan, built = prepared(lake, run_id, rows, settings, **options)
        themes = discovery.themes_of(lake, built, TAXONOMY)
        nights.commit(plan, built, themes=themes, step=step or (lambda name: None))


FIRST = {"zipper": 30, "lantern": 25, "mist": 20, "silent": 3}
