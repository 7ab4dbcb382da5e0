"""Who answers: customers with a segment, a language and a habit of rating; employees; leaders."""

from dataclasses import dataclass

import numpy as np

from cx_nlp.sample import world
from cx_nlp.sample.world import Draws

_PIECES_A_CUSTOMER = 1.6
_PIECES_AN_EMPLOYEE = 2.5
N_LEADERS = 24


@dataclass(frozen=True)
class People:
    """Pools of C customers, E employees and L leaders."""

    segment: np.ndarray  # (C,) index into world.SEGMENTS
    language: np.ndarray  # (C,) index into world.LANGUAGES
    may_quote: np.ndarray  # (C,) 0 no, 1 yes, 2 never asked
    may_contact: np.ndarray  # (C,)
    habit: dict[str, np.ndarray]  # role: quantile at which this person tends to rate

    def pick(self, role: str, draws: np.ndarray) -> np.ndarray:
        """Indices into a pool; some people answer more often than others."""
        return (len(self.habit[role]) * draws**1.3).astype(int)


def make_people(seed: int, rows: int) -> People:
    """Pools fit for some `rows` pieces of feedback, never empty."""
    draws = Draws(seed)
    customers = max(1, round(rows / _PIECES_A_CUSTOMER))
    staff = rows * world.SOURCES["voice"] * (1 - world.LEADERS)
    sizes = {"customer": customers, "employee": max(8, round(staff / _PIECES_AN_EMPLOYEE)), "leader": N_LEADERS}
    consent = (0.35, 0.45, 0.2)
    return People(
        segment=world.choose(world.SEGMENTS, draws.uniform("segment", customers)),
        language=world.choose(world.LANGUAGES, draws.uniform("language", customers)),
        may_quote=world.choose(consent, draws.uniform("may quote", customers)),
        may_contact=world.choose(consent, draws.uniform("may contact", customers)),
        habit={role: draws.uniform(f"habit of {role}", size) for role, size in sizes.items()},
    )


def person_ids(role: str, people: np.ndarray) -> list[str]:
    """Numbers as a shop or a staff register gives them; the same person has the same in every source."""
    letter, width, stride = {"customer": ("C", 7, 7_368_787), "employee": ("E", 5, 7_919), "leader": ("L", 2, 7)}[role]
    # Strides are coprime to the powers of ten, so that no two people share a number.
    return [f"{letter}-{(person * stride + 1009) % 10**width:0{width}}" for person in people]
