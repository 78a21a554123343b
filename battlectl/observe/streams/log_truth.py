"""Which logs a filter has in which block, as `eth_getLogs` by block hash says on the second path.

Rule: the logs of a block are known when they were asked for by its hash, also when there are none; a block
that was not asked for is unknown, and nothing is held against a stream there.
"""

from __future__ import annotations

from collections.abc import Iterable

from battlectl.observe.streams.truth import Truth


class LogTruth:
    """One filter's, for all streams that have it. Mutable: it grows, and forgets beyond `window` blocks."""

    def __init__(self, truth: Truth, window: int = 2048) -> None:
        self.truth = truth
        self._window = window
        self._logs: dict[str, tuple[int, ...]] = {}

    def see(self, block_hash: str, indices: Iterable[int]) -> None:
        """The block with this hash has logs with these indices, and no others."""
        self._logs[block_hash] = tuple(sorted(set(indices)))
        if len(self._logs) > self._window:
            del self._logs[next(iter(self._logs))]

    def of(self, block_hash: str) -> tuple[int, ...] | None:
        """The indices of its logs, ascending; None when they are not known."""
        return self._logs.get(block_hash)

    def wanted(self, most: int = 64) -> list[str]:
        """The newest announced blocks whose logs are not known: to be asked for."""
        head = self.truth.head
        ranks = range(head.rank, head.rank - most, -1) if head is not None else ()
        hashes = dict.fromkeys(self.truth.at(rank).hash for rank in ranks if self.truth.has(rank))
        return [one for one in hashes if one not in self._logs]
