"""A shipped model's folder, loaded and checked.

encoder.onnx        8-bit weights, unpacked at load; input_ids, attention_mask (B, T) -> hidden (B, T, H)
heads.safetensors   the heads' layers, 8-bit with a scale a column
tokenizer.json
model.json          format, window, languages, temperatures and thresholds, SHA-256 of the files above
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cx_nlp.errors import ModelError, UnknownName
from cx_nlp.schema import EMOTIONS, SENTIMENTS
from cx_nlp.shipped import shipped

MODEL_FORMAT = 2
WEIGHT_FILES = ("encoder.onnx", "heads.safetensors", "tokenizer.json")


@dataclass(frozen=True)
class Calibration:
    """What was fitted on one half of dev: logits are divided by the temperature, then the bias is added.

    Sentiment's temperature is that of a text of `heads.REFERENCE_TOKENS`, and goes with the text's length to the power
    `sentiment_length_power`. Thresholds are probabilities in [0, 1].
    """

    sentiment_temperature: float = 1.0
    sentiment_length_power: float = 0.0
    sentiment_bias: tuple[float, ...] = (0.0,) * len(SENTIMENTS)
    aspect_temperature: float = 1.0
    aspect_bias: tuple[float, ...] = (0.0,) * len(SENTIMENTS)
    emotion_temperature: float = 1.0
    emotion_bias: tuple[float, ...] = (0.0,) * len(EMOTIONS)
    emotion_thresholds: tuple[float, ...] = (0.5,) * len(EMOTIONS)
    uncertain_below: float = 0.5
    aspect_uncertain_below: float = 0.5
    mixed_above: float = 0.7  # of sentences, which the sentiment head reads
    mixed_aspect_above: float = 0.7  # of clauses and mentions, which the aspect head reads
    mixed_weight: float = 0.0  # of what the text as a whole says to that, in logits


# Settings of model.json that name their labels.
_BY_LABEL = {
    "sentiment_bias": SENTIMENTS,
    "aspect_bias": SENTIMENTS,
    "emotion_bias": EMOTIONS,
    "emotion_thresholds": EMOTIONS,
}


def by_label(calibration: Calibration) -> dict:
    """Settings as model.json holds them: what belongs to a label stands beside its name."""
    values = asdict(calibration)
    return values | {key: dict(zip(names, values[key], strict=True)) for key, names in _BY_LABEL.items()}


@dataclass(frozen=True)
class Model:
    folder: Path
    name: str
    digest: str  # SHA-256 over the weight files
    hidden: int
    window_tokens: int  # with the frame
    overlap_tokens: int
    languages: tuple[str, ...]
    frame: tuple[str, str]  # the tokens before and after a text
    calibration: Calibration
    layers: dict[str, tuple[np.ndarray, np.ndarray]]  # name -> weight (in, out), bias (out,)

    @property
    def theme_width(self) -> int:
        """Of a theme vector; `hidden` may be wider."""
        return self.layers["theme"][0].shape[1]

    @property
    def vectors(self) -> str:
        """What vectors depend on: `name@` and the first 12 digits of the weights' SHA-256."""
        return f"{self.name}@{self.digest[:12]}"

    @property
    def scores(self) -> str:
        """What scores depend on: `name@` and 12 digits of the SHA-256 of weights and calibration. A temperature moves a
        probability as a weight does: charts must break where it changes, and `rescore` must follow.
        """
        settings = asdict(self.calibration)
        if not self.calibration.mixed_weight:  # a later setting, which does nothing at 0: older models keep their name
            del settings["mixed_weight"]
        fitted = json.dumps(settings, sort_keys=True)
        return f"{self.name}@{hashlib.sha256((self.digest + fitted).encode()).hexdigest()[:12]}"

    @property
    def version(self) -> str:
        """`model_version` of a row: each head used, with what its scores depend on."""
        return "|".join(f"{head}={self.scores}" for head in ("sentiment", "emotion", "aspect"))


def find_model(name_or_path: str) -> Path:
    """A folder given as a path, or a shipped model's name. Raises ModelError where there is none."""
    if "/" in name_or_path or Path(name_or_path).is_dir():
        folder = Path(name_or_path)
        if not folder.is_dir():
            raise ModelError(f"model folder not found: {folder}")
        return folder
    root = shipped("models")
    known = sorted(p.parent.name for p in root.glob("*/model.json"))
    if name_or_path not in known:
        raise UnknownName("model", name_or_path, known or ["(none shipped)"])
    return root / name_or_path


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_model(name_or_path: str) -> Model:
    """Read and verify a model folder; the ONNX session itself is opened by `Encoder`.

    Raises ModelError, one line, for a missing, cut, swapped or foreign file.
    """
    folder = find_model(name_or_path)
    try:
        settings = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder}: no model.json; expected a model folder") from None
    except (ValueError, OSError) as error:
        raise ModelError(f"{folder / 'model.json'}: not readable: {error}") from None
    if not isinstance(settings, dict):
        raise ModelError(f"{folder / 'model.json'}: expected a JSON object")
    if settings.get("format") != MODEL_FORMAT:
        raise ModelError(f"{folder}: model format {settings.get('format')!r}, this version reads {MODEL_FORMAT}")
    digests = _verify(folder, settings.get("sha256"))
    try:
        frame = settings["frame"]
        if not (isinstance(frame, list) and len(frame) == 2 and all(isinstance(token, str) for token in frame)):
            raise ModelError(f"{folder / 'model.json'}: frame must be two tokens, got {json.dumps(frame)}")
        calibration = dict(settings["calibration"])
        for key, names in _BY_LABEL.items():
            values = calibration[key]
            unknown = set(values) ^ set(names)
            if unknown:
                raise ModelError(f"{folder}: {key} do not fit the {len(names)} labels: {', '.join(sorted(unknown))}")
            calibration[key] = tuple(values[name] for name in names)
        for key, found in calibration.items():
            for value in found if isinstance(found, tuple) else (found,):
                if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                    raise ModelError(f"{folder / 'model.json'}: {key} must be finite numbers, got {json.dumps(value)}")
        return Model(
            folder=folder,
            name=settings["name"],
            digest=hashlib.sha256("".join(digests).encode()).hexdigest(),
            hidden=settings["hidden"],
            window_tokens=settings["window_tokens"],
            overlap_tokens=settings["overlap_tokens"],
            languages=tuple(settings["languages"]),
            frame=(frame[0], frame[1]),
            calibration=Calibration(**calibration),
            layers=_layers(folder / "heads.safetensors"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / 'model.json'}: lacks or misnames {error}") from None


def _verify(folder: Path, expected: Any) -> list[str]:
    if not isinstance(expected, dict):
        raise ModelError(f"{folder / 'model.json'}: sha256 must map {', '.join(WEIGHT_FILES)} to their digests")
    digests = []
    for name in WEIGHT_FILES:
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{folder}: {name} is missing")
        digest = file_digest(path)
        if expected.get(name) != digest:
            raise ModelError(
                f"{path}: SHA-256 {digest[:12]}…, model.json says {str(expected.get(name))[:12]}…: cut short or swapped"
            )
        digests.append(digest)
    return digests


def _layers(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, ValueError) as error:
        raise ModelError(f"{path}: not readable as safetensors: {error}") from None
    names = [key[:-2] for key in tensors if key.endswith(".q")]
    return {n: (tensors[f"{n}.q"].astype(np.float32) * tensors[f"{n}.s"], tensors[f"{n}.b"]) for n in names}
