"""Thirty nights of the registry over Banking77, with themes that are new, grow, merge and vanish: do mentions keep their ids?

    python -m models.recipes.simulate_nights --data-root DATA [--model models/minilm-cx] [--other untouched] [--seed 0] [--json]

Each text is a mention, its intent the planted theme; texts are drawn without replacement, so no night repeats another.
A mention's id survives if the registry of the last night gives it the id that it got on its own night, merges followed;
one that gets none then has lost it. `--other` is a second model: after the last night the registry is embedded anew by
it, and the mentions with it, as `cx-nlp rescore` would; and once more as if nothing were known of what they had. Either
model is a folder, or `untouched`: the encoder's own sentence embedding.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cx_nlp.clean import clean_text
from cx_nlp.discovery_config import DiscoveryConfig
from cx_nlp.score import heads
from cx_nlp.score.predict import Predictor
from cx_nlp.themes.growth import Limits, grow
from cx_nlp.themes.keeping import rematch
from cx_nlp.themes.registry import POOL, Registry, match, reembed, survivor
from cx_nlp.themes.vectors import grid, unit
from models.recipes.command import one_line
from models.recipes.figures import Figure, share
from models.recipes.sets import load

NIGHTS = 30
TURN = 15  # the night on which themes vanish and merge, and by which the new ones have come
UNTOUCHED = "untouched"


@dataclass(frozen=True)
class Run:
    """Of each mention drawn (M,): its row in the set, its night, the id it got on that night; and the registry at the end."""

    rows: np.ndarray
    night: np.ndarray
    ids: np.ndarray
    registry: Registry
    after_each: tuple[Registry, ...]


def kinds(intents: list[str], *, rng: np.random.Generator) -> dict[str, str]:
    """intent -> what it does over the nights: of 77, 12 each are new, growing, merging, vanishing, the rest steady."""
    each = len(intents) * 12 // 77
    names = [kind for kind in ("new", "growing", "merging", "vanishing") for _ in range(each)]
    names += ["steady"] * (len(intents) - len(names))
    return dict(zip(rng.permutation(sorted(intents)).tolist(), names, strict=True))


def schedule(frame: pd.DataFrame, vectors: np.ndarray, kind: dict[str, str], *, rng: np.random.Generator) -> np.ndarray:
    """-> the night of each text (N,), 0 to NIGHTS - 1.

    A merging intent is first said in two ways, its texts at either end of their main direction; those between come from
    `TURN` on. A growing one is said five times as often at the end as at the start.
    """
    night = np.zeros(len(frame), dtype=np.int64)
    for intent, its in frame.groupby("category", sort=True).indices.items():
        every = np.arange(NIGHTS)
        weight = np.ones(NIGHTS)
        if kind[intent] == "new":
            weight = (every >= rng.integers(5, TURN + 1)).astype(float)
        elif kind[intent] == "growing":
            weight = 1 + 4 * every / (NIGHTS - 1)
        elif kind[intent] == "vanishing":
            weight = (every < TURN).astype(float)
        night[its] = rng.choice(every, size=len(its), p=weight / weight.sum())
        if kind[intent] == "merging":
            centred = vectors[its] - vectors[its].mean(axis=0)
            along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
            ends = np.argsort(along.round(4), kind="stable")
            apart = np.concatenate([ends[: len(its) // 4], ends[-(len(its) // 4) :]])
            between = np.setdiff1d(np.arange(len(its)), apart)
            night[its[apart]] = rng.integers(0, TURN, size=len(apart))
            night[its[between]] = rng.integers(TURN, NIGHTS, size=len(between))
    return night


def simulate(frame: pd.DataFrame, vectors: np.ndarray, night: np.ndarray, limits: Limits) -> Run:
    """frame: column category (N); vectors int16 (N, H); night (N,) -> all nights through the registry, as a run does it."""
    registry, after = Registry(), []
    rows = np.argsort(night, kind="stable")
    ids = np.zeros(len(frame), dtype=np.int64)
    for date in range(NIGHTS):
        its = np.flatnonzero(night == date)
        registry = grow(registry, said(frame, its, date=date), vectors[its], limits)
        ids[its] = match(registry, vectors[its])[0]
        after.append(registry)
    return Run(rows, night[rows], ids[rows], registry, tuple(after))


def said(frame: pd.DataFrame, its: np.ndarray, *, date: int) -> pd.DataFrame:
    """Rows of the set -> the mentions that they are: each text is one, of its own customer."""
    return pd.DataFrame(
        {
            "source": "banking77", "feedback_id": its.astype(str), "mention_id": 0,
            "feedback_date": pd.Timestamp("2026-01-01").date() + pd.Timedelta(days=date),
            "customer": its.astype(str), "may_quote": None, "mention": frame["text"].to_numpy()[its],
            "start": 0, "end": frame["text"].str.len().to_numpy()[its],
        }
    )  # fmt: skip


def survived(run: Run, vectors: np.ndarray, registry: Registry) -> np.ndarray:
    """vectors (N, H) of the registry's model -> of the mentions that had an id, whether they have the same, bool."""
    had = run.ids != POOL
    now, _ = match(registry, vectors[run.rows[had]])
    return now == np.array([survivor(registry, int(number)) for number in run.ids[had]])


def reused(run: Run) -> int:
    """Numbers that came to mean another theme: one given again, or one whose name changed."""
    names: dict[int, str] = {}
    wrong, highest = 0, 0
    for registry in run.after_each:
        for theme in registry.themes:
            is_new = theme.number not in names
            wrong += is_new and theme.number <= highest
            wrong += not is_new and names[theme.number] != theme.name
            names[theme.number] = theme.name
        highest = max(names, default=0)
    return int(wrong)


def figures(frame: pd.DataFrame, vectors: np.ndarray, kind: dict[str, str], run: Run) -> dict[str, Any]:
    from sklearn.metrics import normalized_mutual_info_score

    intents = frame["category"].to_numpy()[run.rows]
    had = run.ids != POOL
    same = survived(run, vectors, run.registry)
    of_kind = np.array([kind[intent] for intent in intents[had]])
    by_kind: dict[str, Figure] = {name: share(same[of_kind == name]) for name in sorted(set(of_kind))}
    final, _ = match(run.registry, vectors[run.rows])
    known = final != POOL
    table = pd.crosstab(final[known], intents[known])
    themes = run.registry.themes
    return {
        "survived": share(same),
        "survived_by_kind": by_kind,
        "ids_reused": reused(run),
        "themes": len(themes),
        "active": len(run.registry.active),
        "merged": sum(theme.merged_into is not None for theme in themes),
        "split": sum(theme.split_from is not None for theme in themes),
        "with_an_id_on_their_night": share(had),
        "with_an_id_at_the_end": share(known),
        "purity_at_the_end": share(
            np.repeat([True, False], [table.max(axis=1).sum(), known.sum() - table.max(axis=1).sum()])
        ),
        "nmi_at_the_end": round(float(normalized_mutual_info_score(intents[known], final[known])), 4),
    }


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--model", default="models/minilm-cx")
    parser.add_argument("--other", help=f"a second model: a folder, or {UNTOUCHED}")
    parser.add_argument("--seed", type=int, default=0, help="of what intents do, and when")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    frame = load("banking77", "train", args.data_root).to_pandas()
    frame["text"] = frame["text"].map(clean_text)
    vectors = grid(theme_vectors(args.model, frame["text"].tolist()))
    settings = DiscoveryConfig.model_validate({})
    limits = Limits(settings.min_mentions, settings.min_customers, settings.sample, settings.max_themes)
    rng = np.random.default_rng(args.seed)
    kind = kinds(sorted(set(frame["category"])), rng=rng)
    run = simulate(frame, vectors, schedule(frame, unit(vectors), kind, rng=rng), limits)
    found = figures(frame, vectors, kind, run)
    if args.other:
        theirs = grid(theme_vectors(args.other, frame["text"].tolist()))
        found |= {name: share(hits) for name, hits in another_model(frame, vectors, theirs, run).items()}
    print(json.dumps(found) if args.json else _shown(found))


def theme_vectors(model: str, texts: list[str]) -> np.ndarray:
    """texts (N) -> unit vectors (N, H); model: a folder, or UNTOUCHED."""
    if model == UNTOUCHED:
        from models.recipes.embed import untouched_embedding

        return untouched_embedding(texts)
    predictor = Predictor.load(model)
    return heads.theme_vectors(predictor.model, predictor.document_means(texts))


def another_model(frame: pd.DataFrame, vectors: np.ndarray, theirs: np.ndarray, run: Run) -> dict[str, np.ndarray]:
    """Of the mentions that have an id at the end, what becomes of it under another model, vectors int16 (N, H'), bool.

    survived_another_model: they keep it when they are scored anew. exemplars_survived_another_model: of those that the
    registry holds. same_to_another_model: they would get it if the registry had never seen them with one.
    """
    its = run.registry.mentions["feedback_id"].astype(int).to_numpy()
    moved = reembed(run.registry, theirs[its], model="other")
    before = match(run.registry, vectors)[0]
    had = before != POOL
    mentions = said(frame, np.arange(len(frame)), date=NIGHTS).assign(number=before)
    kept = rematch(moved, mentions, theirs)[0] == before
    is_exemplar = np.isin(np.arange(len(frame)), its[run.registry.numbers != POOL])
    return {
        "survived_another_model": kept[had],
        "exemplars_survived_another_model": kept[had & is_exemplar],
        "same_to_another_model": (match(moved, theirs)[0] == before)[had],
    }


def _shown(found: dict[str, Any]) -> str:
    lines = []
    for name, one in found.items():
        one = {name: one} if not isinstance(one, dict) or "value" in one else one
        for part, value in one.items():
            label = part if part == name else f"{name}, {part}"
            if isinstance(value, dict):
                low, high = value["ci"] or (None, None)
                value = f"{value['value']} [{low}, {high}], n {value['n']:,}"
            lines.append(f"{label.replace('_', ' ')}: {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
