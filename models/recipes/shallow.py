"""A shipped model with fewer layers: what it says is worth little, but it says it at a fraction of the cost.

    python -m models.recipes.shallow --model models/minilm-cx --output FOLDER --layers 1
    python -m models.recipes.benchmark_nights --rows 1000000 --model FOLDER

Embeddings, heads, vectors and their widths stay, so memory and themes of a large night can be looked at on a machine
where the whole model would need hours. Each layer that is left out of trunk and branch is 14 MB less of weights in float32.
"""

import json
import re
import shutil
from pathlib import Path

import click
import onnx
from onnx.utils import Extractor

from cx_nlp.score.model import file_digest

_END_OF_LAYER = re.compile(r"(.*encoder\.layer\.)(\d+)\.output\.LayerNorm\.weight")


def shallow(encoder: onnx.ModelProto, *, layers: int) -> onnx.ModelProto:
    """The encoder, trunk and branch alike, ending after its first `layers` layers; more than it has leave it as it is.

    Raises ValueError for a graph whose layers cannot be told by the names of their weights, and for no layer.
    """
    if layers < 1:
        raise ValueError(f"{layers} layers: expected 1 or more")
    ends: dict[str, dict[int, str]] = {}
    for node in encoder.graph.node:
        if node.op_type == "LayerNormalization" and (found := _END_OF_LAYER.fullmatch(node.input[1])):
            ends.setdefault(found[1], {})[int(found[2])] = node.output[0]
    if not ends:
        raise ValueError("no weights named ...encoder.layer.N.output.LayerNorm.weight")
    instead = {of[max(of)]: of[min(layers - 1, max(of))] for of in ends.values()}
    out = onnx.ModelProto()
    out.CopyFrom(encoder)
    for node in out.graph.node:
        if set(instead) & set(node.input):
            names = [instead.get(name, name) for name in node.input]
            del node.input[:]
            node.input.extend(names)
    names = ([value.name for value in graph] for graph in (out.graph.input, out.graph.output))
    return Extractor(out).extract_model(*names)


@click.command()
@click.option("--model", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A folder that is not there yet.")
@click.option("--layers", type=click.IntRange(min=1), default=1, show_default=True)
def main(model: Path, output: Path, layers: int) -> None:
    """Write a model's folder with the first LAYERS layers of its encoder.

    Example: python -m models.recipes.shallow --model models/minilm-cx --output /tmp/shallow
    """
    shutil.copytree(model, output)
    encoder, settings = output / "encoder.onnx", output / "model.json"
    onnx.save(shallow(onnx.load(encoder), layers=layers), encoder)
    told = json.loads(settings.read_text(encoding="utf-8"))
    told["name"] = f"{told['name']}-{layers}"
    told["sha256"][encoder.name] = file_digest(encoder)
    settings.write_text(json.dumps(told, indent=1), encoding="utf-8")
    click.echo(f"{output}: {encoder.stat().st_size / 2**20:.1f} MiB of encoder")


if __name__ == "__main__":
    main()
