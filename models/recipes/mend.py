"""Teach a trained network what it fails at, and hold it to all else that it says.

    python -m models.recipes.restore --model models/minilm-cx --out WORK
    python -m models.recipes.mend --config configs/train/minilm-mend.yaml --work WORK --data-root DATA --out MENDED

The encoder (a branch stays as it is) and the sentiment head learn the lessons of the named kinds. With each such batch
comes one of other texts, from the labelled sets and the lessons of all other kinds, on which hidden states and sentiment are
held to those of the network as it was (learning without forgetting: Li and Hoiem 2016). Dropout is off: it would move
what is to be held. Writes MENDED as models.recipes.train does; a few minutes on two cores.
"""

import argparse
import copy
import itertools
import json
import logging
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from cx_nlp.schema import SENTIMENTS
from models.recipes import data
from models.recipes.command import one_line
from models.recipes.examples import Example, batches, encode
from models.recipes.lessons import all_kinds, lessons
from models.recipes.network import Network, masked_mean
from models.recipes.probe import probe
from models.recipes.recipe import Mending, load_mending
from models.recipes.teach import load_network
from models.recipes.train import collate

log = logging.getLogger("mend")


def examples_of(tokenizer: Tokenizer, texts: list[str], task: str, targets: np.ndarray | None) -> list[Example]:
    """texts (N), targets (N, 3) or None -> N examples, cut to 96 tokens."""
    encoded = encode(tokenizer, texts, 96)
    aims = [None] * len(encoded) if targets is None else list(targets)
    return [Example(task, ids, sentiment=aim) for (ids, _), aim in zip(encoded, aims, strict=True)]


def draw(settings: Mending, root: Path, tokenizer: Tokenizer, rng: np.random.Generator) -> tuple[list, list]:
    """-> batches of lessons to be learned, and of texts on which nothing may change."""
    new = lessons(settings.taught, rng=rng, kinds=settings.kinds)
    targets = new[[f"p_{name}" for name in SENTIMENTS]].to_numpy()
    sets = [data.sentiment(root, "train"), data.emotion(root, "train"), data.aspect(root, "train")]
    pool = sorted({text for frame in sets for text in frame["text"]})
    real = [pool[i] for i in rng.choice(len(pool), size=min(settings.held, len(pool)), replace=False)]
    others = [kind for kind in all_kinds() if kind not in settings.kinds]
    old = lessons(settings.other_lessons, rng=rng, kinds=others)["text"].tolist()
    size = {"max_tokens": settings.batch_tokens, "max_texts": settings.batch_texts, "pool": 50 * settings.batch_texts}
    return (
        batches(examples_of(tokenizer, new["text"].tolist(), "taught", targets), **size, rng=rng),
        batches(examples_of(tokenizer, [*real, *old], "held", None), **size, rng=rng),
    )


def read(network: Network, batch: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """-> the encoder's hidden states (B, T, H), content (B, T), sentiment logits (B, 3); the branch is not read."""
    ids, attention, content = collate(batch, network.pad, next(network.parameters()).device)
    hidden = network.encoder(input_ids=ids, attention_mask=attention).last_hidden_state.float()
    return hidden, content, network.read("sentiment", masked_mean(hidden, content))


def learned(network: Network, batch: list[Example]) -> Tensor:
    """Cross-entropy of lessons with their soft targets."""
    logits = read(network, batch)[2]
    aim = torch.from_numpy(np.stack([one.sentiment for one in batch])).to(logits)
    return -(aim * F.log_softmax(logits, dim=1)).sum(1).mean()


def kept(network: Network, before: Network, batch: list[Example], settings: Mending) -> Tensor:
    """How far hidden states and sentiment have moved from what they were."""
    hidden, content, logits = read(network, batch)
    with torch.no_grad():
        was, _, said = read(before, batch)
    moved = ((hidden - was) ** 2).mean(-1) * content  # (B, T)
    states = moved.sum() / content.sum() / was[content.bool()].var()
    said_so = -(said.softmax(1) * (F.log_softmax(logits, dim=1) - F.log_softmax(said, dim=1))).sum(1).mean()
    return settings.hold_states * states + settings.hold_sentiment * said_so


def mend(network: Network, settings: Mending, taught: list, held: list, *, seed: int) -> None:
    """Train `network` in place, a step a batch of the lessons."""
    torch.manual_seed(seed)
    before = copy.deepcopy(network).requires_grad_(False)
    network.requires_grad_(False)
    trained = [*network.encoder.encoder.parameters(), *network.heads["sentiment"].parameters()]
    for one in trained:
        one.requires_grad_(True)
    optimizer = torch.optim.AdamW(trained, lr=settings.lr, weight_decay=0.0)
    steps = len(taught)
    warmup = max(1, int(settings.warmup * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warmup, max(0.0, (steps - s) / max(1, steps - warmup)))
    )
    network.eval()
    sums, started = np.zeros(2), time.monotonic()
    for step, (new, old) in enumerate(zip(taught, itertools.cycle(held), strict=False), 1):
        losses = learned(network, new), kept(network, before, old, settings)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(losses).sum().backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        sums += [loss.item() for loss in losses]
        if step % settings.look_steps == 0 or step == steps:
            n = step % settings.look_steps or settings.look_steps
            took = time.monotonic() - started
            log.info("step %d/%d: lessons %.3f, held %.4f, %.0f s", step, steps, *(sums / n), took)
            sums[:] = 0


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder that restore or train wrote")
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    settings = load_mending(args.config)
    network, tokenizer = load_network(args.work)
    plans = draw(settings, args.data_root, tokenizer, np.random.default_rng(args.seed))
    log.info("before, on the half of dev that may be tuned on: %s", probe(network, tokenizer, args.data_root))
    mend(network, settings, *plans, seed=args.seed)
    log.info("after: %s", probe(network, tokenizer, args.data_root))
    args.out.mkdir(parents=True, exist_ok=True)
    save_file(network.weights(), args.out / "network.safetensors")
    tokenizer.save(str(args.out / "tokenizer.json"))
    made = json.loads((args.work / "train.json").read_text())
    told = {"mended": settings.model_dump(), "seed": args.seed, "steps": len(plans[0])}
    (args.out / "train.json").write_text(json.dumps(made | {"after": [*made.get("after", []), told]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
