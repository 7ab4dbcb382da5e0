"""The untouched encoder's own sentence embedding: the yardstick of the theme head, and what it is trained to give back."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel

from models.recipes.bases import default_base, load_tokenizer
from models.recipes.network import autocast, masked_mean


@torch.no_grad()
def untouched_embedding(texts: Sequence[str], *, batch: int = 64, max_tokens: int = 128) -> np.ndarray:
    """texts (N) -> unit vectors (N, H): mean over all tokens, [CLS] and [SEP] included, as the publisher pools."""
    folder = default_base()
    tokenizer = load_tokenizer(Path(folder))
    tokenizer.enable_truncation(max_tokens)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval().to(device)
    ids = [e.ids for e in tokenizer.encode_batch(list(texts))]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out = np.zeros((len(ids), encoder.config.hidden_size), dtype=np.float32)
    for at in range(0, len(order), batch):
        rows = order[at : at + batch]
        padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(ids[i]) for i in rows], batch_first=True).to(device)
        mask = torch.nn.utils.rnn.pad_sequence(
            [torch.ones(len(ids[i]), dtype=torch.long) for i in rows], batch_first=True
        ).to(device)
        hidden = encoder(input_ids=padded, attention_mask=mask).last_hidden_state
        out[rows] = torch.nn.functional.normalize(masked_mean(hidden, mask), dim=1).cpu().numpy()
    return out


def embeddings(texts: Sequence[str], cache: Path) -> np.ndarray:
    """texts (N) -> unit vectors (N, H) float16, kept in `cache` beside a hash of the texts they belong to."""
    digest, said = hashlib.sha256("\n".join(texts).encode()).hexdigest(), cache.with_suffix(".sha256")
    if cache.exists() and said.exists() and said.read_text() == digest:
        return np.load(cache, allow_pickle=False)
    with autocast("cuda" if torch.cuda.is_available() else "cpu"):
        vectors = untouched_embedding(texts).astype(np.float16)
    np.save(cache, vectors, allow_pickle=False)
    said.write_text(digest)
    return vectors
