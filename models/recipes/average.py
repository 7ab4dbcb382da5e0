"""Average the weights of several rounds of one training: better than each of them on what none was trained on.

    python -m models.recipes.average --work WORK2 --weight 0.25 --work WORK4 --weight 0.25 --work WORK5 --weight 0.5 --out WORK6

"Model soups" (Wortsman et al. 2022, arXiv:2203.05482): rounds that start from one another lie in one basin, where the
mean of the weights errs less than the weights. The last --work gives the recipe and the tokenizer.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from cx_nlp.errors import UsageError
from models.recipes.command import one_line


def average(states: list[dict[str, torch.Tensor]], weights: list[float]) -> dict[str, torch.Tensor]:
    """Networks by tensor name, of equal shapes, with weights that sum to 1 -> their mean, in the last one's types.

    Raises UsageError for weights that do not sum to 1, and for networks of different tensors.
    """
    if len(states) != len(weights) or abs(sum(weights) - 1) > 1e-6:
        raise UsageError(f"weights {weights} of {len(states)} networks: expected one each, and a sum of 1")
    last = states[-1]
    for state in states:
        if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in last.items()}:
            raise UsageError("the networks are of different shapes: only rounds of one training can be averaged")
    return {
        name: torch.stack([w * state[name].double() for w, state in zip(weights, states, strict=True)])
        .sum(0)
        .to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in last.items()
    }


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, action="append", required=True, help="a folder that train wrote; the last round last"
    )
    parser.add_argument("--weight", type=float, action="append", required=True, help="of each --work, in its order")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    states = [load_file(work / "network.safetensors") for work in args.work]
    mean = average(states, args.weight)
    args.out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in mean.items()}, args.out / "network.safetensors")
    shutil.copyfile(args.work[-1] / "tokenizer.json", args.out / "tokenizer.json")
    made = [json.loads((work / "train.json").read_text()) for work in args.work]
    # Rounds are named by their seeds, which differ; the chain of rounds itself is in `before`.
    parts = [{"seed": one["seed"], "weight": weight} for one, weight in zip(made, args.weight, strict=True)]
    (args.out / "train.json").write_text(json.dumps(made[-1] | {"average_of": parts}, indent=1) + "\n")


if __name__ == "__main__":
    main()
