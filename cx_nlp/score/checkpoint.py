"""A text-classification checkpoint in the place of a head: its labels become ours.

N texts, C outputs of the checkpoint, K labels of ours (3 sentiments, 28 emotions).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cx_nlp.errors import ModelError, UsageError
from cx_nlp.labels import EMOTIONS, UNEMOTIONAL
from cx_nlp.score import hub
from cx_nlp.score.heads import DECIMALS, sigmoid, softmax
from cx_nlp.score.replacement import TARGETS, Replacement, is_folder

if TYPE_CHECKING:
    from cx_nlp.score.classifier import Classifier

_MULTI_LABEL = {None: False, "single_label_classification": False, "multi_label_classification": True}


@dataclass(frozen=True)
class Reading:
    probabilities: np.ndarray  # (N, K); NaN for an emotion that the checkpoint does not know
    n_tokens: list[int]
    n_windows: list[int]


class Checkpoint:
    """Found, checked and its labels understood; weights are loaded when the first text is read.

    Raises ModelError for files that cannot be used, UsageError for labels that do not fit: one line each.
    """

    def __init__(self, replacement: Replacement, *, threads: int = 0) -> None:
        self.replacement = replacement
        self._threads = threads
        self.folder = hub.locate(replacement.model, replacement.revision)
        settings = hub.settings(self.folder)
        self.names = self._names(settings.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"})
        self.multi_label = self._is_multi_label(settings.get("problem_type"))
        self.targets = map_labels(self.names, replacement)

    def _names(self, named: Any) -> list[str]:
        numbers = [str(i) for i in range(len(named))] if isinstance(named, dict) else []
        if not numbers or set(numbers) != set(named):
            raise ModelError(f"{self.replacement}: config.json's id2label must map 0..n-1 to names")
        return [str(named[number]) for number in numbers]

    def _is_multi_label(self, problem: str | None) -> bool:
        where, given = self.replacement, self.replacement.multi_label
        if len(self.names) < 2 or (given is None and problem not in _MULTI_LABEL):
            raise ModelError(f"{where}: gives {len(self.names)} outputs for {problem}, expected a classifier of labels")
        found = _MULTI_LABEL[problem] if given is None else given
        if found and where.head == "sentiment":
            raise UsageError(
                f"{where}: is multi-label, a sentiment is one of three: multi_label: false reads a softmax"
            )
        return found

    @cached_property
    def version(self) -> str:
        """`name@` and the first 12 digits of the SHA-256 of its weights."""
        name = self.folder.resolve().name if is_folder(self.replacement.model) else self.replacement.model
        plain = re.sub(r"[|=@\s]", "_", name)  # what separates the heads in `model_version`
        return f"{plain}@{hub.digest(self.folder)[:12]}"

    @cached_property
    def _classifier(self) -> "Classifier":
        from cx_nlp.score.classifier import Classifier

        return Classifier(self.folder, threads=self._threads)

    def read(self, texts: Sequence[str]) -> Reading:
        """texts (N), in any order and repeated at will -> their probabilities; equal texts are read once."""
        # Sorted, so that a batch depends on the set of texts alone, not on their order.
        unique = sorted(set(texts))
        read = dict(zip(unique, self._classifier.read(unique), strict=True))
        logits = [read[text].logits for text in texts]
        if logits and len(logits[0]) != len(self.names):
            raise ModelError(
                f"{self.replacement}: gives {len(logits[0])} outputs, its config.json names {len(self.names)}"
            )
        return Reading(
            self.probabilities(np.array(logits).reshape(len(texts), len(self.names))),
            [read[text].n_tokens for text in texts],
            [read[text].n_windows for text in texts],
        )

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """(N, C) -> (N, K). Several labels that mean one of ours: their sum in a softmax, else the greatest."""
        p = sigmoid(logits) if self.multi_label else softmax(logits)  # (N, C)
        known = TARGETS[self.replacement.head]
        # A sentiment without neutral is never neutral; an emotion that was not asked for is unknown.
        out = np.full((len(logits), len(known)), 0.0 if self.replacement.head == "sentiment" else np.nan)
        for k in range(len(known)):
            columns = [at for at, target in enumerate(self.targets) if target == k]
            if columns:
                out[:, k] = p[:, columns].max(axis=1) if self.multi_label else p[:, columns].sum(axis=1)
        return out.round(DECIMALS)


def map_labels(names: Sequence[str], replacement: Replacement) -> list[int | None]:
    """The checkpoint's labels (C) -> index of ours for each, None for one to drop. Raises UsageError, one line."""
    known = TARGETS[replacement.head]
    # A checkpoint's own names come first: "1" may be the name of output 0.
    keys = {name.casefold(): at for at, name in reversed(list(enumerate(names)))}
    for at in range(len(names)):
        for key in (str(at), f"label_{at}"):
            keys.setdefault(key, at)
    said: dict[int, str | None] = {}
    for label, target in replacement.labels:
        place = keys.get(label.casefold())
        if place is None or place in said:
            problem = "names no label" if place is None else "names a label twice"
            raise UsageError(f"{replacement}: labels {problem}: {label!r}; the checkpoint's are {', '.join(names)}")
        said[place] = target
    unmapped = [name for at, name in enumerate(names) if at not in said and name.casefold() not in known]
    if unmapped:
        raise UsageError(
            f"{replacement}: labels do not say what {', '.join(unmapped)} mean{'s' if len(unmapped) == 1 else ''}; "
            f"the checkpoint's are {', '.join(names)}, ours {', '.join(known)}"
        )
    targets = [said.get(at, name.casefold()) for at, name in enumerate(names)]
    _check_cover(targets, replacement)
    return [None if target is None else known.index(target) for target in targets]


def _check_cover(targets: Sequence[str | None], replacement: Replacement) -> None:
    if replacement.head == "sentiment":
        missing = [name for name in ("negative", "positive") if name not in targets]
        if missing or None in targets:
            wrong = f"lack {' and '.join(missing)}" if missing else "drop one with null"
            raise UsageError(
                f"{replacement}: labels {wrong}: a sentiment is negative, neutral (may be absent) or positive"
            )
    elif not set(targets) & (set(EMOTIONS) - set(UNEMOTIONAL)):
        raise UsageError(f"{replacement}: labels cover no emotion that moves, such as joy or anger")
