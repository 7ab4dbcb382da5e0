"""Texts to logits by a text-classification checkpoint: the only place that imports torch and transformers.

Float32 on the processor, in batches of like length, padding masked. A text longer than the checkpoint's window (at most
512 tokens) is read in overlapping windows, never cut: its logits are the mean of its windows' logits, each weighted by
the tokens it owns (see `cx_nlp.score.windows`), so that each token counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from cx_nlp.errors import ModelError
from cx_nlp.score.hub import INSTALL
from cx_nlp.score.windows import Window, windows

MAX_WINDOW = 512  # attention costs the square of it


@dataclass(frozen=True)
class Reading:
    logits: np.ndarray  # (C,) float64
    n_tokens: int  # without special tokens
    n_windows: int  # at least 1


def check_installed() -> None:
    """Raises ModelError that says how to install torch and transformers; loads neither, as that takes seconds."""
    missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"a checkpoint needs torch and transformers, and {' and '.join(missing)} cannot be found; run: {INSTALL}"
        )


def engine() -> str:
    """Path and precision, as the column `engine` names them."""
    return f"torch-{metadata.version('torch').split('+')[0]}-fp32"


class Classifier:
    """A checkpoint in memory. Raises ModelError, one line, for what cannot be loaded or has no classification head."""

    def __init__(self, folder: Path, *, threads: int = 0, max_batch_tokens: int = 4096) -> None:
        check_installed()
        import torch
        import transformers

        self._torch = torch
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        if threads:
            self._torch.set_num_threads(threads)
        self.max_batch_tokens = max_batch_tokens
        local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **local)
            self._model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
                str(folder), use_safetensors=True, dtype=self._torch.float32, output_loading_info=True, **local
            )
        except Exception as error:  # bare ValueError, OSError, RuntimeError, and those of other libraries
            raise ModelError(f"{folder}: cannot be loaded: {' '.join(str(error).split())[:200]}") from None
        if report["missing_keys"]:
            # The library would fill them with random numbers and score all the same.
            missing = ", ".join(sorted(report["missing_keys"])[:3])
            raise ModelError(f"{folder}: no text-classification checkpoint: it lacks the weights {missing}")
        self._model.eval()
        self._before, self._after = self._special()
        self._size = self._window() - len(self._before) - len(self._after)
        if self._size < 2:
            raise ModelError(f"{folder}: its window leaves room for {self._size} tokens")

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """texts (N) -> N readings, in input order; a text without a token is read as an empty one."""
        if not texts:
            return []
        ids = self._tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
        parts = [self._windows(len(its)) for its in ids]
        queue = sorted((w.end - w.start, n, k) for n, its in enumerate(parts) for k, w in enumerate(its))
        found: dict[tuple[int, int], np.ndarray] = {}
        for batch in self._batches(queue):
            rows = [ids[n][parts[n][k].start : parts[n][k].end] for _, n, k in batch]
            found |= zip([(n, k) for _, n, k in batch], self._logits(rows), strict=True)
        out = []
        for n, its in enumerate(parts):
            # An empty text has one window, which owns nothing.
            weights = [max(w.own_end - w.own_start, 1) for w in its]
            logits = np.average([found[n, k] for k in range(len(its))], axis=0, weights=weights)
            out.append(Reading(logits, len(ids[n]), len(its)))
        return out

    def _windows(self, n_tokens: int) -> list[Window]:
        return windows(n_tokens, size=self._size, overlap=self._size // 8) or [Window(0, 0, 0, 0)]

    def _batches(self, queue: list[tuple[int, int, int]]):
        """Ascending by length: the last of a batch is its longest, so grow while rows x longest fits."""
        # Without a padding token the rows of a batch cannot be told from their padding.
        most = len(queue) if self._model.config.pad_token_id is not None else 1
        special = len(self._before) + len(self._after)
        at = 0
        while at < len(queue):
            end = at + 1
            while (
                end < min(len(queue), at + most) and (end + 1 - at) * (queue[end][0] + special) <= self.max_batch_tokens
            ):
                end += 1
            yield queue[at:end]
            at = end

    def _logits(self, rows: list[list[int]]) -> np.ndarray:
        """Rows of content tokens (B) -> (B, C) float64"""
        framed = [[*self._before, *row, *self._after] for row in rows]
        width = max(map(len, framed))
        ids = np.full((len(framed), width), self._model.config.pad_token_id or 0, dtype=np.int64)
        attention = np.zeros_like(ids)
        for at, row in enumerate(framed):
            ids[at, : len(row)] = row
            attention[at, : len(row)] = 1
        with self._torch.inference_mode():
            out = self._model(
                input_ids=self._torch.from_numpy(ids), attention_mask=self._torch.from_numpy(attention)
            ).logits
        return out.double().numpy()

    def _special(self) -> tuple[list[int], list[int]]:
        """The tokens that the tokenizer puts before and after a text."""
        encoded = self._tokenizer("a", return_special_tokens_mask=True)
        ids, mask = list(encoded["input_ids"]), list(encoded["special_tokens_mask"])
        content = [at for at, is_special in enumerate(mask) if not is_special]
        if not content:
            return ids, []
        return ids[: content[0]], ids[content[-1] + 1 :]

    def _window(self) -> int:
        """Tokens that fit, special ones included."""
        limits = [MAX_WINDOW, self._tokenizer.model_max_length]
        positions = getattr(self._model.config, "max_position_embeddings", None)
        if positions and positions > 0:
            # RoBERTa and its kin count positions from the padding token's id: 514 of them hold 512 tokens.
            unused = [
                module.padding_idx + 1
                for name, module in self._model.named_modules()
                if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None
            ]
            limits.append(positions - max(unused, default=0))
        return int(min(limits))
