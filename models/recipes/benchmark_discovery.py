"""Banking77's intents found by discovery: the theme head's vectors beside the untouched encoder's, by the same clustering.

    python -m models.recipes.benchmark_discovery --data-root DATA [--model models/minilm-cx] [--json]

NMI of groups and intents over all texts. What belongs to no group is handled in two ways, on both sides alike: as one
group of its own, and given to the nearest group, which the product never does. Intervals: samples of the size that a night clusters.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from cx_nlp.clean import clean_text
from cx_nlp.discovery_config import DiscoveryConfig
from cx_nlp.themes.discover import NOISE, discover
from cx_nlp.themes.vectors import closeness, grid, unit
from models.recipes.command import one_line
from models.recipes.embed import untouched_embedding
from models.recipes.sets import load
from models.recipes.simulate_nights import theme_vectors

DRAWS = 10
_SEED = 0


def labels(vectors: np.ndarray, *, min_size: int) -> tuple[np.ndarray, np.ndarray]:
    """unit vectors (M, H) -> the group of each, NOISE for none, and the nearest group of each, both int (M,).

    Without any group both are NOISE.
    """
    groups = discover(vectors, min_size=min_size)
    own = np.full(len(vectors), NOISE)
    for number, group in enumerate(groups):
        own[group.rows] = number
    if not groups:
        return own, own
    starts = np.cumsum([0, *(len(group.exemplars) for group in groups)])[:-1]
    near = closeness(vectors, vectors[np.concatenate([group.exemplars for group in groups])], starts)
    return own, np.where(own == NOISE, near.argmax(axis=1), own)


def compare(vectors: dict[str, np.ndarray], intents: np.ndarray, *, sample: int, min_size: int) -> dict[str, Any]:
    """vectors: name -> unit vectors (N, H), "theme_head" and "untouched" among them; intents (N,) -> both NMIs of each, and their
    ratio, as means over DRAWS samples with the 2.5% and 97.5% quantiles of these.
    """  # fmt: skip
    from sklearn.metrics import normalized_mutual_info_score

    rng = np.random.default_rng(_SEED)
    draws = [np.sort(rng.permutation(len(intents))[:sample]) for _ in range(DRAWS)]
    scores: dict[str, dict[str, np.ndarray]] = {}
    for name, x in vectors.items():
        rows = []
        for draw in draws:
            own, nearest = labels(x[draw], min_size=min_size)
            nmi = [normalized_mutual_info_score(intents[draw], one) for one in (own, nearest)]
            rows.append([*nmi, float((own != NOISE).mean()), float(own.max() + 1)])
        scores[name] = dict(
            zip(("noise_is_a_group", "noise_to_the_nearest", "in_a_group", "groups"), np.array(rows).T, strict=True)
        )
    out: dict[str, Any] = {"n": len(intents), "sample": min(sample, len(intents)), "min_mentions": min_size}
    for name, its in scores.items():
        out[name] = {figure: _summary(values) for figure, values in its.items()}
    out["ratio"] = {
        figure: _summary(scores["theme_head"][figure] / scores["untouched"][figure])
        for figure in ("noise_is_a_group", "noise_to_the_nearest")
    }
    return out


def _summary(values: np.ndarray) -> dict[str, Any]:
    return {"value": round(float(values.mean()), 4), "ci": np.quantile(values, [0.025, 0.975]).round(4).tolist()}


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--model", default="models/minilm-cx")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    frame = load("banking77", "train", args.data_root).to_pandas()
    texts = [clean_text(text) for text in frame["text"]]
    vectors = {
        "theme_head": unit(grid(theme_vectors(args.model, texts))),
        "untouched": unit(grid(untouched_embedding(texts))),
    }
    settings = DiscoveryConfig.model_validate({})
    found = compare(vectors, frame["category"].to_numpy(), sample=settings.sample, min_size=settings.min_mentions)
    print(json.dumps(found) if args.json else _shown(found))


def _shown(found: dict[str, Any]) -> str:
    lines = [f"{found['n']:,} texts, {DRAWS} samples of {found['sample']:,}, groups of {found['min_mentions']} or more"]
    for name in ("theme_head", "untouched", "ratio"):
        for figure, one in found[name].items():
            lines.append(f"{name}, {figure}: {one['value']} [{one['ci'][0]}, {one['ci'][1]}]".replace("_", " "))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
