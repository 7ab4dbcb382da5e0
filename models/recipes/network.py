"""One encoder, a small head for each figure.

B texts, T tokens, H hidden size, S spans.

    tokens (B, T) -> encoder -> hidden (B, T, H)
      mean over content tokens (B, H) -> sentiment (B, 3), emotion (B, 28), theme vector (B, H)
      span mean beside document mean (S, 2H) -> aspect sentiment (S, 3)
"""

from torch import Tensor, nn
from transformers import AutoModel

from cx_nlp.errors import UsageError
from cx_nlp.schema import EMOTIONS, SENTIMENTS


def two_layer(width_in: int, hidden: int, width_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(0.1), nn.Linear(width_in, hidden), nn.Tanh(), nn.Dropout(0.1), nn.Linear(hidden, width_out)
    )


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

    @property
    def pad(self) -> int:
        return self.encoder.config.pad_token_id

    def forward(self, ids: Tensor, attention: Tensor) -> Tensor:
        """ids, attention (B, T) -> hidden (B, T, H)"""
        return self.encoder(input_ids=ids, attention_mask=attention).last_hidden_state


def masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """hidden (B, T, H), mask (B, T) of 0 and 1 -> (B, H); an empty mask gives zeros."""
    weights = mask.to(hidden.dtype).unsqueeze(-1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
