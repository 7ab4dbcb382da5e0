"""The network of an exported model, to train on: what `models.recipes.export` wrote, read back.

    python -m models.recipes.restore --model models/minilm-cx --out WORK

Writes WORK as `models.recipes.train` does. Weights are those of the 8-bit files, so exporting them again gives the same
bytes. The theme head stays as a new network has it: it is fitted after each export.
"""

import argparse
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save_file
from tokenizers import Tokenizer

from cx_nlp.score.model import Model, load_model
from models.recipes.bases import find_base
from models.recipes.command import one_line
from models.recipes.network import Network

log = logging.getLogger("restore")
_OF_GRAPH = "network."  # what export calls the network


def weights_of(encoder: onnx.ModelProto) -> Iterator[tuple[str, np.ndarray]]:
    """An exported graph -> names of `Network` with their weights in float32, as torch holds them: (out, in) for a layer.

    Export turns the matrix of each layer round and gives it a number for a name. What it is shows in the bias that is
    added to its product; the branch's step of the words has none, and is the one matrix without.
    """
    stored = {one.name: numpy_helper.to_array(one) for one in encoder.graph.initializer}
    for node in encoder.graph.node:
        if node.op_type == "DequantizeLinear":
            values, scale, axis = stored[node.input[0]], stored[node.input[1]], node.attribute[0].i
            stored[node.output[0]] = values.astype(np.float32) * np.expand_dims(scale, 1 - axis)
    products = {n.output[0]: n.input[1] for n in encoder.graph.node if n.op_type == "MatMul" and n.input[1] in stored}
    for node in encoder.graph.node:
        biases = [name for name in node.input if name in stored and name.endswith(".bias")]
        product = next((products[name] for name in node.input if name in products), None)
        if node.op_type == "Add" and product and biases:
            yield biases[0].removeprefix(_OF_GRAPH).removesuffix("bias") + "weight", stored.pop(product).T
    for name, value in stored.items():
        if name.startswith(_OF_GRAPH) and not name.endswith(("_q", "_s")) and np.issubdtype(value.dtype, np.floating):
            yield name.removeprefix(_OF_GRAPH), value
    rest = [name for name in products.values() if name in stored]
    if len(rest) == 1:
        yield "branch.widen.weight", stored[rest[0]].T


def restored(model: Model, config: dict) -> Network:
    """The network of a model; config: the settings of its training."""
    network = Network.of(config, find_base(config["base"]))
    state = dict(weights_of(onnx.load(model.folder / "encoder.onnx")))
    for name in network.heads:
        for layer, at in (("1", 1), ("2", 4)):
            weight, bias = model.layers[f"{name}.{layer}"]
            state |= {f"heads.{name}.{at}.weight": weight.T, f"heads.{name}.{at}.bias": bias}
    own = {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in state.items()}
    kept = {name: value for name, value in network.state_dict().items() if name.startswith("theme.")}
    network.load_state_dict(own | kept)  # strict: a name that is missing or too many is an error
    return network.eval()


def restore(folder: Path, out: Path) -> None:
    model = load_model(str(folder))
    settings = json.loads((folder / "model.json").read_text())["training"]
    network = restored(model, settings["config"])
    out.mkdir(parents=True, exist_ok=True)
    save_file(network.weights(), out / "network.safetensors")
    Tokenizer.from_file(str(folder / "tokenizer.json")).save(str(out / "tokenizer.json"))
    (out / "train.json").write_text(json.dumps(settings, indent=1) + "\n")


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a folder that models.recipes.export wrote")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    restore(args.model, args.out)


if __name__ == "__main__":
    main()
