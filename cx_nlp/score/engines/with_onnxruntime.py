"""ONNX Runtime in float32: runs anywhere, and a text's vectors do not depend on its neighbours at all."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cx_nlp.errors import ModelError
from cx_nlp.score.engines import Engine

if TYPE_CHECKING:
    import numpy as np

    from cx_nlp.score.engines import Batch


def load(encoder: Path, *, threads: int = 0) -> Engine:
    """Raises ModelError, one line, for a file that is no encoder."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Storage is 8-bit only: fold the weights back to float32 at load instead of computing in 8 bits.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # Batches differ in shape; a memory plan for each of them is kept for ever and saves no time.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(encoder), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises bare RuntimeError or Exception
        raise ModelError(f"{encoder.parent}: cannot be loaded: {' '.join(str(error).split())[:200]}") from None

    def run(batches: "Iterable[Batch]") -> "Iterator[np.ndarray]":
        for ids, attention in batches:
            (hidden,) = session.run(None, {"input_ids": ids, "attention_mask": attention})
            yield hidden

    # Its memory keeps the largest batch's intermediate results: 49 MB of 1,024 tokens, 201 of 4,096, which are no faster.
    return Engine(f"onnxruntime-{onnxruntime.__version__}-fp32", run, batch_tokens=1024, width_step=1)
