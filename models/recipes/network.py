"""One encoder, a small head for each figure.

B texts, T tokens, H hidden size, S spans.

    tokens (B, T) -> encoder -> hidden (B, T, H)
      mean over content tokens (B, H) -> sentiment (B, 3), emotion (B, 28), theme vector (B, H)
      span mean beside document mean (S, 2H) -> aspect sentiment (S, 3)

A network may have a branch, a second stack of layers: then hidden is (B, T, 2H), the encoder's beside the branch's.
Emotion and aspect sentiment read both, sentiment and theme vector the first half alone.
"""

import copy
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoModel

from cx_nlp.errors import UsageError
from cx_nlp.schema import EMOTIONS, SENTIMENTS
from models.recipes.bases import find_base


def two_layer(width_in: int, hidden: int, width_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(0.1), nn.Linear(width_in, hidden), nn.Tanh(), nn.Dropout(0.1), nn.Linear(hidden, width_out)
    )


class Branch(nn.Module):
    """Layers of its own over the encoder's word vectors, each moved by a step of low rank (LoRA: Hu et al. 2021).

    The word vectors are half of a small encoder: a second copy of them would double its size for little.
    """

    def __init__(self, encoder: nn.Module, rank: int) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder)
        vocabulary, width = encoder.embeddings.word_embeddings.weight.shape
        self.encoder.embeddings.word_embeddings = nn.Identity()  # given from outside
        self.step = nn.Embedding(vocabulary, rank)
        self.widen = nn.Linear(rank, width, bias=False)
        nn.init.normal_(self.step.weight, std=0.02)
        nn.init.zeros_(self.widen.weight)  # at first the branch reads as the encoder does

    def forward(self, words: Tensor, ids: Tensor, attention: Tensor) -> Tensor:
        """words (B, T, H), the encoder's vectors of ids (B, T) -> hidden (B, T, H)"""
        moved = words + self.widen(self.step(ids))
        return self.encoder(inputs_embeds=moved, attention_mask=attention).last_hidden_state


BRANCHED = ("emotion", "aspect")  # the heads that read the branch as well
THEME_WIDTH = 384  # of all-MiniLM-L6-v2's embedding, which the theme head gives back whatever the encoder


class Network(nn.Module):
    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.heads = nn.ModuleDict(
            {
                "sentiment": two_layer(width, width, len(SENTIMENTS)),
                "emotion": two_layer(width, width, len(EMOTIONS)),
                "aspect": two_layer(2 * width, width, len(SENTIMENTS)),
            }
        )
        # Training pulls vectors together by polarity; this head is trained to give back the untouched
        # encoder's embedding, so that theme discovery still clusters by topic.
        self.theme = nn.Linear(width, THEME_WIDTH)
        self.branch: Branch | None = None

    def add_branch(self, rank: int) -> None:
        """Give emotion and aspect sentiment a branch; all else is frozen, and reads as before. rank: of the words' step.

        At first every head says what it said: a branch that reads as the encoder does shares its weights with it.
        """
        self.requires_grad_(False)
        self.branch = Branch(self.encoder, rank).requires_grad_(True)
        width = self.encoder.config.hidden_size
        for name in BRANCHED:
            _, first, _, _, last = old = self.heads[name]
            means = first.in_features // width  # 1, or 2 where a span's mean stands beside the document's
            self.heads[name] = new = two_layer(2 * first.in_features, width, last.out_features)
            halved = first.weight.detach().reshape(width, means, 1, width).expand(-1, -1, 2, -1) / 2
            new.load_state_dict(old.state_dict() | {"1.weight": halved.reshape(width, -1)})
        self.train(self.training)

    def train(self, mode: bool = True) -> "Network":
        super().train(mode)
        if self.branch is not None:  # what is frozen has no use for dropout
            self.encoder.eval()
        return self

    @classmethod
    def from_pretrained(cls, path: str, *, layers: int | None = None) -> "Network":
        """`layers` keeps that many of the encoder's, evenly spread and the last among them (DistilBERT's way); None all.

        Raises UsageError for fewer than 2 of them, or more than the encoder has.
        """
        # The attention is the library's choice: fused (SDPA) for BERT, while MPNet has none and refuses to be asked for it.
        encoder = AutoModel.from_pretrained(path, add_pooling_layer=False)
        if layers is not None:
            stack = encoder.encoder.layer
            if not 2 <= layers <= len(stack):
                raise UsageError(f"layers: {layers}, expected 2 to {len(stack)}, which is what the encoder has")
            kept = [round(i * (len(stack) - 1) / (layers - 1)) for i in range(layers)]
            encoder.encoder.layer = nn.ModuleList([stack[i] for i in kept])
            encoder.config.num_hidden_layers = layers
        return cls(encoder)

    @classmethod
    def of(cls, config: dict, base: str, *, init: Path | None = None) -> "Network":
        """As a recipe says, from its pretrained encoder or the weights of `init`, which may lack the branch."""
        net = cls.from_pretrained(base, layers=config["layers"])
        state, rank = load_file(init) if init else {}, (config.get("branch") or {}).get("rank")
        had_branch = any(name.startswith("branch.") for name in state)
        if had_branch:
            net.add_branch(rank)
        if state:
            net.load_state_dict(state)
        if rank and not had_branch:
            net.add_branch(rank)
        return net

    @property
    def pad(self) -> int:
        return self.encoder.config.pad_token_id

    def forward(self, ids: Tensor, attention: Tensor) -> Tensor:
        """ids, attention (B, T) -> hidden (B, T, H); (B, T, 2H) with a branch"""
        hidden = self.encoder(input_ids=ids, attention_mask=attention).last_hidden_state
        if self.branch is None:
            return hidden
        words = self.encoder.embeddings.word_embeddings(ids)
        return torch.cat([hidden, self.branch(words, ids, attention)], dim=-1)

    @property
    def width(self) -> int:
        """Of the hidden states, the branch's included."""
        return self.encoder.config.hidden_size * (1 if self.branch is None else 2)

    def read(self, head: str, means: Tensor) -> Tensor:
        """means (S, I) -> the head's logits (S, C), of the first columns that it has weights for."""
        return self.heads[head](means[..., : self.heads[head][1].in_features])

    def weights(self) -> dict[str, Tensor]:
        """All of them, as safetensors takes them."""
        return {name: value.contiguous() for name, value in self.state_dict().items()}

    def theme_vectors(self, documents: Tensor) -> Tensor:
        """documents (S, H or 2H) -> (S, THEME_WIDTH), of any length"""
        return self.theme(documents[..., : self.theme.in_features])


def load_trained(work: Path) -> Network:
    """The network that models.recipes.train left in `work`."""
    config = json.loads((work / "train.json").read_text())["config"]
    return Network.of(config, find_base(config["base"]), init=work / "network.safetensors")


def autocast(device: torch.device | str) -> torch.autocast:
    """bfloat16 on a GPU and on a processor that computes in it; elsewhere it would be emulated, slower than float32."""
    kind = torch.device(device).type
    if kind == "cpu":
        enabled = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return torch.autocast(kind, dtype=torch.bfloat16, enabled=enabled)
    return torch.autocast(kind, dtype=torch.bfloat16)


def masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """hidden (B, T, H), mask (B, T) of 0 and 1 -> (B, H); an empty mask gives zeros."""
    weights = mask.to(hidden.dtype).unsqueeze(-1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
