"""Export a trained network to the folder that `cx_nlp.score` loads: 8-bit ONNX encoder, heads, tokenizer.

    python -m models.recipes.export --work WORK --out models/minilm-cx --name minilm-cx

Only storage is 8-bit: each weight matrix is kept as int8 with one scale a row (symmetric, round to nearest)
behind a DequantizeLinear node that the runtime folds at load, so the arithmetic is float32 throughout and a
text's scores do not depend on its neighbours in a batch.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from cx_nlp.score.model import MODEL_FORMAT, WEIGHT_FILES, Calibration, by_label, file_digest
from models.recipes.command import one_line
from models.recipes.network import Network, load_trained

_SMALLEST_QUANTISED = 10_000  # biases and layer norms stay float32: they weigh nothing and cost precision


class _Hidden(torch.nn.Module):
    """A network without its heads, with the names of inputs that tokenizers give."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.network(input_ids, attention_mask)


def to_onnx(network: Network) -> onnx.ModelProto:
    """-> graph with inputs input_ids, attention_mask (B, T) int64 and output hidden (B, T, H) float32."""
    for encoder in (network.encoder, *([network.branch.encoder] if network.branch else [])):
        encoder.set_attn_implementation("eager")
    ids = torch.ones(4, 20, dtype=torch.long)
    attention = torch.ones_like(ids)
    attention[1, 10:] = 0
    dims = {0: torch.export.Dim("B", min=1, max=4096), 1: torch.export.Dim("T", min=2, max=512)}
    program = torch.onnx.export(
        _Hidden(network).eval(),
        (ids, attention),
        dynamo=True,
        input_names=["input_ids", "attention_mask"],
        output_names=["hidden"],
        dynamic_shapes=(dims, dims),
        opset_version=18,
        verbose=False,
    )
    return program.model_proto


def store_in_8_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace each large float matrix W (rows, columns) by int8 Q and scales s (rows,): W ~ s[:, None] * Q."""
    kept, added, nodes = [], [], []
    for tensor in model.graph.initializer:
        weight = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or weight.ndim != 2 or weight.size < _SMALLEST_QUANTISED:
            kept.append(tensor)
            continue
        # One scale a column of a (in, out) matrix product, one a row of an embedding table: the finer axis.
        axis = 0 if weight.shape[0] > 4 * weight.shape[1] else 1
        scale = np.abs(weight).max(axis=1 - axis) / 127.0
        scale[scale == 0] = 1.0
        quantised = np.clip(np.rint(weight / np.expand_dims(scale, 1 - axis)), -127, 127).astype(np.int8)
        added += [
            numpy_helper.from_array(quantised, tensor.name + "_q"),
            numpy_helper.from_array(scale.astype(np.float32), tensor.name + "_s"),
        ]
        inputs = [tensor.name + suffix for suffix in ("_q", "_s")]
        nodes.append(helper.make_node("DequantizeLinear", inputs, [tensor.name], name=tensor.name + "_dq", axis=axis))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept + added)
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    onnx.checker.check_model(model)
    return model


def head_tensors(network: Network) -> dict[str, np.ndarray]:
    """Weights (in, out) as `<name>.q` int8 with one scale a column in `<name>.s`; biases `<name>.b` in float32.

    Names: `<head>.1` and `<head>.2` for the two layers of sentiment, emotion and aspect; `theme` for the linear one.
    """
    layers = {f"{name}.{i}": head[at] for name, head in network.heads.items() for i, at in ((1, 1), (2, 4))}
    layers["theme"] = network.theme
    out = {}
    for name, layer in layers.items():
        out[f"{name}.q"], out[f"{name}.s"] = quantise_columns(layer.weight.detach().numpy().T)
        out[f"{name}.b"] = layer.bias.detach().numpy().astype(np.float32)
    return out


def quantise_columns(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """weight (in, out) -> int8 (in, out), scale (out,) float32 with weight ~ int8 * scale."""
    scale = np.abs(weight).max(axis=0) / 127.0
    scale[scale == 0] = 1.0
    return np.ascontiguousarray(np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)), scale.astype(np.float32)


def save_heads(tensors: dict[str, np.ndarray], folder: Path) -> None:
    """safetensors writes for the owner alone; a service user must be able to read a model."""
    save_file(tensors, folder / "heads.safetensors")
    (folder / "heads.safetensors").chmod(0o644)


def seal(folder: Path) -> None:
    """Write the digests of the weight files into model.json, after one of them has changed."""
    settings = json.loads((folder / "model.json").read_text())
    settings["sha256"] = {name: file_digest(folder / name) for name in WEIGHT_FILES}
    (folder / "model.json").write_text(json.dumps(settings, indent=1) + "\n")


def export(work: Path, out: Path, name: str) -> None:
    network = load_trained(work)
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(store_in_8_bits(to_onnx(network)), out / "encoder.onnx")
    save_heads(head_tensors(network), out)
    # Compact: indented, the tokenizer is half as large again.
    Tokenizer.from_file(str(work / "tokenizer.json")).save(str(out / "tokenizer.json"), pretty=False)
    settings = {
        "format": MODEL_FORMAT,
        "name": name,
        "hidden": network.width,
        "window_tokens": 128,
        "overlap_tokens": 32,
        "languages": ["en"],
        "frame": frame(Tokenizer.from_file(str(out / "tokenizer.json"))),
    }
    settings["calibration"] = uncalibrated()
    settings["training"] = json.loads((work / "train.json").read_text())  # what the card says about the training
    (out / "model.json").write_text(json.dumps(settings, indent=1) + "\n")
    seal(out)


def frame(tokenizer: Tokenizer) -> list[str]:
    """The tokens that the tokenizer puts before and after a text: [CLS] and [SEP], or <s> and </s>."""
    before, *_, after = tokenizer.encode("a").tokens
    return [before, after]


def uncalibrated() -> dict:
    """Neutral settings, until models.recipes.calibrate has fitted better ones on dev."""
    return by_label(Calibration())


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder that models.recipes.train wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", required=True)
    args = parser.parse_args()
    export(args.work, args.out, args.name)


if __name__ == "__main__":
    main()
