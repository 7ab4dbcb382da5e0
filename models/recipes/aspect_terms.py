"""Aspect terms by a small tagger on the frozen encoder: what a trained reader finds beside the rules of `cx_nlp.spans`.

    python -m models.recipes.aspect_terms --model models/minilm-cx --data-root DATA --out WORK/aspect_terms.safetensors

It learns on the training part of MAMS's aspect terms alone; a tenth of it, held out, says when to stop. What it reads
of a token, all of it there in any run: the encoder's vector, the parser's vector, the tag, and what the rules say.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from cx_nlp.clean import clean_text
from cx_nlp.score.encoder import Encoder
from cx_nlp.score.predict import Predictor
from cx_nlp.spans.components import phrases_of
from cx_nlp.spans.pipeline import load_nlp, parse
from models.recipes.command import one_line
from models.recipes.crf import best_paths, negative_log_likelihood
from models.recipes.sets import load

Span = tuple[int, int]
OUTSIDE, BEGIN, INSIDE = range(3)
WIDTH = 96
_ENDINGS = ("ing", "ed", "er", "ly", "s")
_HELD_OUT = 10  # every tenth sentence of train


@dataclass(frozen=True)
class Sentences:
    """texts (N), the places of their terms, and of each token its place and features (T, F)."""

    texts: list[str]
    terms: list[set[Span]]
    places: list[list[Span]]
    features: list[np.ndarray]

    def part(self, rows: Sequence[int]) -> "Sentences":
        return Sentences(
            *([column[i] for i in rows] for column in (self.texts, self.terms, self.places, self.features))
        )


def terms_of(root: Path, split: str) -> dict[str, set[Span]]:
    """Cleaned sentence -> code points of its annotated terms; a term that cleaning moves is left out."""
    found: dict[str, set[Span]] = {}
    for term in load("mams-atsa", split, root):
        text = clean_text(term["text"])
        if text[term["start"] : term["end"]] == term["term"]:
            found.setdefault(text, set()).add((term["start"], term["end"]))
    return dict(sorted(found.items()))


def read(terms: dict[str, set[Span]], encoder: Encoder) -> Sentences:
    """Sentence -> its terms, with what the tagger reads of each token."""
    tags = {tag: i for i, tag in enumerate(load_nlp().get_pipe("tagger").labels)}

    def of_doc(doc) -> tuple[list[Span], np.ndarray]:
        flags = np.zeros((len(doc), len(tags) + len(_ENDINGS) + 4), dtype=np.float32)
        for token in doc:
            flags[token.i, tags.get(token.tag_, 0)] = 1
            flags[token.i, len(tags) : len(tags) + len(_ENDINGS)] = [token.norm_.endswith(end) for end in _ENDINGS]
            flags[token.i, -1] = token.text[:1].isupper()
        for phrase in phrases_of(doc):
            flags[phrase.start, -4] = 1
            flags[phrase.start + 1 : phrase.end, -3] = 1
            flags[phrase.left : phrase.start, -2] = 1
        vectors = np.array(doc.tensor, dtype=np.float32)
        return [(t.idx, t.idx + len(t)) for t in doc], np.concatenate([vectors, flags], axis=1)

    places, own = [], []
    for _, pieces in parse(terms, of_doc):
        places.append([(offset + start, offset + end) for offset, (its, _) in pieces for start, end in its])
        own.append(np.concatenate([features for _, (_, features) in pieces]))
    means = [one.means[1:] for one in encoder.span_means(list(terms), places)]
    features = [np.concatenate(pair, axis=1) for pair in zip(means, own, strict=True)]
    return Sentences(list(terms), list(terms.values()), places, features)


def tags_of(places: Sequence[Span], terms: set[Span]) -> np.ndarray:
    """Places of tokens (T) -> B, I or O of each (T,); a term whose ends are no tokens' ends is left out."""
    starts, ends = {start: i for i, (start, _) in enumerate(places)}, {end: i for i, (_, end) in enumerate(places)}
    tags = np.full(len(places), OUTSIDE)
    for start, end in sorted(terms, key=lambda term: term[0] - term[1]):  # of nested terms the longest
        if start in starts and end in ends and not tags[starts[start] : ends[end] + 1].any():
            tags[starts[start] : ends[end] + 1] = INSIDE
            tags[starts[start]] = BEGIN
    return tags


def spans_of(places: Sequence[Span], tags: Sequence[int]) -> set[Span]:
    """The inverse of `tags_of`; an I that follows an O begins a term."""
    found: list[Span] = []
    before = OUTSIDE
    for (start, end), tag in zip(places, tags, strict=True):
        if tag == INSIDE and before != OUTSIDE:
            found[-1] = (found[-1][0], end)
        elif tag != OUTSIDE:
            found.append((start, end))
        before = tag
    return set(found)


class Tagger(nn.Module):
    """Features of tokens (B, T, F) -> scores of tags (B, T, 3), from the token and two neighbours on each side."""

    def __init__(self, features: int, *, width: int = WIDTH, dropout: float = 0.4) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.reduce = nn.Linear(features, width)
        self.around = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(2))
        self.score = nn.Linear(width, 3)
        self.steps = nn.Parameter(torch.zeros(3, 3))  # from a tag to the next

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        h = torch.relu(self.reduce(self.drop(x))) * mask[..., None]
        for layer in self.around:
            more = torch.relu(layer(self.drop(h).transpose(1, 2)).transpose(1, 2))
            h = (h + more) * mask[..., None]
        return self.score(self.drop(h))


def _batches(
    sentences: Sentences, order: Sequence[int], size: int
) -> Iterator[tuple[list[int], Tensor, Tensor, Tensor]]:
    for at in range(0, len(order), size):
        rows = list(order[at : at + size])
        width = max(len(sentences.places[i]) for i in rows)
        x = torch.zeros(len(rows), width, sentences.features[0].shape[1])
        mask, tags = torch.zeros(len(rows), width), torch.zeros(len(rows), width, dtype=torch.long)
        for row, i in enumerate(rows):
            n = len(sentences.places[i])
            x[row, :n] = torch.from_numpy(sentences.features[i])
            mask[row, :n] = 1
            tags[row, :n] = torch.from_numpy(tags_of(sentences.places[i], sentences.terms[i]))
        yield rows, x, mask, tags


def _by_length(sentences: Sentences, order: np.ndarray, *, group: int = 640) -> list[int]:
    """The order, with each group of so many sorted by length: a batch is as long as its longest sentence."""
    groups = (order[at : at + group] for at in range(0, len(order), group))
    return [i for its in groups for i in sorted(its, key=lambda i: len(sentences.places[i]))]


@torch.no_grad()
def predict(tagger: Tagger, sentences: Sentences) -> list[set[Span]]:
    """-> the terms found in each sentence (N)"""
    tagger.eval()
    found: list[set[Span]] = [set() for _ in sentences.texts]
    for rows, x, mask, _ in _batches(sentences, range(len(sentences.texts)), 64):
        paths = best_paths(tagger(x, mask), mask, tagger.steps)
        for i, path in zip(rows, paths, strict=True):
            found[i] = spans_of(sentences.places[i], path)
    return found


def f1(found: Sequence[set[Span]], terms: Sequence[set[Span]]) -> float:
    """Micro-F1 of exactly equal spans, in [0, 1]; 0 where there are neither."""
    right = sum(len(a & b) for a, b in zip(found, terms, strict=True))
    return 2 * right / max(sum(map(len, found)) + sum(map(len, terms)), 1)


def train(sentences: Sentences, *, epochs: int = 15, patience: int = 3, seed: int = 0) -> Tagger:
    """The tagger of the epoch that did best on every tenth sentence, which it does not learn from."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    rows = np.arange(len(sentences.texts))
    own, held = rows[rows % _HELD_OUT != 0], sentences.part(rows[rows % _HELD_OUT == 0])
    tagger = Tagger(sentences.features[0].shape[1])
    optimizer = torch.optim.AdamW(tagger.parameters(), lr=2e-3, weight_decay=0.01)
    best, kept, waited = -1.0, {}, 0
    for _ in range(epochs):
        tagger.train()
        for _, x, mask, tags in _batches(sentences, _by_length(sentences, rng.permutation(own)), 32):
            loss = negative_log_likelihood(tagger(x, mask), mask, tags, tagger.steps)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        reached = f1(predict(tagger, held), held.terms)
        waited = 0 if reached > best else waited + 1
        if not waited:
            best, kept = reached, {name: value.clone() for name, value in tagger.state_dict().items()}
        if waited == patience:
            break
    tagger.load_state_dict(kept)
    return tagger


def load_tagger(path: Path) -> Tagger:
    weights = load_file(path)
    tagger = Tagger(weights["reduce.weight"].shape[1], width=len(weights["reduce.weight"]))
    tagger.load_state_dict(weights)
    return tagger


@one_line
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    encoder = Predictor.load(str(args.model)).encoder
    tagger = train(read(terms_of(args.data_root, "train"), encoder), seed=args.seed)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tagger.state_dict(), args.out)
    print(json.dumps({"out": str(args.out), "bytes": args.out.stat().st_size}))


if __name__ == "__main__":
    main()
