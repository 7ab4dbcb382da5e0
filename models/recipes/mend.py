"""Teach a trained network what it fails at, and hold it to all else that it says.

    python -m models.recipes.restore --model models/minilm-cx --out WORK
    python -m models.recipes.mend --config configs/train/minilm-mend.yaml --work WORK --data-root DATA --out MENDED

The encoder (a branch stays as it is) and the sentiment head learn the lessons of the named kinds. With each such batch
comes one of other texts, from the labelled sets and the lessons of all other kinds, on which hidden states and sentiment are
held to those of the network as it was (learning without forgetting: Li and Hoiem 2016), and one of joined texts, each side
of which shall be read as the network as it was reads it alone. Dropout is off: it would move what is to be held. Writes
MENDED as models.recipes.train does; ten minutes on two cores. `models.recipes.blend` then goes a part of the way.
"""

import argparse
import copy
import itertools
import json
import logging
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from cx_nlp.schema import SENTIMENTS
from cx_nlp.score.heads import softmax
from models.recipes import data
from models.recipes.command import one_line
from models.recipes.examples import Example, batches, encode, token_span
from models.recipes.lessons import all_kinds, lessons
from models.recipes.network import Network, masked_mean
from models.recipes.noise import disturb
from models.recipes.probe import head_logits, probe
from models.recipes.recipe import Mending, load_mending
from models.recipes.teach import load_network
from models.recipes.train import collate

log = logging.getLogger("mend")


def examples_of(tokenizer: Tokenizer, texts: list[str], task: str, targets: np.ndarray | None) -> list[Example]:
    """texts (N), targets (N, 3) or None -> N examples, cut to 96 tokens."""
    encoded = encode(tokenizer, texts, 96)
    aims = [None] * len(encoded) if targets is None else list(targets)
    return [Example(task, ids, sentiment=aim) for (ids, _), aim in zip(encoded, aims, strict=True)]


def sides(network: Network, tokenizer: Tokenizer, pairs: pd.DataFrame) -> list[Example]:
    """Rows of text, start, end, a side each -> an example a text: its spans, and as `sentiment` (S, 3) what the network says
    of each side alone. A side that lies beyond 96 tokens is left out."""
    parts = [text[start:end] for text, start, end in zip(pairs["text"], pairs["start"], pairs["end"], strict=True)]
    alone = softmax(head_logits(network, tokenizer, parts, "sentiment"))
    groups = [(text, rows.index) for text, rows in pairs.groupby("text", sort=True)]
    out = []
    for (ids, offsets), (_, rows) in zip(encode(tokenizer, [text for text, _ in groups], 96), groups, strict=True):
        places = [token_span(offsets, *pairs.loc[row, ["start", "end"]]) for row in rows]
        kept = [i for i, (first, last) in enumerate(places) if first < last]
        if kept:
            spans = [(*places[i], "sentiment", int(alone[rows[i]].argmax())) for i in kept]
            out.append(Example("sides", ids, sentiment=alone[rows[kept]], spans=spans))
    return out


def draw(
    settings: Mending, root: Path, network: Network, tokenizer: Tokenizer, rng: np.random.Generator
) -> tuple[list, list, list]:
    """-> batches of lessons to be learned, of texts on which nothing may change, and of joined texts."""
    new = lessons(settings.taught, rng=rng, kinds=settings.kinds)
    targets = new[[f"p_{name}" for name in SENTIMENTS]].to_numpy()
    sets = [data.sentiment(root, "train"), data.emotion(root, "train"), data.aspect(root, "train")]
    pool = sorted({text for frame in sets for text in frame["text"]})
    real = [pool[i] for i in rng.choice(len(pool), size=min(settings.held, len(pool)), replace=False)]
    real = [disturb(text, rng, share=settings.disturbed) for text in real]
    others = [kind for kind in all_kinds() if kind not in settings.kinds]
    old = lessons(settings.other_lessons, rng=rng, kinds=others)["text"].tolist()
    pairs = data.joined_pairs(sets[0], rows=settings.joined, rng=rng)

    def batched(examples: list[Example], times: int = 1) -> list[list[Example]]:
        texts = times * settings.batch_texts
        return batches(examples, max_tokens=times * settings.batch_tokens, max_texts=texts, pool=50 * texts, rng=rng)

    return (
        batched(examples_of(tokenizer, new["text"].tolist(), "taught", targets)),
        batched(examples_of(tokenizer, [*real, *old], "held", None), settings.held_batches),
        batched(sides(network, tokenizer, pairs)),
    )


def read(network: Network, batch: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """-> the encoder's hidden states (B, T, H), content (B, T), sentiment logits (B, 3); the branch is not read."""
    ids, attention, content = collate(batch, network.pad, next(network.parameters()).device)
    hidden = network.encoder(input_ids=ids, attention_mask=attention).last_hidden_state.float()
    return hidden, content, network.read("sentiment", masked_mean(hidden, content))


def distance(logits: Tensor, aim: np.ndarray) -> Tensor:
    """Mean cross-entropy of logits (N, 3) with soft targets (N, 3)."""
    return -(torch.from_numpy(aim).to(logits) * F.log_softmax(logits, dim=1)).sum(1).mean()


def learned(network: Network, batch: list[Example]) -> Tensor:
    return distance(read(network, batch)[2], np.stack([one.sentiment for one in batch]))


def apart(network: Network, batch: list[Example]) -> Tensor:
    """How far the sides of joined texts are read from what is said of each alone."""
    hidden = read(network, batch)[0]
    means = [hidden[i, first:last].mean(0) for i, one in enumerate(batch) for first, last, *_ in one.spans]
    return distance(network.read("sentiment", torch.stack(means)), np.concatenate([one.sentiment for one in batch]))


def kept(network: Network, before: Network, batch: list[Example], settings: Mending) -> Tensor:
    """How far hidden states and sentiment have moved from what they were."""
    hidden, content, logits = read(network, batch)
    with torch.no_grad():
        was, _, said = read(before, batch)
    moved = ((hidden - was) ** 2).mean(-1) * content  # (B, T)
    states = moved.sum() / content.sum() / was[content.bool()].var()
    said_so = -(said.softmax(1) * (F.log_softmax(logits, dim=1) - F.log_softmax(said, dim=1))).sum(1).mean()
    return settings.hold_states * states + settings.hold_sentiment * said_so


def mend(network: Network, settings: Mending, taught: list, held: list, joined: list, *, seed: int) -> None:
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
    sums, started = np.zeros(3), time.monotonic()
    for step, (new, old, two) in enumerate(
        zip(taught, itertools.cycle(held), itertools.cycle(joined or [None]), strict=False), 1
    ):
        optimizer.zero_grad(set_to_none=True)
        losses = [learned(network, new), kept(network, before, old, settings)]
        losses.append(settings.hold_sides * apart(network, two) if two else torch.zeros(()))
        torch.stack(losses).sum().backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        sums += [loss.item() for loss in losses]
        if step % settings.look_steps == 0 or step == steps:
            n = step % settings.look_steps or settings.look_steps
            took = time.monotonic() - started
            log.info("step %d/%d: lessons %.3f, held %.4f, sides %.3f, %.0f s", step, steps, *(sums / n), took)
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
    plans = draw(settings, args.data_root, network, tokenizer, np.random.default_rng(args.seed))
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
