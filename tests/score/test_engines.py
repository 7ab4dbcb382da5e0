"""Each engine that this machine can run gives what float32 gives, whatever stands beside a text; and the choice between them."""

import subprocess
import sys

import numpy as np
import pytest

from cx_nlp.errors import ModelError, UnknownName, UsageError
from cx_nlp.score import engines, heads
from cx_nlp.score.encoder import Encoder
from cx_nlp.score.engines import Processor, choose
from cx_nlp.score.model import load_model
from tests import tiny_model

FAST = Processor(frozenset({"FP32", "BF16", "INT8"}))
OLD = Processor(frozenset({"FP32", "INT8"}))
ABSENT = Processor(missing="OpenVINO is not installed")


@pytest.fixture(params=engines.ENGINES)
def engine(request) -> str:
    try:
        return choose(request.param, engines.this_processor).name
    except UsageError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("processor", "name", "reason"),
    [
        (FAST, "openvino-bf16", "the processor computes in bfloat16"),
        (OLD, "onnxruntime-fp32", "the processor does not compute in bfloat16"),
        (ABSENT, "onnxruntime-fp32", "OpenVINO is not installed"),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_it(processor, name, reason):
    assert choose("auto", lambda: processor) == engines.Choice(name, reason)


def test_an_engine_asked_for_is_taken_or_refused_with_the_reason():
    assert choose("openvino-bf16", lambda: FAST).name == "openvino-bf16"
    assert choose("openvino-fp32", lambda: OLD).name == "openvino-fp32"
    with pytest.raises(UsageError, match=r"openvino-bf16: the processor does not compute in bfloat16, .* FP32, INT8"):
        choose("openvino-bf16", lambda: OLD)
    with pytest.raises(UsageError, match="openvino-fp32: OpenVINO is not installed"):
        choose("openvino-fp32", lambda: ABSENT)


def test_onnx_runtime_asks_nobody():
    def fail() -> Processor:
        raise AssertionError("asked")

    assert choose("onnxruntime-fp32", fail).name == "onnxruntime-fp32"


def test_an_unknown_name_is_said_with_those_known(tiny):
    with pytest.raises(
        UnknownName, match=r"unknown engine 'openvino-bf61', did you mean 'openvino-bf16'.*onnxruntime-fp32"
    ):
        Encoder(load_model(str(tiny)), engine="openvino-bf61")


def test_the_name_says_library_version_and_precision(tiny, engine):
    library, precision = engine.split("-")
    name = Encoder(load_model(str(tiny)), threads=1, engine=engine).engine
    assert name.startswith(f"{library}-2" if library == "openvino" else f"{library}-1") and name.endswith(precision)


def test_every_engine_reads_the_same(tiny, engine):
    model = load_model(str(tiny))
    texts = ["lovely staff but a terrible wait", "", "x " * 100 + "terrible", "good"]
    spans = [[(0, 6), (19, 27)], [], [(200, 208)], [(0, 4)]]
    wanted = Encoder(model, threads=1, engine="onnxruntime-fp32").span_means(texts, spans)
    got = Encoder(model, threads=2, engine=engine).span_means(texts, spans)
    for one, two in zip(wanted, got, strict=True):
        np.testing.assert_allclose(two.means, one.means, rtol=0.005)
        assert (one.n_tokens, one.n_windows) == (two.n_tokens, two.n_windows)


def test_batches_come_back_in_order_whatever_their_size_and_the_threads(tiny, engine):
    """Sizes differ, so that on two streams a later batch is done before an earlier one."""
    model = load_model(str(tiny))
    texts = [" ".join(["good", "bad", "x"][: 1 + i % 3] * (1 + i % 7)) for i in range(60)]

    def scores(**options) -> np.ndarray:
        read = Encoder(model, engine=engine, **options).span_means(texts, [[]] * len(texts))
        return heads.sentiment(model, np.stack([r.means[0] for r in read]), [r.n_tokens for r in read])

    together = scores(threads=1)
    np.testing.assert_array_equal(scores(threads=1), together)
    for options in ({"max_batch_tokens": 1}, {"max_batch_tokens": 64}, {"threads": 3, "max_batch_tokens": 64}):
        np.testing.assert_allclose(scores(**({"threads": 2} | options)), together, atol=0.001)


def test_a_run_left_early_harms_no_later_one(tiny, engine):
    loaded = engines.load(engine, tiny / "encoder.onnx", threads=2)
    batch = np.ones((2, 3), dtype=np.int64), np.ones((2, 3), dtype=np.int64)
    left = loaded.run([batch] * 5)
    next(left)
    left.close()
    assert [hidden.shape for hidden in loaded.run([batch] * 5)] == [(2, 3, tiny_model.HIDDEN)] * 5


def test_a_file_that_is_no_graph_is_one_line(tmp_path, engine):
    folder = tiny_model.build(tmp_path / "m")
    (folder / "encoder.onnx").write_bytes(b"not onnx")
    tiny_model.write_settings(folder)
    with pytest.raises(ModelError, match="cannot be loaded") as error:
        Encoder(load_model(str(folder)), engine=engine)
    assert "\n" not in str(error.value)


def test_openvino_tells_nobody_that_it_was_imported(tmp_path):
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    code = (
        "import sys; from cx_nlp.score.engines import this_processor; this_processor(); "
        "print('openvino' in sys.modules, sys.modules.get('openvino_telemetry'), 'openvino.tools.ovc' in sys.modules)"
    )
    # CI=true alone would silence it too.
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(filter(None, sys.path))}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert out.stdout.split() == ["True", "None", "False"]
    assert not (tmp_path / "intel").exists(), "a client id was written"
