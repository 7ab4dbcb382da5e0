"""What runs the encoder: one file an engine, one line in a table, and the choice between them.

An engine gets batches of padded windows and gives back their hidden states in the same order. Whatever it is, a
text's figures must not depend on its neighbours: a batch of another order or size moves no probability by more than
0.01. A new engine is one file with a `load` function, one line in `ENGINES`, and passes the tests of this folder.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cx_nlp.errors import UnknownName, UsageError

if TYPE_CHECKING:
    import numpy as np

    Batch = tuple[np.ndarray, np.ndarray]  # token ids and attention mask, both (B, T) int64

ENGINES = {
    "onnxruntime-fp32": "cx_nlp.score.engines.with_onnxruntime:load",
    "openvino-bf16": "cx_nlp.score.engines.with_openvino:load_bf16",
    "openvino-fp32": "cx_nlp.score.engines.with_openvino:load_fp32",
}
AUTO = "auto"
NAMES = (AUTO, *ENGINES)


@dataclass(frozen=True)
class Engine:
    name: str  # the column `engine`: library, version, precision
    run: Callable[["Iterable[Batch]"], "Iterator[np.ndarray]"]  # batches (B, T) -> hidden states (B, T, H), in order
    batch_tokens: int  # padded tokens of a batch that suit it
    width_step: int  # T is padded to a multiple of this, so that few shapes occur
    fills_rows: bool = (
        False  # B is padded too: an engine that keeps kernels for each shape would grow with their number
    )


@dataclass(frozen=True)
class Processor:
    """What OpenVINO finds in this machine; `missing` says why it could not be asked."""

    precisions: frozenset[str] = frozenset()
    missing: str = ""


@dataclass(frozen=True)
class Choice:
    name: str  # a key of ENGINES
    reason: str


def check_name(name: str) -> str:
    """-> name. Raises UnknownName unless it is `auto` or an engine's."""
    if name not in NAMES:
        raise UnknownName("engine", name, NAMES)
    return name


def choose(name: str, processor: Callable[[], Processor]) -> Choice:
    """`auto` or an engine's name -> the engine to take and why; `processor` is asked only if the answer depends on it.

    bfloat16 where the processor computes in it, else float32. Raises UnknownName for a name that is not in the table,
    UsageError where a forced engine cannot run: in emulation bfloat16 would be slower than the float32 it replaces.
    """
    check_name(name)
    if name == "onnxruntime-fp32":
        return Choice(name, "asked for")
    found = processor()
    if name == AUTO:
        if "BF16" in found.precisions:
            return Choice("openvino-bf16", "the processor computes in bfloat16")
        return Choice("onnxruntime-fp32", found.missing or "the processor does not compute in bfloat16")
    if found.missing:
        raise UsageError(f"engine {name}: {found.missing}")
    if name.endswith("-bf16") and "BF16" not in found.precisions:
        has = ", ".join(sorted(found.precisions & {"FP32", "FP16", "INT8"}))
        raise UsageError(f"engine {name}: the processor does not compute in bfloat16, OpenVINO finds {has}")
    return Choice(name, "asked for")


def this_processor() -> Processor:
    from cx_nlp.score.engines.with_openvino import processor

    return processor()


def load(name: str, encoder: Path, *, threads: int = 0) -> Engine:
    """Choose an engine by name or `auto` and load an ONNX encoder into it; threads 0 takes all cores.

    Raises UnknownName or UsageError as `choose` does, and ModelError for a file that the engine cannot read.
    """
    module, _, function = ENGINES[choose(name, this_processor).name].partition(":")
    return getattr(importlib.import_module(module), function)(encoder, threads=threads)
