"""What a configuration says about a checkpoint that takes the place of a head, as plain, hashable values."""

from dataclasses import dataclass

from cx_nlp.labels import EMOTIONS, SENTIMENTS

TARGETS = {"sentiment": SENTIMENTS, "emotion": EMOTIONS}


def is_folder(model: str) -> bool:
    """A folder is written ./so, ../so, /so or ~/so; anything else is a name on the hub, whatever lies on the disk."""
    return model.startswith(("./", "../", "/", "~")) or model in (".", "..")


@dataclass(frozen=True)
class Replacement:
    """One head, for one language or (None) for those that the shared model reads.

    labels: (the checkpoint's label, ours); ours is None for one that is read and dropped. A label that is one of ours
    already may be left out. multi_label: True for independent probabilities (sigmoid), False for one distribution
    (softmax), None for what the checkpoint's own `problem_type` says. thresholds: by emotion, 0..1.
    """

    head: str  # sentiment | emotion
    model: str  # a folder or a name on the hub
    revision: str | None = None  # commit of a name on the hub
    language: str | None = None
    labels: tuple[tuple[str, str | None], ...] = ()
    multi_label: bool | None = None
    thresholds: tuple[float, ...] = (0.5,) * len(EMOTIONS)
    uncertain_below: float = 0.5
    mixed_above: float = 0.7

    @property
    def where(self) -> str:
        """Its place in the configuration."""
        return f"languages.{self.language}.{self.head}" if self.language else self.head

    def __str__(self) -> str:
        return f"{self.where}: {self.model}" + (f" at {self.revision}" if self.revision else "")
