"""A training in seconds: a tiny encoder, a handful of texts of every labelled set, a recipe for both."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the training extra is not installed")

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from models.recipes import train
from models.recipes.recipe import Recipe

CONFIG = Recipe(
    epochs=2, batch_tokens=200, batch_texts=8, pool=32, max_tokens=24, lr_encoder=1e-3, lr_heads=1e-3, warmup=0.1,
    checkpoint_steps=2,
    draw={
        "sentiment": {"semeval": 12, "extraction": 6, "clothing": 6}, "emotion": 12, "aspect_repeats": 1, "joined": 4,
        "lessons": 6, "aspect_lessons": 4,
    },
).model_dump()  # fmt: skip
TEXT = "the staff was good bad fine slow lovely rude quick parcel came late on time i love hate this shop very"
WORDS = TEXT.split()


def build(
    folder: Path, config_type=BertConfig, model_type=BertModel, special=("[PAD]", "[UNK]", "[CLS]", "[SEP]")
) -> Path:
    """A tiny encoder with its tokenizer; special: its tokens for padding, the unknown, and around a text."""
    pad, unknown, before, after = special
    ordered = [pad, unknown, before, after] if pad == "[PAD]" else [before, pad, after, unknown]
    vocabulary = {w: i for i, w in enumerate([*ordered, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing((after, vocabulary[after]), (before, vocabulary[before]))
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
    model_type(config_type(vocab_size=len(vocabulary), **size), add_pooling_layer=False).save_pretrained(folder)
    return folder


def write_sets(folder: Path) -> Path:
    """Every labelled set that a training reads, a few dozen made-up texts of each."""
    for name in ("sentiment", "emotion/goemotions", "aspect/mams-atsa"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)

    def text() -> str:
        return " ".join(rng.choice(WORDS, size=rng.integers(5, 12)))

    def frame(n: int) -> pd.DataFrame:
        split = ["train"] * (n - 12) + ["dev"] * 12
        labels = (["negative", "neutral", "positive"] * n)[:n]
        return pd.DataFrame({"text": [text() for _ in range(n)], "label": labels, "split": split})

    frame(40).to_parquet(folder / "sentiment/semeval2017.parquet")
    frame(40).to_parquet(folder / "sentiment/tweet_extraction.parquet")
    clothing = frame(40).drop(columns="label").assign(stars=[1, 5, 3, 4] * 10)
    clothing.to_parquet(folder / "sentiment/clothing_reviews.parquet")
    for split in ("train", "dev", "test"):
        lines = [f"{text()}\t{i % 28}\tid{split}{i}" for i in range(56)]
        (folder / f"emotion/goemotions/{split}.tsv").write_text("\n".join(lines) + "\n")
    for split in ("train", "val"):
        sentences = "".join(
            f"<sentence><text>the staff was {word} {split} {i}</text><aspectTerms>"
            f'<aspectTerm from="4" to="9" polarity="{label}" term="staff"/></aspectTerms></sentence>'
            for i in range(4)
            for word, label in (("good", "positive"), ("bad", "negative"), ("fine", "neutral"))
        )
        (folder / f"aspect/mams-atsa/{split}.xml").write_text(f"<sentences>{sentences}</sentences>")
    return folder


def of_base(work: Path, base: Path, out: Path) -> Path:
    """A copy of a training's folder that names the tiny encoder, for what builds the network anew."""
    shutil.copytree(work, out)
    made = json.loads((out / "train.json").read_text())
    made["config"]["base"] = str(base)
    (out / "train.json").write_text(json.dumps(made))
    return out


def run(base, root, out, **more):
    train.train(CONFIG | more.pop("config", {}), root, str(base), out, seed=3, **({"soft": None, "init": None} | more))
    return load_file(out / "network.safetensors")
