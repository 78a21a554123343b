"""Chunks of bytes on their way through a proxy, and the queues in which they wait.

Rule: what waits is bounded, by each queue's own measure and by one budget for the whole process: when that
is used up, every queue takes a single chunk at a time. Nothing is ever dropped for want of room.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

CHUNK_BYTES = 32 * 1024
BUDGET_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """At most CHUNK_BYTES; `time` (trio's clock) is when it was received, or left the toxic before."""

    data: bytes
    time: float


@dataclass(slots=True, eq=False)
class Budget:
    """The bytes that all queues together hold; a few chunks for each connection may come on top."""

    most: int = BUDGET_BYTES
    held: int = 0


@dataclass(slots=True, eq=False)
class Queue:
    """Has room for `most_chunks`, and beyond that for `most_bytes`."""

    budget: Budget
    most_chunks: int = 1
    most_bytes: int = 0
    chunks: deque[Chunk] = field(default_factory=deque)
    size: int = 0
    is_ended: bool = False

    @property
    def has_room(self) -> bool:
        """Whether the next chunk may come in."""
        if not self.chunks:
            return True
        if self.budget.held >= self.budget.most:
            return False
        return len(self.chunks) < self.most_chunks or self.size < self.most_bytes

    def put(self, chunk: Chunk) -> None:
        """Append one, whether there is room or not."""
        self.chunks.append(chunk)
        self._grow(len(chunk.data))

    def pop(self) -> Chunk:
        """The oldest."""
        chunk = self.chunks.popleft()
        self._grow(-len(chunk.data))
        return chunk

    def clear(self) -> None:
        """Throw away what waits."""
        self.chunks.clear()
        self._grow(-self.size)

    def _grow(self, size: int) -> None:
        self.size += size
        self.budget.held += size
