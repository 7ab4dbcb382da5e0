"""Themes that were learned from labelled comments, applied: numpy alone.

N texts, H the encoder's hidden size, L labels, V n-grams of a kind.

    fitted.json           name, the model it stands on, labels with owner and threshold, n-grams, what was measured
    fitted.safetensors    the weights of the three parts and of what joins them

    document means (N, H)     -> logits (N, L)  \\
    words and pairs (N, V)    -> logits (N, L)   joined by a layer (3L -> L) -> probabilities (N, L) -> thresholds
    runs of characters (N, V) -> logits (N, L)  /

A fit stands on the vectors of one version of an encoder: under another one its weights mean nothing, so it is refused.
"""

import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cx_nlp.errors import ModelError
from cx_nlp.score.heads import DECIMALS, sigmoid
from cx_nlp.score.model import Model, file_digest, find_model, load_model

FIT_FORMAT = 1
SETTINGS, WEIGHTS = "fitted.json", "fitted.safetensors"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
Grams = dict[str, dict[str, int]]  # kind of n-gram -> n-gram -> its row in the weights of that kind
_NOT_IN_IDS = re.compile(r"[^\w.-]+")
_SHAPES = {
    "mean": "H", "scale": "H", "document.w": "HL", "document.b": "L", "words.idf": "W", "words.w": "WL", "words.b": "L",
    "characters.idf": "C", "characters.w": "CL", "characters.b": "L", "join.w": "JL", "join.b": "L",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Fitted:
    """One fit, ready to be applied. Two are alike if their `version` is."""

    name: str
    model: str  # "minilm-cx@" and 12 digits: the encoder that it stands on
    digest: str  # SHA-256 over all that decides which comment gets which theme
    labels: tuple[str, ...]  # as written
    ids: tuple[str, ...]  # theme_ids, in the order of labels
    owners: tuple[str | None, ...]
    thresholds: np.ndarray  # (L,) probabilities
    left_out: tuple[str, ...]  # labels of the training file with too few rows
    grams: Grams
    weights: dict[str, np.ndarray]

    @property
    def version(self) -> str:
        """Its part of `themes_version`: "fit-nhs+0123456789ab"."""
        return f"fit-{self.name}+{self.digest[:12]}"

    def probabilities(self, texts: Sequence[str], documents: np.ndarray) -> np.ndarray:
        """Cleaned texts (N) and their document means (N, H) -> probabilities (N, L), in steps of 1e-5."""
        return probabilities(texts, documents, self.grams, self.weights)

    def predict(self, texts: Sequence[str], documents: np.ndarray) -> list[list[str]]:
        """-> the theme_ids of each text (N)."""
        said = self.probabilities(texts, documents) >= self.thresholds
        return [[self.ids[i] for i in np.flatnonzero(row)] for row in said]

    def rows(self) -> list[dict[str, str | None]]:
        """What the table `themes` holds of each label."""
        return [
            {"theme_id": theme_id, "theme": label, "parent_theme_id": None, "kind": "fitted", "owner": owner}
            for theme_id, label, owner in zip(self.ids, self.labels, self.owners, strict=True)
        ]


def probabilities(
    texts: Sequence[str], documents: np.ndarray, grams: Grams, weights: dict[str, np.ndarray]
) -> np.ndarray:
    """texts (N), documents (N, H) -> probabilities (N, L), in steps of 1e-5: a text's do not depend on its neighbours."""
    standard = (documents.astype(np.float64) - weights["mean"]) / weights["scale"]
    of_documents = standard @ weights["document.w"] + weights["document.b"]
    parts = [of_documents, *(gram_logits(texts, kind, grams[kind], weights) for kind in KINDS)]
    joined = np.hstack(parts) @ weights["join.w"] + weights["join.b"]  # (N, 3L) -> (N, L)
    return sigmoid(joined).round(DECIMALS)


def word_grams(text: str) -> list[str]:
    """Words (letters alone, lower case) and pairs of neighbours; [] for a text without letters.

    A pair may span a comma but not the end of a sentence.
    """
    found = []
    for part in re.split(r"[.!?\n]+", text.casefold()):
        words = [word.replace("’", "'") for word in _WORD.findall(part)]
        found += words
        found += [f"{left} {right}" for left, right in itertools.pairwise(words)]
    return found


def character_grams(text: str) -> list[str]:
    """Runs of two to four characters within each word and its borders, "wait" -> " w", "wa", …, " wai", …, "it "."""
    found = []
    for word in _WORD.findall(text.casefold()):
        framed = " " + word.replace("’", "'") + " "
        found += [framed[i : i + n] for n in (2, 3, 4) for i in range(len(framed) - n + 1)]
    return found


# What one wrote in another form ("waited", "waitting") has no word in common with "wait", but most runs of characters.
KINDS: dict[str, Callable[[str], list[str]]] = {"words": word_grams, "characters": character_grams}


def weighted_grams(found: Sequence[str], grams: dict[str, int], idf: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """N-grams of a text -> rows of the known ones, sorted (K,), and their weights (K,): (1 + ln count) times idf, of unit length."""
    counts: dict[int, int] = {}
    for gram in found:
        row = grams.get(gram)
        if row is not None:
            counts[row] = counts.get(row, 0) + 1
    rows = np.array(sorted(counts), dtype=np.int64)
    weights = np.array([1.0 + math.log(counts[row]) for row in rows.tolist()]) * idf[rows]
    return rows, weights / max(float(np.sqrt((weights**2).sum())), 1e-12)


def gram_logits(texts: Sequence[str], kind: str, grams: dict[str, int], weights: dict[str, np.ndarray]) -> np.ndarray:
    """texts (N) -> (N, L) of one kind of n-grams"""
    idf, weight, bias = (weights[f"{kind}.{name}"] for name in ("idf", "w", "b"))
    out = np.zeros((len(texts), len(bias)))
    for n, text in enumerate(texts):
        rows, values = weighted_grams(KINDS[kind](text), grams, idf)
        out[n] = values @ weight[rows] + bias
    return out


def theme_ids(name: str, labels: Sequence[str]) -> list[str]:
    """fit/<name>/<label>; what would break an id is written as "-": "Staff & manner" -> "fit/nhs/Staff-manner"."""
    slugs = (_NOT_IN_IDS.sub("-", label).strip("-.") for label in labels)
    return [f"fit/{name}/{slug or 'label'}" for slug in slugs]


def encoder_of(model: Model) -> str:
    return model.vectors


def load_fitted(folder: str | Path, *, model: Model | None = None) -> Fitted:
    """Read and verify a folder that `cx-nlp themes fit` wrote; model: the one it is to be used with.

    Raises ModelError, one line, for a missing, cut or swapped file and for a fit on another model version.
    """
    folder = Path(folder)
    settings = _settings(folder)
    try:
        if settings["format"] != FIT_FORMAT:
            raise ModelError(f"{folder}: fit format {settings['format']!r}, this version reads {FIT_FORMAT}: fit again")
        weights_digest = file_digest(folder / WEIGHTS)
        if weights_digest != settings["sha256"]:
            raise ModelError(f"{folder / WEIGHTS}: not the file that {SETTINGS} was written with: cut short or swapped")
        labels = tuple(settings["labels"])
        fitted = Fitted(
            name=settings["name"],
            model=settings["model"],
            digest=_digest(settings),
            labels=labels,
            ids=tuple(theme_ids(settings["name"], labels)),
            owners=tuple(settings["owners"].get(label) for label in labels),
            thresholds=np.array([settings["thresholds"][label] for label in labels]),
            left_out=tuple(settings["left_out"]),
            grams={kind: {gram: row for row, gram in enumerate(settings["grams"][kind])} for kind in KINDS},
            weights=_weights(folder / WEIGHTS),
        )
        _check_shapes(fitted)
    except FileNotFoundError:
        raise ModelError(f"{folder}: {WEIGHTS} is missing") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{folder / SETTINGS}: lacks or misnames {error}") from None
    if model is not None:
        check_model(fitted, model, str(folder))
    return fitted


def check_model(fitted: Fitted, model: Model, where: str = "") -> None:
    """Raises ModelError where the fit stands on another encoder, or another version of it."""
    if fitted.model != encoder_of(model):
        raise ModelError(
            f"{where or fitted.name}: was fitted on {fitted.model}, the model is {encoder_of(model)}: "
            "fit again with cx-nlp themes fit"
        )


def check_fits(folders: Iterable[str], model: str) -> None:
    """Find the model, by name or folder, and hold each fit to it. Raises ModelError."""
    find_model(model)
    loaded = None
    for folder in folders:
        loaded = loaded or load_model(model)
        load_fitted(folder, model=loaded)


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / SETTINGS
    if not path.is_file():
        raise ModelError(f"{folder}: no {SETTINGS}; expected a folder that cx-nlp themes fit wrote")
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ModelError(f"{path}: not readable: {' '.join(str(error).split())}") from None
    if not isinstance(settings, dict):
        raise ModelError(f"{path}: expected a JSON object")
    return settings


def _digest(settings: dict[str, Any]) -> str:
    """Over what decides: neither owners nor figures change a theme."""
    deciding = [settings[key] for key in ("format", "name", "model", "labels", "thresholds", "grams", "sha256")]
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def _weights(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return {name: tensor.astype(np.float64) for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise ModelError(f"{path}: not readable as safetensors: {error}") from None


def _check_shapes(fitted: Fitted) -> None:
    hidden = fitted.weights["mean"].shape[0]
    size = {"H": hidden, "L": len(fitted.labels), "J": (1 + len(KINDS)) * len(fitted.labels)}
    size |= {"W": len(fitted.grams["words"]), "C": len(fitted.grams["characters"])}
    for name, letters in _SHAPES.items():
        expected = tuple(size[letter] for letter in letters)
        if fitted.weights[name].shape != expected:
            raise ValueError(f"{name}: shape {fitted.weights[name].shape}, expected {expected}")
