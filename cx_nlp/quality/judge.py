"""One check's outcome: a value, what it was held against, and what that means."""

from dataclasses import asdict, dataclass

from cx_nlp.quality_config import Limits

ALL = "(all)"


@dataclass(frozen=True)
class Check:
    """A row of the table `quality` but for the run's own columns; `level` is ok | warn | stop | unknown."""

    source: str
    check: str
    value: float | None
    limit: float | None
    n: int | None
    level: str
    message: str

    @property
    def line(self) -> str:
        return f"{self.source}: {self.check}: {self.message}"

    @property
    def row(self) -> dict[str, object]:
        return asdict(self)


def judge(
    source: str, check: str, value: float, *, n: int, limits: Limits, says: str, below: bool = False, base: float = 0.0
) -> Check:
    """Hold a value against its limits; `stop` goes before `warn`.

    below: the value is wrong where it is too low. base: added to both limits, where they are meant as a rise above it.
    limit is the one that was crossed, else the nearest one (null if the config gives none).
    """
    crossed = None
    for level in ("stop", "warn"):
        bound = getattr(limits, level)
        if bound is not None and (value < base + bound if below else value > base + bound):
            crossed = level
            break
    nearest = limits.warn if limits.warn is not None else limits.stop
    bound = getattr(limits, crossed) if crossed else nearest
    limit = None if bound is None else base + bound
    if crossed:
        says += f", expected at {'least' if below else 'most'} {limit:.3g}"
    return Check(source, check, float(value), limit, int(n), crossed or "ok", says)


def unknown(source: str, check: str, *, n: int, says: str) -> Check:
    """Too few rows, or nothing to compare with."""
    return Check(source, check, None, None, int(n), "unknown", says)
