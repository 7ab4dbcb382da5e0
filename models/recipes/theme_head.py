"""Fit the theme head of an exported model in closed form: document mean -> the untouched encoder's embedding.

    python -m models.recipes.theme_head --model models/minilm-cx --data-root DATA

Run it after export and before calibrate. Training teaches the encoder to keep the embedding within reach of a linear
map; the best such map is a ridge regression, which needs no gradient steps.
"""

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from cx_nlp.score.predict import Predictor
from models.recipes import data
from models.recipes.embed import untouched_embedding
from models.recipes.export import quantise_columns, save_heads, seal


def ridge(x: np.ndarray, y: np.ndarray, *, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """x (N, H), y (N, E) -> weight (H, E), bias (E,) that minimise |x @ weight + bias - y|^2 + strength * N * |weight|^2."""
    centre_x, centre_y = x.mean(axis=0, dtype=np.float64), y.mean(axis=0, dtype=np.float64)
    a, b = x - centre_x, y - centre_y
    gram = a.T @ a + strength * len(x) * np.eye(a.shape[1])
    weight = np.linalg.solve(gram, a.T @ b)
    return weight, centre_y - centre_x @ weight


def fit(folder: Path, root: Path, *, texts: int, seed: int) -> float:
    """Write the head into heads.safetensors; -> mean cosine with the embedding on a tenth that was not fitted on."""
    pool = sorted({*data.sentiment(root, "train")["text"], *data.emotion(root, "train")["text"]})
    rng = np.random.default_rng(seed)
    drawn = [pool[i] for i in rng.choice(len(pool), size=min(texts, len(pool)), replace=False)]
    predictor = Predictor.load(str(folder))
    x, y = predictor.document_means(drawn), untouched_embedding(drawn)
    held = len(x) // 10
    candidates = {}
    for strength in (1e-5, 1e-4, 1e-3, 1e-2):
        weight, bias = ridge(x[held:], y[held:], strength=strength)
        given = x[:held] @ weight + bias
        candidates[strength] = float(((given * y[:held]).sum(axis=1) / np.linalg.norm(given, axis=1)).mean())
    best = max(candidates, key=candidates.__getitem__)
    weight, bias = ridge(x, y, strength=best)
    heads = load_file(folder / "heads.safetensors")
    heads["theme.q"], heads["theme.s"] = quantise_columns(weight)
    heads["theme.b"] = bias.astype(np.float32)
    save_heads(heads, folder)
    seal(folder)
    return candidates[best]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    cosine = fit(args.model, args.data_root, texts=args.texts, seed=args.seed)
    print(f"mean cosine with the untouched embedding, held out: {cosine:.3f}")


if __name__ == "__main__":
    main()
