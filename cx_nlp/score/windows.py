"""Texts longer than the encoder's window are read in overlapping windows, never cut.

Each token counts once: from the window in which it is most central.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """Content tokens [start, end) are read; of these [own_start, own_end) count."""

    start: int
    end: int
    own_start: int
    own_end: int


def windows(n_tokens: int, *, size: int, overlap: int) -> list[Window]:
    """n_tokens content tokens -> windows of at most `size` that overlap by at least `overlap`; [] for 0.

    The owned ranges follow one another without gap or overlap; between two windows the border lies in the
    middle of what both read. Raises ValueError unless 0 <= overlap < size.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"overlap {overlap} must lie in [0, {size})")
    if n_tokens == 0:
        return []
    starts = [0]
    while starts[-1] + size < n_tokens:
        # The last window is pushed back to end with the text, so that no token is read with little context.
        starts.append(min(starts[-1] + size - overlap, n_tokens - size))
    ends = [min(start + size, n_tokens) for start in starts]
    borders = [0, *((starts[i + 1] + ends[i]) // 2 for i in range(len(starts) - 1)), n_tokens]
    return [Window(starts[i], ends[i], borders[i], borders[i + 1]) for i in range(len(starts))]
