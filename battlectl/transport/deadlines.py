"""Which exchanges have run out of time.

Rule: the deadline of an exchange is looked at when it is the earliest left, so that answering in time costs
nothing but the entry; entries of ended exchanges are passed over.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count

from battlectl.transport.base import Exchange


class Deadlines:
    """A heap of exchanges by deadline (trio's clock). Mutable: it is a queue."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Exchange]] = []
        self._ticket = count()

    def add(self, exchange: Exchange) -> None:
        """Watch over one more."""
        heapq.heappush(self._heap, (exchange.deadline, next(self._ticket), exchange))

    def take_expired(self, now: float) -> Iterator[Exchange]:
        """Every unfinished exchange whose deadline has passed, the earliest first."""
        heap = self._heap
        while heap and (heap[0][2].done is not None or heap[0][0] <= now):
            exchange = heapq.heappop(heap)[2]
            if exchange.done is None:
                yield exchange

    def earliest(self, default: float) -> float:
        """The earliest deadline left, or the default when that is earlier or there is none."""
        return min(self._heap[0][0], default) if self._heap else default

    def unfinished(self) -> list[Exchange]:
        """Every exchange that has not ended, in order of deadline."""
        return [
            exchange for _, _, exchange in sorted(self._heap, key=lambda e: e[:2]) if exchange.done is None
        ]
