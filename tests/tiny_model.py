"""A model small enough to read, built on the spot: words carry their feeling in their embedding.

H = 6: positive, negative, anger, joy, and two that only mark that a token was there. "lovely" is positive and
joyful, "terrible" is negative and angry; every other word is silent. The mean over a span is thus known by hand.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from cx_nlp.schema import EMOTIONS, SENTIMENTS
from cx_nlp.score.model import WEIGHT_FILES, file_digest

POSITIVE = ("lovely", "great", "good", "thank", "thanks", "helpful", "perfect", "excellent", "love", "happy")
NEGATIVE = ("terrible", "awful", "bad", "rude", "late", "never", "broken", "slow", "worst", "angry")
HIDDEN = 6


def build(folder: Path) -> Path:
    """Write a model folder that `load_model` accepts; -> the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    characters = [chr(c) for c in range(33, 127)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *POSITIVE, *NEGATIVE, *characters, *("##" + c for c in characters)]
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys(words))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    embedding = np.zeros((len(vocabulary), HIDDEN), dtype=np.float32)
    embedding[:, 4:] = 0.1
    for word in POSITIVE:
        embedding[vocabulary[word], [0, 3]] = 8.0, 8.0
    for word in NEGATIVE:
        embedding[vocabulary[word], [1, 2]] = 8.0, 8.0
    onnx.save(_graph(embedding), folder / "encoder.onnx")
    save_file(_heads(), folder / "heads.safetensors")
    write_settings(folder)
    return folder


def write_settings(folder: Path, **changes: object) -> None:
    settings = {
        "format": 2,
        "name": "tiny",
        "hidden": HIDDEN,
        "window_tokens": 34,
        "overlap_tokens": 8,
        "languages": ["en"],
        "frame": ["[CLS]", "[SEP]"],
        "sha256": {name: file_digest(folder / name) for name in WEIGHT_FILES},
        "calibration": {
            "sentiment_temperature": 1.0,
            "sentiment_bias": dict.fromkeys(SENTIMENTS, 0.0),
            "aspect_temperature": 1.0,
            "aspect_bias": dict.fromkeys(SENTIMENTS, 0.0),
            "emotion_temperature": 1.0,
            "emotion_bias": dict.fromkeys(EMOTIONS, 0.0),
            "emotion_thresholds": dict.fromkeys(EMOTIONS, 0.5),
            "uncertain_below": 0.5,
            "aspect_uncertain_below": 0.5,
            "mixed_above": 0.6,
            "mixed_aspect_above": 0.6,
        },
    }
    (folder / "model.json").write_text(json.dumps(settings | changes, indent=1))


def _graph(embedding: np.ndarray) -> onnx.ModelProto:
    """hidden = embedding[input_ids] * attention_mask"""
    nodes = [
        helper.make_node("Gather", ["embedding", "input_ids"], ["looked_up"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"]),
        helper.make_node("Mul", ["looked_up", "mask3"], ["hidden"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["B", "T"]) for name in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["B", "T", HIDDEN])]
    constants = [
        numpy_helper.from_array(embedding, "embedding"),
        numpy_helper.from_array(np.array([-1], dtype=np.int64), "last"),
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _heads() -> dict[str, np.ndarray]:
    out: dict[str, np.ndarray] = {}

    def layer(name: str, weight: np.ndarray, bias: np.ndarray) -> None:
        out[f"{name}.q"] = np.rint(weight).astype(np.int8)
        out[f"{name}.s"] = np.ones(weight.shape[1], dtype=np.float32)
        out[f"{name}.b"] = bias.astype(np.float32)

    polarity = np.array([[0, 0, 4], [4, 0, 0], *[[0, 0, 0]] * 4])  # (H, 3): negative, neutral, positive
    for head, width in (("sentiment", HIDDEN), ("aspect", 2 * HIDDEN)):
        layer(f"{head}.1", np.eye(width, HIDDEN), np.zeros(HIDDEN))
        layer(f"{head}.2", polarity, np.array([0.0, 1.0, 0.0]))
    moods = np.zeros((HIDDEN, len(EMOTIONS)))
    moods[2, EMOTIONS.index("anger")] = moods[3, EMOTIONS.index("joy")] = 8
    layer("emotion.1", np.eye(HIDDEN), np.zeros(HIDDEN))
    layer("emotion.2", moods, np.full(len(EMOTIONS), -4.0))
    layer("theme", np.eye(HIDDEN), np.zeros(HIDDEN))
    return out
