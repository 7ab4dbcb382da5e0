"""A quick look at a network in training: figures on the half of each dev set that may be tuned on."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score
from tokenizers import Tokenizer

from cx_nlp.labelled import label_matrix
from models.recipes import data
from models.recipes.calibrate import emotion_thresholds
from models.recipes.examples import encode, token_span
from models.recipes.network import Network, autocast, masked_mean


def probe(net: Network, tokenizer: Tokenizer, root: Path) -> dict[str, float]:
    """-> macro-recalls, macro-F1 (at the best threshold of this very half: optimistic) and accuracy, rounded to three digits."""
    was_training = net.training
    net.eval()
    out = {}
    dev = data.half_of(data.sentiment(root, "dev"), "fit")
    logits = head_logits(net, tokenizer, dev["text"].tolist(), "sentiment")
    for field, rows in dev.groupby("field"):
        mine = logits[rows.index]
        if field == "clothing":
            mine = mine.copy()
            mine[:, 1] = -np.inf
        out[str(field)] = balanced_accuracy_score(rows["label"], mine.argmax(1))
    emotions = data.half_of(data.emotion(root, "dev"), "fit")
    p = 1 / (1 + np.exp(-head_logits(net, tokenizer, emotions["text"].tolist(), "emotion")))
    truth = label_matrix(emotions["labels"].tolist())
    found = p >= np.array(list(emotion_thresholds(p, truth).values()))
    out["emotion"] = f1_score(truth, found, average="macro", zero_division=0)
    terms = data.half_of(data.aspect(root, "dev"), "fit")
    out["aspect"] = float((aspect_logits(net, tokenizer, terms).argmax(1) == terms["label"]).mean())
    if was_training:
        net.train()
    return {name: round(float(value), 3) for name, value in out.items()}


@torch.no_grad()
def _hidden(net: Network, ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    device = next(net.parameters()).device
    width = max(map(len, ids))
    padded = torch.tensor([one + [net.pad] * (width - len(one)) for one in ids], device=device)
    mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in ids], device=device)
    with autocast(device):
        hidden = net(padded, mask).float()
    content = mask.clone()
    content[:, 0] = 0
    content[torch.arange(len(ids)), mask.sum(1) - 1] = 0
    return hidden, content


@torch.no_grad()
def head_logits(net: Network, tokenizer: Tokenizer, texts: list[str], head: str, *, batch: int = 64) -> np.ndarray:
    """texts (N) -> the head's logits (N, C) on the document mean."""
    encoded = [ids for ids, _ in encode(tokenizer, texts, 128)]
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    out: np.ndarray | None = None
    for at in range(0, len(order), batch):
        rows = order[at : at + batch]
        hidden, content = _hidden(net, [encoded[i] for i in rows])
        logits = net.read(head, masked_mean(hidden, content)).cpu().numpy()
        out = np.zeros((len(texts), logits.shape[1]), dtype=np.float32) if out is None else out
        out[rows] = logits
    assert out is not None, "no texts"
    return out


@torch.no_grad()
def aspect_logits(net: Network, tokenizer: Tokenizer, terms: pd.DataFrame) -> np.ndarray:
    """Rows of text, start, end (S) -> (S, 3)."""
    out = np.zeros((len(terms), 3), dtype=np.float32)
    encoded = encode(tokenizer, terms["text"].tolist(), 128)
    for at in range(0, len(terms), 64):
        rows = terms.iloc[at : at + 64]
        hidden, content = _hidden(net, [ids for ids, _ in encoded[at : at + 64]])
        document = masked_mean(hidden, content)
        for i, (start, end) in enumerate(zip(rows["start"], rows["end"], strict=True)):
            first, last = token_span(encoded[at + i][1], start, end)
            pair = torch.cat([hidden[i, first:last].mean(0), document[i]])
            out[at + i] = net.read("aspect", pair).cpu().numpy()
    return out
