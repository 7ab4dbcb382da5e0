"""How often emerging themes are called where nothing grows, and how often where something does, by simulation.

    python -m models.recipes.benchmark_emerging

Each night has 40 themes, named by 0.5 % to 30 % of a week's customers, and eight weeks before it. Shares differ between
weeks in three ways: not at all; by an intra-class correlation rho, new each week; or by a walk of the log-odds, which
no week before foretells. Where nothing is planted, every call is a false alarm; else one theme grows in the last week.
"""

import argparse
import json
from collections.abc import Callable, Iterator

import numpy as np

from cx_nlp.intervals import wilson
from cx_nlp.themes.emerging import WEEKS, growths
from models.recipes.figures import Figure, figure

THEMES = 40
SEED = 20260101
Weeks = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # shares (T,) -> shares by week (T, WEEKS + 1)


def steady(share: np.ndarray, _rng: np.random.Generator) -> np.ndarray:
    return np.repeat(share[:, None], WEEKS + 1, axis=1)


def scattered(rho: float) -> Weeks:
    def weeks(share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        precision = 1 / rho - 1
        a = np.repeat((share * precision)[:, None], WEEKS + 1, axis=1)
        return rng.beta(a, precision - a)

    return weeks


def walking(step: float) -> Weeks:
    def weeks(share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        odds = (
            np.log(share / (1 - share))[:, None] + rng.normal(0, step, (len(share), WEEKS + 1)).cumsum(axis=1)[:, ::-1]
        )
        return 1 / (1 + np.exp(-odds))

    return weeks


WAYS: dict[str, Weeks] = {
    "steady": steady, "rho 0.002": scattered(0.002), "rho 0.01": scattered(0.01), "walk 0.1": walking(0.1),
}  # fmt: skip
CUSTOMERS = (60, 300, 2000)  # a week
PLANTED = [(share, factor) for share in (0.01, 0.05) for factor in (2.0, 3.0)]


def night(
    customers: int, weeks: Weeks, rng: np.random.Generator, planted: tuple[float, float] | None = None
) -> np.ndarray:
    """One night -> which themes are called emerging (T,); the first is the planted one (share, factor)."""
    share = np.exp(rng.uniform(np.log(0.005), np.log(0.3), THEMES))
    if planted:
        share[0] = planted[0]
    by_week = weeks(share, rng)
    if planted:
        by_week[0, 0] = min(by_week[0, 0] * planted[1], 0.95)
    n = np.maximum(rng.poisson(customers, WEEKS + 1), 1)
    x = rng.binomial(n, by_week)
    return growths(x[:, 0], n[0], x[:, 1:], n[1:].astype(float)).is_emerging


def share_of(hits: np.ndarray) -> Figure:
    return figure(float(hits.mean()), wilson(float(hits.mean()), len(hits)), len(hits))


def rates(nights: int, *, rng: np.random.Generator) -> Iterator[tuple[str, Figure]]:
    """-> name and figure: the share of nights with a false alarm, then the share in which what was planted is called."""
    for name, weeks in WAYS.items():
        for customers in CUSTOMERS:
            called = np.array([night(customers, weeks, rng).any() for _ in range(nights)])
            yield f"false alarm, {name}, {customers} customers", share_of(called)
    for way in ("steady", "rho 0.002"):
        for planted in PLANTED:
            for customers in CUSTOMERS:
                called = np.array([night(customers, WAYS[way], rng, planted)[0] for _ in range(nights // 4)])
                yield f"found, {planted[0]:.0%} grows x {planted[1]:g}, {way}, {customers} customers", share_of(called)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = {}
    for name, one in rates(args.nights, rng=np.random.default_rng(SEED)):
        found[name] = one
        if not args.json:
            print(f"{name:<55} {one['value']:.3f} [{one['ci'][0]:.3f}, {one['ci'][1]:.3f}], n {one['n']}", flush=True)
    if args.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
