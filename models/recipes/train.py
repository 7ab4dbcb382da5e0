"""Train one encoder with its heads on sentiment, emotion and aspect sentiment together.

    python -m models.recipes.train --config configs/train/minilm.yaml --data-root DATA --out WORK

Writes a checkpoint every `checkpoint_steps` and resumes from it when called again; the result is
WORK/network.safetensors with WORK/tokenizer.json. Runs on a GPU where there is one, in bfloat16 there and on processors
that have it. With `--soft FILE` (from models.recipes.teach) it distils: the teachers' probabilities stand beside the
labels.
"""

import argparse
import json
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from cx_nlp.score.model import file_digest
from models.recipes.bases import find_base, load_tokenizer
from models.recipes.command import one_line
from models.recipes.embed import embeddings
from models.recipes.examples import Example, Mixture, batches
from models.recipes.losses import Soft, loss_of
from models.recipes.network import Network, autocast
from models.recipes.probe import probe
from models.recipes.recipe import load_recipe

log = logging.getLogger("train")


def collate(batch: list[Example], pad: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """-> ids, attention, content (B, T); content leaves out the first and last token ([CLS] and [SEP])."""
    width = max(len(e.ids) for e in batch)
    ids = torch.full((len(batch), width), pad, dtype=torch.long)
    attention, content = torch.zeros_like(ids), torch.zeros_like(ids)
    for i, e in enumerate(batch):
        n = len(e.ids)
        ids[i, :n] = torch.tensor(e.ids)
        attention[i, :n] = 1
        content[i, 1 : n - 1] = 1
    return ids.to(device), attention.to(device), content.to(device)


def train(config: dict, root: Path, base: str, out: Path, *, seed: int, soft: Path | None, init: Path | None) -> None:
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(Path(base))
    tokenizer.save(str(out / "tokenizer.json"))
    mixture = Mixture(root, tokenizer, config)
    net = Network.of(config, base, init=init).to(device)
    if config["freeze_words"]:  # half of a small encoder's weights, and they hold what the sets never mention
        net.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    taught = Soft.load(soft, mixture.texts) if soft else None
    target = torch.from_numpy(embeddings(mixture.texts, out / "embeddings.npy"))  # (N, 384) unit vectors, float16

    plan: list[list[Example]] = []
    ends = []  # of the epochs, in steps
    for epoch in range(config["epochs"]):
        rng = np.random.default_rng([seed, epoch])
        size = {"max_tokens": config["batch_tokens"], "max_texts": config["batch_texts"], "pool": config["pool"]}
        plan += batches(mixture.epoch(rng), **size, rng=rng)
        ends.append(len(plan))
    late = [step for step in config["average_steps"] if step >= len(plan)]
    if late:
        raise SystemExit(f"average_steps: {late}, expected steps before the last, {len(plan)}")
    groups = parameter_groups(net, config)
    trained = [p for group in groups for p in group["params"]]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    warmup = max(1, int(config["warmup"] * len(plan)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warmup, max(0.0, (len(plan) - s) / (len(plan) - warmup)))
    )
    asked = {"config": config, "seed": seed, "steps": len(plan)}
    asked |= {name: file_digest(path) if path else None for name, path in (("soft", soft), ("init", init))}
    first = resume(out, net, optimizer, schedule, asked)
    log.info("%d texts, %d steps, from step %d, on %s", sum(map(len, plan)), len(plan), first, device)
    sums: dict[str, list[float]] = {}
    started, done = time.time(), 0
    net.train()
    for step in range(first, len(plan)):
        batch = plan[step]
        torch.manual_seed(seed * 1_000_003 + step)  # dropout: a resumed training draws what an undisturbed one would
        ids, attention, content = collate(batch, net.pad, device)
        with autocast(device):
            hidden = net(ids, attention)  # (B, T, H)
        loss, parts = loss_of(net, batch, hidden.float(), content, config=config, soft=taught, target=target)
        for name, value in parts.items():
            sums.setdefault(name, []).append(value)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        done += len(batch)
        if (step + 1) % 50 == 0:
            rate = done / (time.time() - started)
            means = {k: round(float(np.mean(v[-50:])), 3) for k, v in sums.items()}
            log.info("step %d/%d %s %.0f texts/s", step + 1, len(plan), means, rate)
        if (step + 1) % config["checkpoint_steps"] == 0:
            checkpoint(out, net, optimizer, schedule, asked, step + 1)
        if step + 1 in config["average_steps"]:
            save_file(net.weights(), out / f"kept-{step + 1}.safetensors")
        if step + 1 in ends:
            log.info(
                "epoch %d, on the half of dev that may be tuned on: %s",
                ends.index(step + 1) + 1,
                probe(net, tokenizer, root),
            )
    points = [load_file(out / f"kept-{step}.safetensors") for step in config["average_steps"]]
    save_file(mean_weights([*points, net.weights()]), out / "network.safetensors")
    read = sum(map(len, plan))
    made = {"config": config, "seed": seed, "steps": len(plan), "texts": read}
    made["taught_by"] = list(taught.teachers) if taught else []
    before = init.with_name("train.json") if init else None
    made["before"] = json.loads(before.read_text()) if before and before.exists() else None
    (out / "train.json").write_text(json.dumps(made, indent=1) + "\n")
    log.info("done: %s", out / "network.safetensors")


def mean_weights(points: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Several points of one training -> their mean, which errs less than each (Izmailov et al. 2018)."""
    return {
        name: torch.stack([point[name] for point in points]).mean(0) if value.is_floating_point() else value
        for name, value in points[-1].items()
    }


def parameter_groups(net: Network, config: dict) -> list[dict[str, Any]]:
    """What is trained, with the rates at which it learns."""
    layers, words = [*net.encoder.parameters()], []
    if net.branch is not None:
        layers += net.branch.encoder.parameters()
        words = [*net.branch.step.parameters(), *net.branch.widen.parameters()]
    rated = [
        (layers, config["lr_encoder"]),
        ([*net.heads.parameters(), *net.theme.parameters()], config["lr_heads"]),
        (words, config["branch"]["lr_words"] if words else 0.0),
    ]
    groups = [{"params": [p for p in params if p.requires_grad], "lr": lr} for params, lr in rated]
    return [group for group in groups if group["params"]]


def checkpoint(out: Path, net: Network, optimizer, schedule, asked: dict[str, Any], step: int) -> None:
    """Both files are replaced together as nearly as can be: the small one last, and it names the step."""
    save_file(net.weights(), out / f"checkpoint-{step}.safetensors")
    state = {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "asked": asked, "step": step}
    torch.save(state, out / "checkpoint.pt.tmp")
    (out / "checkpoint.pt.tmp").replace(out / "checkpoint.pt")
    for old in out.glob("checkpoint-*.safetensors"):
        if old.name != f"checkpoint-{step}.safetensors":
            old.unlink()


def resume(out: Path, net: Network, optimizer, schedule, asked: dict[str, Any]) -> int:
    """-> the step to go on from; 0 without a checkpoint. The file is our own, and read with weights_only.

    Ends in one line where the checkpoint is of another training than is asked for: the two would make a third.
    """
    if not (out / "checkpoint.pt").exists():
        return 0
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    before = state.get("asked", {})
    differ = [name for name, value in asked.items() if before.get(name) != value or name not in before]
    if differ:
        raise SystemExit(
            f"{out}: its checkpoint is of another {', '.join(differ)}: ask for the same, or name a new folder"
        )
    net.load_state_dict(load_file(out / f"checkpoint-{state['step']}.safetensors"))
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return state["step"]


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument(
        "--base", help="minilm, mpnet or a folder with a pretrained encoder (default: as the config says)"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--soft", type=Path, help="soft labels that models.recipes.teach wrote")
    parser.add_argument("--init", type=Path, help="network.safetensors to start from instead of the pretrained encoder")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    config = load_recipe(args.config)
    config = config | {"base": args.base or config["base"]}  # export and teach build the network from what was used
    base = find_base(config["base"])
    train(config, args.data_root, base, args.out, seed=args.seed, soft=args.soft, init=args.init)


if __name__ == "__main__":
    main()
