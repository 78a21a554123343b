"""What a target says that cannot be so.

Rule: one is made only of what is certain: what the client or a provider itself has counted, at the moments
between which the target counted, with everything that may have been under way allowed for.
"""

from __future__ import annotations

from dataclasses import dataclass

TOLERANCE = 0.02
"""Counters of many threads are put together loosely; no more than this."""
FEW = 5
ENOUGH = 20
"""Requests without which nothing is said."""
MAY_LAG = 3.0
"""Seconds: a page may be put together every few seconds, and counting may follow the answer."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One of them: what page said it, of which provider ("" for none), when that was clear, and by how much.

    `off` orders them: the part of what should have been said that was not.
    """

    kind: str
    source: str
    provider: str
    at: float
    words: str
    off: float


def slack(number: float) -> float:
    """How far off a count of that size may be."""
    return max(FEW, TOLERANCE * number)
