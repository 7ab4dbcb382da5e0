"""A text-classification checkpoint small enough to read, written by hand as `save_pretrained` would write it.

A BERT with one layer, H = 4. A token's embedding says what it is: positive (0), negative (1), silent (2), special (3).
Attention is uniform, so [CLS] sees the share of each among the tokens that are no padding; an output reads one of them.
Every word is one token, those that it does not know [UNK], which is silent. It reads 18 tokens beside [CLS] and [SEP].
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

HIDDEN = 4
POSITIONS = 20
POSITIVE, NEGATIVE, SILENT, SPECIAL = range(HIDDEN)
GERMAN = {"schlecht": NEGATIVE, "egal": SILENT, "gut": POSITIVE}


def build(
    folder: Path,
    *,
    labels: Mapping[str, int] = GERMAN,
    positive: Sequence[str] = ("gut", "freundlich"),
    negative: Sequence[str] = ("schlecht", "langsam"),
    **settings: object,
) -> Path:
    """labels: name of each output -> the embedding that it reads; settings go into config.json. -> the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    special = ["[PAD]", "[CLS]", "[SEP]"]
    vocabulary = {word: i for i, word in enumerate([*special, "[UNK]", *positive, *negative])}
    _tokenizer(vocabulary, folder)
    embedding = np.zeros((len(vocabulary), HIDDEN), dtype=np.float32)
    for word, i in vocabulary.items():
        kind = next((k for k, group in enumerate((positive, negative, (), special)) if word in group), SILENT)
        embedding[i, kind] = 1.0
    weights = _weights(embedding, list(labels.values()))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["BertForSequenceClassification"], "model_type": "bert", "vocab_size": len(vocabulary),
        "hidden_size": HIDDEN, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": HIDDEN,
        "max_position_embeddings": POSITIONS, "pad_token_id": 0,
        "id2label": {str(i): name for i, name in enumerate(labels)},
        "label2id": {name: i for i, name in enumerate(labels)},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config | settings), encoding="utf-8")
    return folder


def _tokenizer(vocabulary: dict[str, int], folder: Path) -> None:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair=None, special_tokens=ends)
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {f"{kind}_token": f"[{kind.upper()}]" for kind in ("unk", "pad", "cls", "sep")}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **named}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _weights(embedding: np.ndarray, reads: list[int]) -> dict[str, np.ndarray]:
    out: dict[str, np.ndarray] = {}

    def dense(name: str, weight: np.ndarray, bias: float = 0.0) -> None:
        out[f"{name}.weight"] = np.ascontiguousarray(weight, dtype=np.float32)
        out[f"{name}.bias"] = np.full(len(weight), bias, dtype=np.float32)

    def norm(name: str) -> None:
        out[f"{name}.weight"], out[f"{name}.bias"] = np.ones(HIDDEN, np.float32), np.zeros(HIDDEN, np.float32)

    zero, one = np.zeros((HIDDEN, HIDDEN)), np.eye(HIDDEN)
    out["bert.embeddings.word_embeddings.weight"] = embedding
    out["bert.embeddings.position_embeddings.weight"] = np.zeros((POSITIONS, HIDDEN), np.float32)
    out["bert.embeddings.token_type_embeddings.weight"] = np.zeros((2, HIDDEN), np.float32)
    norm("bert.embeddings.LayerNorm")
    layer = "bert.encoder.layer.0"
    dense(f"{layer}.attention.self.query", zero)
    dense(f"{layer}.attention.self.key", zero)
    # A normalised embedding is -0.577 where it was 0: the bias makes it 0 again, so that shares can be told.
    dense(f"{layer}.attention.self.value", one, bias=3**-0.5)
    dense(f"{layer}.attention.output.dense", np.diag([60.0, 60.0, 1.0, 0.0]))
    norm(f"{layer}.attention.output.LayerNorm")
    dense(f"{layer}.intermediate.dense", zero)
    dense(f"{layer}.output.dense", zero)
    norm(f"{layer}.output.LayerNorm")
    dense("bert.pooler.dense", one)
    dense("classifier", 4.0 * one[reads])
    return out
