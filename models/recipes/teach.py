"""Soft labels: the mean logits of one or more trained networks for every text of the training sets.

    python -m models.recipes.teach --teacher WORK1 [--teacher WORK2 …] \\
        --data-root DATA --out soft.npz

Distillation (Hinton et al. 2015): a student of models.recipes.train with `--soft soft.npz` learns from these beside
the labels. The file holds hashes of texts, no text. A teacher may be of any base (`base` and `layers` in its config).
"""

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from cx_nlp.schema import SENTIMENTS
from models.recipes import data
from models.recipes.command import one_line
from models.recipes.losses import text_keys
from models.recipes.network import Network, load_trained
from models.recipes.probe import head_logits

log = logging.getLogger("teach")


def load_network(work: Path) -> tuple[Network, Tokenizer]:
    """The network that models.recipes.train left in `work`, with its tokenizer, ready to read."""
    network = load_trained(work)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return network.eval().to(device), Tokenizer.from_file(str(work / "tokenizer.json"))


def _base(work: Path) -> str:
    """What a teacher is, in the words of its recipe; its folder's name is nobody's business."""
    config = json.loads((work / "train.json").read_text())["config"]
    return config["base"] + (f", {config['layers']} layers" if config["layers"] else "")


def soft_labels(teachers: list[Path], sentiment: list[str], emotion: list[str]) -> dict[str, np.ndarray]:
    """-> teachers (their bases), keys (N,) uint64, sentiment (N, 3) and emotion (N, 28) float16: mean logits, NaN where a task was not asked.

    Sentiment is asked of the texts of the sentiment sets, emotions of GoEmotions' texts; a text in both has both.
    """
    texts = sorted({*sentiment, *emotion})
    number = {text: i for i, text in enumerate(texts)}
    out = {"keys": text_keys(texts), "teachers": np.array([_base(work) for work in teachers])}
    for head, wanted, width in (("sentiment", sentiment, 3), ("emotion", emotion, 28)):
        wanted = sorted(set(wanted))
        total = np.zeros((len(wanted), width), dtype=np.float64)
        for work in teachers:
            network, tokenizer = load_network(work)
            total += head_logits(network, tokenizer, wanted, head)
            log.info("%s: %s of %d texts", work, head, len(wanted))
        table = np.full((len(texts), width), np.nan, dtype=np.float16)
        table[[number[text] for text in wanted]] = total / len(teachers)
        out[head] = table
    return out


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True, action="append", help="a folder that train wrote")
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--texts", type=int, help="only so many texts of each task: a trial")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    sets = data.sentiment(args.data_root, "train")
    # A field that lacks a class has labels that say more than a teacher who learned the others too.
    whole = sets.groupby("field")["label"].transform("nunique") == len(SENTIMENTS)
    sentiment = sets.loc[whole, "text"].tolist()[: args.texts]
    emotion = data.emotion(args.data_root, "train")["text"].tolist()[: args.texts]
    np.savez(args.out, **soft_labels(args.teacher, sentiment, emotion))


if __name__ == "__main__":
    main()
