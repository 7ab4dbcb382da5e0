"""Discovered themes under another model: mentions are embedded anew, exemplars and ids stay."""

import datetime as dt
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cx_nlp import discovery, doctor, schema, store
from cx_nlp.discovery_config import DiscoveryConfig
from cx_nlp.score.scorer import Scorer, score_rows
from cx_nlp.store import files
from cx_nlp.themes.registry import Registry
from cx_nlp.themes.taxonomy import load_taxonomies
from cx_nlp.themes.vectors import grid
from tests import tiny_model
from tests.discovered import FIRST, SETTINGS, TAXONOMY, night, rows_of, score
from tests.store import nights
from tests.themes import planted


@pytest.fixture
def lake(tmp_path) -> Path:
    """After a night that founds two themes."""
    night(tmp_path / "lake", "n0", rows_of(0, FIRST))
    return tmp_path / "lake"


def test_another_model_reads_the_stored_mentions_in_their_texts(tmp_path):
    """What is embedded anew is what the scorer would hand out for the same mention."""
    scorer = Scorer.load(model=str(tiny_model.build(tmp_path / "model")), taxonomy=load_taxonomies([]), threads=1)
    texts = pd.Series(["The rude waiter and the lovely soup", "A terrible zipper on the great coat"])
    lake = tmp_path / "lake"
    rows = [nights.row(str(i), text, file="a.csv") for i, text in enumerate(texts)]
    nights.night(lake, "n0", rows)
    _, mentions, _ = score_rows(scorer, texts, vectors="all")
    stored = mentions.assign(
        number=0, step=1, source="survey", feedback_id=mentions["row"].astype(str), customer="c", may_quote=None,
        feedback_date=rows[0]["feedback_date"],
    )[list(schema.REGISTRY.names[:-1])]  # fmt: skip
    registry = Registry(model="old@0", mentions=stored, vectors=np.zeros((len(stored), 9), dtype=np.int16))
    plan = SimpleNamespace(lake=lake, folder=files.staging(lake, "n1"))
    moved = discovery.under_model(registry, plan, lambda: scorer)
    assert moved.model == scorer.model.vectors and len(mentions) > 2
    handed_out = grid(np.stack(mentions["vector"].to_list()).astype(np.float32))
    assert np.abs(moved.vectors.astype(int) - handed_out).max() <= 1
    assert discovery.under_model(moved, plan, lambda: scorer).vectors is moved.vectors


def rescored(
    lake: Path, run_id: str, monkeypatch, *, scale: float = 0.25, settings: DiscoveryConfig = SETTINGS
) -> None:
    """The whole lake scored again by another model: the same space turned, and every vector moved a little."""
    turn = planted.directions(planted.WIDTH, seed=9)

    def seen(vector: np.ndarray, text: str) -> np.ndarray:
        rng = np.random.default_rng([1, zlib.crc32(text.encode())])
        noise = rng.normal(size=planted.WIDTH)
        return (vector / np.linalg.norm(vector)) @ turn + scale * noise / np.linalg.norm(noise)

    def by_other(rows: pd.DataFrame):
        feedback, mentions, sentences = score(rows)
        texts = dict(zip(rows["feedback_id"], rows["text"], strict=True))
        named = zip(mentions["vector"], mentions["feedback_id"], strict=True)
        return feedback, mentions.assign(vector=[seen(vector, texts[key]) for vector, key in named]), sentences

    def span_means(texts, spans):
        for text, its in zip(texts, spans, strict=True):
            [vector] = score(nights.frame([nights.row("x", text)]))[1]["vector"]
            yield SimpleNamespace(means=np.stack([seen(vector, text)] * (len(its) + 1)))

    model = SimpleNamespace(vectors="other@" + "1" * 12, theme_width=planted.WIDTH)
    other = SimpleNamespace(model=model, encoder=SimpleNamespace(span_means=span_means))
    monkeypatch.setattr("cx_nlp.score.heads.theme_vectors", lambda model, means: means)
    wanted = store.rescoring.Wanted({"en": ("other@111111111111", "fake fp32", False)}, TAXONOMY.version, False)
    with store.locked(lake, holder=run_id):
        always = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
        plan = store.rescoring.plan(lake, run_id, started_at=nights.START, wanted=wanted, dates=always)
        built = [
            store.build(plan, dates, discovery.keeping(plan, dates, by_other), slice_rows=50)
            for dates in plan.groups(1)
        ]
        built = discovery.discover(plan, built, lambda: other, settings)
        nights.commit(plan, built, themes=discovery.themes_of(lake, built, TAXONOMY))


def ids(lake: Path) -> dict[str, str]:
    return dict(nights.table(lake, "theme_mentions", "feedback_id, theme_id", "theme_id IS NOT NULL"))


def test_a_rescore_by_another_model_keeps_exemplars_and_ids(lake, monkeypatch):
    night(lake, "n1", rows_of(1, {"zipper": 12, "lantern": 12, "mist": 5}))
    before, had = discovery.read_registry(lake), ids(lake)
    assert len(had) > 60
    rescored(lake, "r1", monkeypatch)
    after, has = discovery.read_registry(lake), ids(lake)
    assert after.model == "other@" + "1" * 12 and [one.number for one in after.active] == [1, 2]
    stored = [one.mentions[one.numbers > 0].astype(str).to_numpy().tolist() for one in (before, after)]
    assert stored[0] == stored[1]
    kept = [has.get(key) == theme for key, theme in had.items()]
    assert np.mean(kept) > 0.95
    exemplars = dict(zip(after.mentions["feedback_id"], after.numbers, strict=True))
    assert all(has[key] == f"new/{number}" for key, number in exemplars.items() if number)
    assert not after.mentions.duplicated(["source", "feedback_id", "mention_id"]).any()
    assert doctor.check_lake(lake) == []
