"""Texts to span means: the only place where the transformer runs.

B windows, T tokens, H hidden size, S spans of one text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cx_nlp.errors import ModelError
from cx_nlp.score import engines
from cx_nlp.score.model import Model
from cx_nlp.score.windows import Window, windows

Span = tuple[int, int]  # code points of the text, half-open
_Place = tuple[int, int, int]  # tokens of a window, number of its text, number of the window


@dataclass
class _Reading:
    """One text on its way through the encoder."""

    ids: list[int]  # content tokens, without the frame
    token_spans: np.ndarray  # (S, 2) content-token ranges; row 0 is the whole text
    windows: list[Window]
    sums: np.ndarray  # (S, H) float64, filled window by window


@dataclass(frozen=True)
class SpanMeans:
    means: np.ndarray  # (1 + S, H) float32: the document, then each span; a span without a token gets the document's
    counts: np.ndarray  # (1 + S,) tokens of each; a span without a token counts as the document whose mean it gets
    n_windows: int

    @property
    def n_tokens(self) -> int:
        """Of the document, without the frame."""
        return int(self.counts[0])


class Encoder:
    """An ONNX encoder, loaded into an engine (see `cx_nlp.score.engines`), with its tokenizer."""

    def __init__(
        self, model: Model, *, threads: int = 0, engine: str = engines.AUTO, max_batch_tokens: int | None = None
    ) -> None:
        from tokenizers import Tokenizer

        self.model = model
        self._engine = engines.load(engine, model.folder / "encoder.onnx", threads=threads)
        self.max_batch_tokens = max_batch_tokens or self._engine.batch_tokens
        try:
            self._tokenizer = Tokenizer.from_file(str(model.folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises a bare Exception
            raise ModelError(f"{model.folder}: cannot be loaded: {' '.join(str(error).split())[:200]}") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._before, self._after = (self._id(token) for token in model.frame)

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ModelError(f"{self.model.folder / 'tokenizer.json'}: has no token {token}")
        return found

    @property
    def engine(self) -> str:
        """Library, version and precision: the column `engine`."""
        return self._engine.name

    def span_means(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> list[SpanMeans]:
        """texts (N), spans of each text -> N `SpanMeans`, in input order.

        Windows are read in order of length, in batches of `max_batch_tokens` with their padding. Memory grows with the
        number of spans (H floats each), not with the length of the texts.
        """
        readings = [self._prepare(text, its) for text, its in zip(texts, spans, strict=True)]
        queue = [(w.end - w.start, n, k) for n, reading in enumerate(readings) for k, w in enumerate(reading.windows)]
        queue.sort()
        batches = list(self._batches(queue))
        inputs = (self._padded(readings, batch) for batch in batches)
        for batch, hidden in zip(batches, self._engine.run(inputs), strict=True):
            self._add(readings, batch, hidden)
        return [self._finish(reading) for reading in readings]

    def _prepare(self, text: str, spans: Sequence[Span]) -> _Reading:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        offsets = np.asarray(encoded.offsets, dtype=np.int64).reshape(-1, 2)
        token_spans = np.zeros((1 + len(spans), 2), dtype=np.int64)
        token_spans[0] = 0, len(offsets)
        if spans and len(offsets):
            chars = np.asarray(spans, dtype=np.int64)
            # Tokens that overlap [start, end): the first that ends after start, up to the last that starts before end.
            token_spans[1:, 0] = np.searchsorted(offsets[:, 1], chars[:, 0], side="right")
            token_spans[1:, 1] = np.searchsorted(offsets[:, 0], chars[:, 1], side="left")
        size = self.model.window_tokens - 2
        parts = windows(len(encoded.ids), size=size, overlap=self.model.overlap_tokens)
        return _Reading(encoded.ids, token_spans, parts, np.zeros((len(token_spans), self.model.hidden)))

    def _batches(self, queue: list[_Place]) -> Iterator[list[_Place]]:
        at = 0
        while at < len(queue):
            # Sorted ascending: the last of a batch is its longest, so grow while rows x longest fits.
            end = at + 1
            while end < len(queue) and (end + 1 - at) * self._width(queue[end]) <= self.max_batch_tokens:
                end += 1
            yield queue[at:end]
            at = end

    def _width(self, place: _Place) -> int:
        step = self._engine.width_step
        # Never wider than a window: the encoder may know no further position.
        return min(-(-(place[0] + 2) // step) * step, self.model.window_tokens)

    def _height(self, rows: int, width: int) -> int:
        """Rows of a batch with those that only fill it: as many as fit, or a quarter of them."""
        if not self._engine.fills_rows:
            return rows
        full = max(1, self.max_batch_tokens // width)
        quarter = max(1, full // 4)
        return quarter if rows <= quarter else full

    def _padded(self, readings: list[_Reading], batch: list[_Place]) -> tuple[np.ndarray, np.ndarray]:
        """-> token ids and attention mask, both (B, T) int64; rows beyond the batch's are an empty text, read by nobody."""
        width = max(map(self._width, batch))
        ids = np.zeros((self._height(len(batch), width), width), dtype=np.int64)
        attention = np.zeros_like(ids)
        ids[len(batch) :, :2] = self._before, self._after
        attention[len(batch) :, :2] = 1
        for row, (length, n, k) in enumerate(batch):
            window = readings[n].windows[k]
            ids[row, : length + 2] = [self._before, *readings[n].ids[window.start : window.end], self._after]
            attention[row, : length + 2] = 1
        return ids, attention

    def _add(self, readings: list[_Reading], batch: list[_Place], hidden: np.ndarray) -> None:
        """hidden (B, T, H) -> the sums of the spans that the batch's windows hold."""
        for row, (_, n, k) in enumerate(batch):
            reading, window = readings[n], readings[n].windows[k]
            own = hidden[row, 1 + window.own_start - window.start : 1 + window.own_end - window.start]
            # Running sums in float64: any span's sum is one subtraction, however many spans there are.
            running = np.zeros((len(own) + 1, own.shape[1]))
            np.cumsum(own, axis=0, dtype=np.float64, out=running[1:])
            inside = np.clip(reading.token_spans, window.own_start, window.own_end) - window.own_start  # (S, 2)
            reading.sums += running[np.maximum(inside[:, 1], inside[:, 0])] - running[inside[:, 0]]

    def _finish(self, reading: _Reading) -> SpanMeans:
        counts = np.maximum(reading.token_spans[:, 1] - reading.token_spans[:, 0], 0)  # (S,)
        means = reading.sums / np.maximum(counts, 1)[:, None]
        means[counts == 0] = means[0]
        return SpanMeans(means.astype(np.float32), np.where(counts, counts, counts[0]), len(reading.windows))
