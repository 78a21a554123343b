"""Watching the provider whose heads are followed: when is another one to be tried?

Rule: a provider is replaced when others have a head that it has not sent although it had the time for
it (`stalled`), or when the head it sends lies more than LAG_LIMIT blocks behind theirs twice in a row
(`lagging`). A chain on which nothing happens is nobody's fault. Times are handed in, in seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from battlectl.lab.gateway.ws.block import Block, timestamp_of

UNKNOWN_BLOCK_TIME = 12.0
SAMPLE_BLOCKS = 64
LAG_LIMIT = 2
LAG_SIGHTINGS = 2


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds: how often to look at the others' heads, and how long a provider may be silent."""

    look: float
    stall: float


def patience_for(block_time: float, stall_after: float | None = None) -> Patience:
    """Three blocks of silence, unless it was set; a look each block, within reason."""
    stall = stall_after if stall_after is not None else min(60.0, max(1.0, 3 * block_time))
    return Patience(min(5.0, max(0.25, block_time), stall), stall)


class BlockTime:
    """Mutable: the chain's pace as its own timestamps tell it, for they survive stalls and back-fills."""

    def __init__(self) -> None:
        self._sample: deque[tuple[int, int]] = deque(maxlen=SAMPLE_BLOCKS)

    def saw(self, block: Block) -> None:
        """A block of the chain; of a reorg, what it replaces is forgotten."""
        moment = timestamp_of(block)
        while self._sample and self._sample[-1][0] >= block.number:
            self._sample.pop()
        if moment is not None:
            self._sample.append((block.number, moment))

    @property
    def seconds(self) -> float:
        """Between blocks, on average; UNKNOWN_BLOCK_TIME as long as nothing can be said."""
        if len(self._sample) < 2:
            return UNKNOWN_BLOCK_TIME
        (first, begun), (last, ended) = self._sample[0], self._sample[-1]
        return max(0.0, (ended - begun) / (last - first))


@dataclass(slots=True)
class Vigil:
    """Mutable: what is known of the provider followed since `heard`, the time it was taken on."""

    heard: float
    head: int | None = None
    behind: int = 0

    def hears(self, number: int, now: float) -> None:
        """A head came from the provider. One that it sent before is no sign of life."""
        if self.head is None or number != self.head:
            self.heard = now
        self.head = number

    def sees(self, best: int | None, now: float, patience: Patience) -> str | None:
        """Why the provider should be replaced, given the highest head that others have, or None."""
        if best is None or (self.head is not None and best <= self.head):
            self.behind = 0
            return None
        if now - self.heard > patience.stall:
            return "stalled"
        is_lagging = self.head is not None and best - self.head > LAG_LIMIT
        self.behind = self.behind + 1 if is_lagging else 0
        return "lagging" if self.behind >= LAG_SIGHTINGS else None
