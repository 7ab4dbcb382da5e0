"""Which checkpoints stand in for which heads, by language."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from cx_nlp.score.checkpoint import Checkpoint
from cx_nlp.score.model import Calibration
from cx_nlp.score.replacement import Replacement


@dataclass(frozen=True)
class Pair:
    """The checkpoints that read one language; None where the shared head does, if it can."""

    sentiment: Checkpoint | None = None
    emotion: Checkpoint | None = None

    def calibrated(self, shared: Calibration) -> Calibration:
        """Thresholds were set on dev for the shared heads: a checkpoint comes with its own."""
        if self.sentiment:
            own = self.sentiment.replacement
            shared = dataclasses.replace(shared, uncertain_below=own.uncertain_below, mixed_above=own.mixed_above)
        if self.emotion:
            shared = dataclasses.replace(shared, emotion_thresholds=self.emotion.replacement.thresholds)
        return shared

    @property
    def versions(self) -> dict[str, str]:
        """head -> `name@digest`, of those that are there."""
        pair = {"sentiment": self.sentiment, "emotion": self.emotion}
        return {head: checkpoint.version for head, checkpoint in pair.items() if checkpoint}


class Replaced:
    """Raises ModelError or UsageError, one line, for a checkpoint that cannot be had or does not fit."""

    def __init__(self, replacements: Sequence[Replacement] = (), *, threads: int = 0) -> None:
        by_language: dict[str | None, dict[str, Checkpoint]] = {}
        for one in replacements:
            by_language.setdefault(one.language, {})[one.head] = Checkpoint(one, threads=threads)
        self._shared = Pair(**by_language.pop(None, {}))
        self._own = {str(language): Pair(**pair) for language, pair in by_language.items()}

    @property
    def languages(self) -> dict[str, Pair]:
        """Those with checkpoints of their own, in order."""
        return dict(sorted(self._own.items()))

    def of(self, language: str | None, *, is_shared: bool) -> Pair:
        """is_shared: the shared model reads this language; what stands in for its heads stands in here too."""
        own = self._own.get(language or "", Pair())
        if not is_shared:
            return own
        return Pair(own.sentiment or self._shared.sentiment, own.emotion or self._shared.emotion)
