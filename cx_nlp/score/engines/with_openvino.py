"""OpenVINO on the processor: bfloat16 where it has the instructions, else float32."""

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cx_nlp.errors import ModelError
from cx_nlp.score.engines import Engine, Processor

if TYPE_CHECKING:
    import numpy as np

    from cx_nlp.score.engines import Batch


def quiet_openvino() -> ModuleType:
    """`import openvino` without its telemetry. Raises ImportError where it is not installed.

    Its model converter, which it imports for convenience and can do without, reports the import to a statistics
    service and leaves a client id in the home folder, unasked. Hidden from the import, neither happens; and should
    something else load the converter later, OpenVINO takes its own stub for the telemetry package.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: an import of it fails
    converter = "openvino.tools.ovc"
    is_hidden = converter not in sys.modules
    if is_hidden:
        sys.modules[converter] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        if is_hidden:
            del sys.modules[converter]
    return openvino


def processor() -> Processor:
    """What this machine's processor computes in; never raises, for the answer may only be that nobody can tell."""
    try:
        found = quiet_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except ImportError:
        return Processor(missing="OpenVINO is not installed")
    except Exception as error:  # whatever a foreign processor or a broken installation makes it raise
        return Processor(missing=f"OpenVINO does not start here: {' '.join(str(error).split())[:120]}")
    return Processor(frozenset(found))


def load_bf16(encoder: Path, *, threads: int = 0) -> Engine:
    return _load(encoder, "bf16", threads)


def load_fp32(encoder: Path, *, threads: int = 0) -> Engine:
    return _load(encoder, "f32", threads)


def _load(encoder: Path, precision: str, threads: int) -> Engine:
    """One stream of batches a thread: nothing waits within a layer, and no sum depends on the number of threads."""
    openvino = quiet_openvino()
    threads = threads or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        # Pinned, the workers of several processes would share the first cores and leave the others idle.
        "ENABLE_CPU_PINNING": False,
        # 8-bit activations would be scaled over a batch, and a text's figures move with its neighbours.
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
    }
    try:
        compiled = openvino.Core().compile_model(_in_float32(openvino, encoder), "CPU", settings)
    except Exception as error:  # bare RuntimeError for whatever is wrong with the file
        raise ModelError(f"{encoder.parent}: cannot be loaded: {' '.join(str(error).split())[:200]}") from None
    requests = [compiled.create_infer_request() for _ in range(threads)]

    def run(batches: "Iterable[Batch]") -> "Iterator[np.ndarray]":
        waiting: deque[Any] = deque()
        try:
            for number, (ids, attention) in enumerate(batches):
                if len(waiting) == threads:
                    yield _result(waiting.popleft())
                request = requests[number % threads]
                request.start_async({"input_ids": ids, "attention_mask": attention})
                waiting.append(request)
            while waiting:
                yield _result(waiting.popleft())
        finally:
            # Left early, by an error further on: the next run must find its requests idle.
            for request in waiting:
                request.wait()

    name = f"openvino-{openvino.__version__.partition('-')[0]}-{'bf16' if precision == 'bf16' else 'fp32'}"
    # It keeps 1 MB a shape (measured: 44 MB for 32 shapes, 260 for 250), and never lets go of them.
    return Engine(name, run, batch_tokens=1024, width_step=8, fills_rows=True)


def _in_float32(openvino: ModuleType, encoder: Path) -> Any:
    """The graph with its 8-bit weights unpacked to float32 constants.

    Left packed, embedding tables are read wrongly and hidden states are off by up to 1.0; and the matrix products
    unpack at each call, which costs a third of the speed.
    """
    from openvino.passes import ConstantFolding, Manager

    model = openvino.Core().read_model(encoder)
    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
    return model


def _result(request: Any) -> "np.ndarray":
    request.wait()
    # A copy: the request's own memory is written again by the next batch.
    return request.get_output_tensor(0).data.copy()
