"""In which order a strategy would ask the providers, health apart.

Rule: a strategy is a function of what is known of the providers, of a turn that counts requests, and of a
seeded source of chance; it returns each of them once. Health reorders afterwards (selection.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from battlectl.lab.gateway.settings import Strategy

FASTEST_GUESS = 0.001  # seconds: what a provider that was never asked may be as fast as


class Standing(NamedTuple):
    """What a strategy may look at; `latency` in seconds is that of the method asked, None when not known."""

    id: str
    priority: int = 1
    tier: str = "free"
    in_flight: int = 0
    latency: float | None = None


Order = Callable[[Sequence[Standing], int, random.Random], list[Standing]]


def round_robin(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """Who comes first moves on by one with each turn."""
    start = turn % len(standings) if standings else 0
    return [*standings[start:], *standings[:start]]


def load_balanced(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """The fewest requests in flight first; in turn among equals."""
    return sorted(round_robin(standings, turn, chance), key=lambda standing: standing.in_flight)


def cheapest(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """The free ones first; in turn within a tier."""
    return sorted(round_robin(standings, turn, chance), key=lambda standing: standing.tier != "free")


def by_priority(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """The lowest number first; among equals in the order in which they were configured."""
    return sorted(standings, key=lambda standing: standing.priority)


def fastest(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """The lowest latency first; before all others those not known, in turn: asking is how one learns."""
    return sorted(
        round_robin(standings, turn, chance),
        key=lambda standing: -1.0 if standing.latency is None else standing.latency,
    )


def latency_weighted(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """Drawn without replacement, each with a weight of 1 / latency; those not known as the fastest known."""
    known = [standing.latency for standing in standings if standing.latency is not None]
    best = max(min(known, default=FASTEST_GUESS), FASTEST_GUESS)
    # Exponential clocks: the first to ring is drawn in proportion to its rate, and so is each that follows.
    rings = {
        standing.id: chance.expovariate(1.0)
        * (best if standing.latency is None else max(standing.latency, FASTEST_GUESS))
        for standing in standings
    }
    return sorted(standings, key=lambda standing: rings[standing.id])


STRATEGIES: dict[Strategy, Order] = {
    "fastest": fastest,
    "cheapest": cheapest,
    "priority": by_priority,
    "round-robin": round_robin,
    "load-balanced": load_balanced,
    "latency-weighted": latency_weighted,
}
