"""What a batch costs: the sum of its tasks' losses.

B texts, T tokens, H hidden size, S spans.
"""

import hashlib
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.recipes.examples import Example
from models.recipes.network import Network, masked_mean

log = logging.getLogger("train")


def text_keys(texts: Sequence[str]) -> np.ndarray:
    """texts (N) -> (N,) uint64: the first eight bytes of each text's SHA-256, so that no file of ours holds the texts."""
    return np.array([int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) for text in texts], dtype=np.uint64)


@dataclass(frozen=True)
class Soft:
    """Teachers' logits for the texts of a mixture, in its order; NaN where a teacher has nothing to say."""

    sentiment: Tensor  # (N, 3)
    emotion: Tensor  # (N, 28)
    teachers: tuple[str, ...]  # what they are, for the card

    @classmethod
    def load(cls, path: Path, texts: Sequence[str]) -> "Soft":
        """The rows of a file of models.recipes.teach that belong to texts (N). Ends in one line where it holds none."""
        stored = _arrays(path)
        where = {key: i for i, key in enumerate(stored["keys"].tolist())}
        rows = np.array([where.get(key, -1) for key in text_keys(texts).tolist()])
        covered = int((rows >= 0).sum())
        if not covered:
            raise SystemExit(f"{path}: covers none of the {len(texts):,} texts: made from other sets?")
        log.info("soft labels of %d of %d texts", covered, len(texts))
        tables = {}
        for name in ("sentiment", "emotion"):
            table = stored[name][rows].astype(np.float32)
            table[rows < 0] = np.nan
            tables[name] = torch.from_numpy(table)
        return cls(**tables, teachers=tuple(stored["teachers"].tolist()))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    names = ("keys", "teachers", "sentiment", "emotion")
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in names}
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror or error}") from None
    except (KeyError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile):
        raise SystemExit(f"{path}: expected a file of models.recipes.teach with {', '.join(names)}") from None


def loss_of(
    net: Network,
    batch: list[Example],
    hidden: Tensor,
    content: Tensor,
    *,
    config: dict,
    soft: Soft | None,
    target: Tensor,
) -> tuple[Tensor, dict[str, float]]:
    """hidden (B, T, H), content (B, T) -> loss, and its parts as numbers for the log.

    target (N, H'): the untouched encoder's embeddings of the mixture's texts, which the theme head gives back.
    """
    document = masked_mean(hidden, content)  # (B, H)
    numbers = torch.tensor([-1 if e.text is None else e.text for e in batch])
    parts: dict[str, Tensor] = {}
    if any(e.sentiment is not None and e.weight > 0 for e in batch):
        parts["sentiment" if batch[0].task != "emotion" else "valence"] = _sentiment(
            net, batch, document, numbers, config, soft
        )
    if batch[0].emotions is not None:
        parts["emotion"] = config["emotion_weight"] * _emotion(net, batch, document, numbers, config, soft)
    if any(e.spans for e in batch):
        parts |= _spans(net, batch, hidden, document, config)
    known = numbers >= 0
    if known.any() and config["theme_weight"] > 0:
        given = net.theme_vectors(document[known.to(document.device)])
        aim = target[numbers[known]].to(given)
        parts["theme"] = config["theme_weight"] * (1 - F.cosine_similarity(given, aim)).mean()
    return torch.stack(list(parts.values())).sum(), {name: value.item() for name, value in parts.items()}


def _sentiment(
    net: Network, batch: list[Example], document: Tensor, numbers: Tensor, config: dict, soft: Soft | None
) -> Tensor:
    logits = net.read("sentiment", document)  # (B, 3)
    aim = torch.from_numpy(np.stack([e.sentiment for e in batch])).to(logits)
    prior = torch.from_numpy(np.stack([np.zeros(3) if e.prior is None else e.prior for e in batch])).to(logits)
    weight = torch.tensor([e.weight for e in batch]).to(logits)
    hard = -(aim * F.log_softmax(logits + prior, dim=1)).sum(1)  # (B,)
    loss = _mixed(hard, logits, numbers, config, None if soft is None else soft.sentiment, _softmax_distance)
    return (loss * weight).sum() / len(batch)


def _emotion(
    net: Network, batch: list[Example], document: Tensor, numbers: Tensor, config: dict, soft: Soft | None
) -> Tensor:
    logits = net.read("emotion", document)  # (B, 28)
    aim = torch.from_numpy(np.stack([e.emotions for e in batch])).to(logits)
    hard = F.binary_cross_entropy_with_logits(logits, aim, reduction="none").mean(1)
    return _mixed(hard, logits, numbers, config, None if soft is None else soft.emotion, _sigmoid_distance).mean()


def _mixed(hard: Tensor, logits: Tensor, numbers: Tensor, config: dict, table: Tensor | None, distance) -> Tensor:
    """(B,) of the labels -> (B,): where a teacher speaks, `soft_weight` of the loss is the distance to it."""
    if table is None:
        return hard
    taught = table[numbers.clamp(min=0)].to(logits)  # (B, C)
    speaks = (numbers.to(logits.device) >= 0) & ~taught.isnan().any(1)
    share = config["soft_weight"] * speaks
    return (1 - share) * hard + share * distance(logits, taught.nan_to_num())


def _softmax_distance(logits: Tensor, taught: Tensor) -> Tensor:
    return -(taught.softmax(1) * F.log_softmax(logits, dim=1)).sum(1)


def _sigmoid_distance(logits: Tensor, taught: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, taught.sigmoid(), reduction="none").mean(1)


def _spans(net: Network, batch: list[Example], hidden: Tensor, document: Tensor, config: dict) -> dict[str, Tensor]:
    """Mentions: span mean beside document mean (2H); sides of joined texts: the span mean alone (H)."""
    inputs: dict[str, list[Tensor]] = {"aspect": [], "sentiment": []}
    labels: dict[str, list[int]] = {"aspect": [], "sentiment": []}
    for i, e in enumerate(batch):
        for first, end, head, label in e.spans:
            mean = hidden[i, first:end].mean(0)  # (H,)
            inputs[head].append(torch.cat([mean, document[i]]) if head == "aspect" else mean)
            labels[head].append(label)
    return {
        "side" if head == "sentiment" else head: config["side_weight" if head == "sentiment" else "aspect_weight"]
        * F.cross_entropy(
            net.read(head, torch.stack(inputs[head])),
            torch.tensor(labels[head], device=hidden.device),
            label_smoothing=config["label_smoothing"],
        )
        for head in inputs
        if inputs[head]
    }
