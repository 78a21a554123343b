"""The chain that all providers of a lab share, and the pool: the one place where they change.

Rule: the chain itself is a pure value; here is only which one is current, by which clock, who has to be told
that there is more to see, and where a branch began that others may follow: those who ask for one of the same
depth and salt, each within one block of the one before, are given the same. Who asks again is given another,
for it is another reorg. Nobody needs to run it: what waits for blocks waits for their time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import trio

from battlectl.lab.chain.chain import Chain, View, fork_chain, view_at
from battlectl.lab.rpc.pool import Pool

SHORTEST_WAIT = 0.001
TOGETHER = 1  # blocks: what is done to several providers at once may fall on both sides of a block's time


class Branch(NamedTuple):
    """Its first block, the providers that have asked for it, and the head when the last of them did."""

    start: int
    asked_by: frozenset[object]
    head: int


class SharedChain:
    """`clock` gives Unix time in seconds. Watchers are called when the chain or a view has changed."""

    def __init__(self, chain: Chain, clock: Callable[[], float] = time.time) -> None:
        self.chain = chain
        self.pool = Pool()
        self._clock = clock
        self._reorgs = 0
        self._branches: dict[tuple[int, int], Branch] = {}
        self._watchers: set[Callable[[], None]] = set()

    def view(self) -> View:
        """What an up-to-date provider shows now."""
        return view_at(self.chain, self._clock())

    def reorg(self, depth: int) -> range:
        """Replace the newest `depth` blocks, genesis apart; returns their numbers."""
        if depth < 1:
            raise ValueError(f"a reorg replaces at least one block, not {depth}")
        head = self.view().head
        start = max(1, head - depth + 1)
        self._reorgs += 1
        self.chain = fork_chain(self.chain, start, self._reorgs)
        self.look_again()
        return range(start, head + 1)

    def fork_start(self, depth: int, salt: int, asked_by: object) -> int:
        """The first block of a branch that replaces the newest `depth` for one provider; see the rule."""
        head = self.view().head
        recent = {key: one for key, one in self._branches.items() if head - one.head <= TOGETHER}
        found = recent.get((depth, salt))
        if found is None or asked_by in found.asked_by:
            found = Branch(max(1, head - depth + 1), frozenset(), head)
        recent[depth, salt] = Branch(found.start, found.asked_by | {asked_by}, head)
        self._branches = recent
        return found.start

    def look_again(self) -> None:
        """Tell all who watch that there may be something new to see."""
        for watcher in list(self._watchers):
            watcher()

    @contextmanager
    def watch(self, watcher: Callable[[], None]) -> Iterator[None]:
        """Call `watcher` at changes for the length of the block."""
        self._watchers.add(watcher)
        try:
            yield
        finally:
            self._watchers.discard(watcher)

    def next_block_at(self) -> float:
        """When the next block is due, on trio's clock."""
        chain, head = self.chain, self.view().head
        until = chain.genesis_time + (head + 1) * chain.block_time - self._clock()
        return trio.current_time() + max(until, SHORTEST_WAIT)
