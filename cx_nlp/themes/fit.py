"""`cx-nlp themes fit`: a file of labelled comments in, a folder of fitted themes out.

The folder holds no comment: weights, thresholds, figures, and the words, pairs of words and runs of characters that at
least three comments share. The same file, model and engine give the same bytes.
"""

import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cx_nlp import progress
from cx_nlp.clean import CLEAN_VERSION, clean_text
from cx_nlp.errors import SourceError, UnknownName, UsageError
from cx_nlp.evaluate_themes import themes_report
from cx_nlp.labelled import read_columns
from cx_nlp.language import text_status
from cx_nlp.schema import ScoreStatus
from cx_nlp.score.engines import AUTO
from cx_nlp.score.model import file_digest
from cx_nlp.score.predict import Predictor
from cx_nlp.themes import learning
from cx_nlp.themes.fitted import FIT_FORMAT, SETTINGS, WEIGHTS, encoder_of, theme_ids

SEED = 20260101  # of folds and intervals: the same file gives the same bytes
MIN_TEXTS = 20  # below, no figure would mean anything
MIN_LABEL = 5  # different texts with a label, and without it
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Labelled:
    """Comments that can be learned from. texts: cleaned (N); truth: bool (N, L); left_out: label -> its different texts."""

    texts: list[str]
    labels: tuple[str, ...]
    truth: np.ndarray
    groups: np.ndarray  # (N,) rows of one text, but for case, have one number
    left_out: dict[str, int]
    unread: int  # rows that are no text of a language that the model reads


def fit_file(
    path: Path,
    *,
    name: str,
    output: Path,
    model: str = "minilm-cx",
    engine: str = AUTO,
    threads: int = 0,
    known: Mapping[str, str] | None = None,
    owners: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Learn the labels of a CSV, JSONL or Parquet file (columns text and labels, joined by |) -> report as of `evaluate`.

    The figures are cross-validated: of comments that their fit has not seen. known: owners of a taxonomy's
    themes, for labels that are their ids; owners: label -> owner, which must be labels. Raises UsageError for a wrong name or owner, SourceError for a file that
    cannot be read or learned from, ModelError for the model; nothing is written then.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--name {name[:60]!r}: expected letters, digits, '.', '_' or '-', beginning with a letter or digit"
        )
    if output.exists() and not (output.is_dir() and ((output / SETTINGS).exists() or not any(output.iterdir()))):
        raise UsageError(f"--output {output} is there and was not written by cx-nlp themes fit")
    values, _ = read_columns(path, ("text", "labels"))
    predictor = Predictor.load(model, engine=engine, threads=threads)
    data = usable(values["text"], values["labels"], languages=predictor.model.languages, where=str(path))
    for label in owners or {}:
        if label not in data.labels:
            raise UnknownName("label with an owner", label, data.labels)
    owner_of = {label: (known or {}).get(label) for label in data.labels} | dict(owners or {})
    documents = document_means(predictor, data.texts)
    with progress.bar("fitting", total=learning.STEPS * len(data.texts)) as step:
        learned, said = learn(data, documents, step=step)
    version = encoder_of(predictor.model)
    report = themes_report(
        said, data.truth, data.labels, rng=np.random.default_rng(SEED), groups=data.groups, model=f"{name} on {version}"
    )
    report["notes"] |= _notes(data)
    write(output, name, version, data, learned, owner_of, report)
    return report


def usable(texts: Sequence[str], cells: Sequence[str], *, languages: Sequence[str], where: str = "labels") -> Labelled:
    """Texts as read (N) and their labels joined by | -> what can be learned from.

    A label is one but for case and outer spaces, written as where it stands first; one with fewer than MIN_LABEL
    different texts, or fewer than that without it, is left out. Raises SourceError where nothing is left.
    """
    cleaned = [clean_text(text) for text in texts]
    read = [text_status(text, default=languages[0], supported=languages)[0] == ScoreStatus.SCORED for text in cleaned]
    kept = [i for i, is_read in enumerate(read) if is_read]
    written: dict[str, str] = {}
    sets: list[set[str]] = []
    for i in kept:
        parts = [" ".join(part.split()) for part in cells[i].split("|")]
        sets.append({written.setdefault(part.casefold(), part) for part in parts if part})
    texts = [cleaned[i] for i in kept]
    _, groups = np.unique([text.casefold() for text in texts], return_inverse=True)
    different = len(set(groups.tolist()))
    if different < MIN_TEXTS:
        unread = (
            f", {len(cleaned) - len(kept)} rows are not {' or '.join(languages)}" if len(kept) < len(cleaned) else ""
        )
        raise SourceError(f"{where}: {different} different texts{unread}, expected at least {MIN_TEXTS}")
    if not written:
        raise SourceError(f"{where}: no row has a label, expected names joined by | in the column labels")
    labels, left_out = [], {}
    for label in sorted(written.values()):
        its = len({int(group) for group, its in zip(groups, sets, strict=True) if label in its})
        if its >= MIN_LABEL and different - its >= MIN_LABEL:
            labels.append(label)
        else:
            left_out[label] = its
    if not labels:
        raise SourceError(
            f"{where}: none of {len(left_out)} labels has {MIN_LABEL} different texts with it and as many without, "
            f"the most frequent one has {max(left_out.values())} of {different}"
        )
    ids = theme_ids("x", labels)
    for i, one in enumerate(ids):
        if one in ids[:i]:
            raise SourceError(
                f"{where}: labels {labels[ids.index(one)]!r} and {labels[i]!r} would give the same theme id"
            )
    truth = np.array([[label in its for label in labels] for its in sets])
    return Labelled(texts, tuple(labels), truth, groups, left_out, len(cleaned) - len(kept))


def learn(
    data: Labelled, documents: np.ndarray, *, step: Callable[[int], None] | None = None
) -> tuple[learning.Learned, np.ndarray]:
    """-> the fit of all rows, and what fits that had not seen a row say of it, bool (N, L)."""
    from threadpoolctl import threadpool_limits

    # Sums on several threads are added in another order each time.
    with threadpool_limits(1):
        rest = (data.texts, documents, data.truth, data.groups)
        said = learning.out_of_fold(*rest, rng=np.random.default_rng(SEED), step=step)
        return learning.learn(*rest, rng=np.random.default_rng(SEED), step=step), said


def document_means(predictor: Predictor, texts: Sequence[str]) -> np.ndarray:
    """texts (N) -> (N, H), each text read once, in order of length so that the rows' order changes nothing."""
    unique = sorted(set(texts), key=lambda text: (len(text), text))
    place = {text: i for i, text in enumerate(unique)}
    return predictor.document_means(unique)[[place[text] for text in texts]]


def _notes(data: Labelled) -> dict[str, str]:
    notes = {"cross-validation": f"figures are of comments that their fit has not seen, {learning.FOLDS} folds"}
    if data.left_out:
        listed = ", ".join(f"{label} ({count})" for label, count in data.left_out.items())
        notes["left out"] = f"fewer than {MIN_LABEL} different texts with the label, or without it: {listed}"
    if data.unread:
        notes["unread"] = f"{data.unread:,} rows left out: no text in a language that the model reads"
    return notes


def write(
    output: Path,
    name: str,
    version: str,
    data: Labelled,
    learned: learning.Learned,
    owners: Mapping[str, str | None],
    report: Mapping[str, Any],
) -> None:
    """The folder, whole or not at all: the weights go first, and settings without their weights are refused."""
    from safetensors.numpy import save

    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fit-", dir=output) as scratch:
        weights, settings = Path(scratch) / WEIGHTS, Path(scratch) / SETTINGS
        # `save_file` would make it readable by its owner alone; whoever runs the night must read it too.
        weights.write_bytes(save({key: np.ascontiguousarray(value) for key, value in sorted(learned.weights.items())}))
        held = {
            "format": FIT_FORMAT,
            "name": name,
            "model": version,
            "clean_version": CLEAN_VERSION,
            "rows": len(data.texts),
            "labels": list(data.labels),
            "rows_by_label": dict(zip(data.labels, data.truth.sum(axis=0).tolist(), strict=True)),
            "owners": {label: owner for label, owner in owners.items() if owner},
            "thresholds": dict(zip(data.labels, learned.thresholds.tolist(), strict=True)),
            "left_out": data.left_out,
            "cross_validated": dict(report),
            "sha256": file_digest(weights),
            "grams": {kind: list(grams) for kind, grams in learned.grams.items()},
        }
        settings.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        for one in (weights, settings):
            one.replace(output / one.name)
