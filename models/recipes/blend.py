"""Go part of the way from a trained network to what further trainings made of it.

    python -m models.recipes.blend --work WORK --towards MENDED --share 0.5 --towards OTHER --share 0.3 --out BLENDED

Weights become w + the sum of share * step of each training from w. Trainings from one start agree on what they were taught and differ in
what they moved by accident, so that a part of each keeps more of the old than the whole of one (Wortsman et al. 2022: "Model
soups", "Robust fine-tuning of zero-shot models"). Writes BLENDED as models.recipes.train does.
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from cx_nlp.errors import UsageError
from models.recipes.command import one_line

Weights = dict[str, Tensor]


def blend(start: Weights, ends: Sequence[Weights], *, shares: Sequence[float]) -> Weights:
    """A share for each of the ends. Raises UsageError for networks of another shape. Whole numbers stay as they are."""
    for end in ends:
        if {name: value.shape for name, value in end.items()} != {name: value.shape for name, value in start.items()}:
            raise UsageError("networks of different shapes cannot be blended")
    return {
        name: (value + sum(share * (end[name] - value) for share, end in zip(shares, ends, strict=True))).contiguous()
        if value.is_floating_point()
        else value
        for name, value in start.items()
    }


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="the folder that the trainings began with")
    parser.add_argument("--towards", type=Path, required=True, action="append", help="what one of them wrote")
    parser.add_argument(
        "--share", type=float, required=True, action="append", help="of its step, above 0 and at most 1"
    )
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if len(args.share) != len(args.towards):
        raise UsageError(f"each --towards needs a --share: got {len(args.towards)} and {len(args.share)}")
    for share in args.share:
        if not 0 < share <= 1:
            raise UsageError(f"--share must be above 0 and at most 1, got {share}")
    start, *ends = (load_file(folder / "network.safetensors") for folder in (args.work, *args.towards))
    args.out.mkdir(parents=True, exist_ok=True)
    save_file(blend(start, ends, shares=args.share), args.out / "network.safetensors")
    shutil.copy(args.work / "tokenizer.json", args.out / "tokenizer.json")
    made, *others = (json.loads((folder / "train.json").read_text()) for folder in (args.work, *args.towards))
    before = made.get("after", [])
    told = [
        one | {"share": share}
        for share, other in zip(args.share, others, strict=True)
        for one in other.get("after", [])[len(before) :]
    ]
    (args.out / "train.json").write_text(json.dumps(made | {"after": [*before, *told]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
