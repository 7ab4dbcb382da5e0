"""Fit the head that tells of a text as a whole whether it is mixed, in an exported model.

    python -m models.recipes.mixed_head --model models/minilm-cx --data-root DATA

A logistic regression on document means, written into heads.safetensors: run it after theme_head and before calibrate, which
chooses its weight and the thresholds. Spans alone are too often unsure of a side that the whole sentence makes plain.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression

from cx_nlp.score.predict import Predictor
from models.recipes import data
from models.recipes.command import one_line
from models.recipes.export import quantise_columns, save_heads, seal
from models.recipes.mixed import truth_of

_STRENGTH = 0.01  # C of the logistic regression, on standardised means


def head(means: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """means (N, H), truth (N,) -> weight (H, 1), bias (1,) of a logistic regression, both classes weighing the same."""
    centre, spread = means.mean(axis=0), np.maximum(means.std(axis=0), 1e-6)
    fitted = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=1000).fit(
        (means - centre) / spread, truth
    )
    weight = fitted.coef_.T / spread[:, None]
    return weight, fitted.intercept_ - centre @ weight


def fit(folder: Path, root: Path, *, joined: int, seed: int) -> dict[str, int]:
    """Write the head into heads.safetensors, from MAMS's training sentences and labelled texts joined by twos; -> counts."""
    pairs = data.joined_pairs(data.sentiment(root, "train"), rows=joined, rng=np.random.default_rng(seed))
    truths = [truth_of(data.aspect(root, "train")), truth_of(pairs)]
    truth = pd.concat(truths)
    truth = truth[~truth.index.duplicated()]
    weight, bias = head(Predictor.load(str(folder)).document_means(truth.index.tolist()), truth.to_numpy())
    tensors = load_file(folder / "heads.safetensors")
    tensors["mixed.q"], tensors["mixed.s"] = quantise_columns(weight)
    tensors["mixed.b"] = bias.astype(np.float32)
    save_heads(tensors, folder)
    seal(folder)
    return {"sentences": len(truths[0]), "joined texts": len(truths[1]), "mixed": int(truth.sum())}


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--joined", type=int, default=4_000, help="texts joined by twos")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    counts = fit(args.model, args.data_root, joined=args.joined, seed=args.seed)
    print("fitted on " + ", ".join(f"{n:,} {name}" for name, n in counts.items()))


if __name__ == "__main__":
    main()
