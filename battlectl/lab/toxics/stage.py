"""One toxic at work on one direction of one connection.

Rule: a stage holds at most one chunk (or its parts) in its hand beside the queue before it. It can be
interrupted at any time, and then what it held leaves at once: changing a toxic loses nothing.
Whether the toxic touches this connection is drawn whenever the stage begins or has been interrupted.
"""

from __future__ import annotations

from random import Random

import trio

from battlectl.lab.toxics.chunks import Chunk, Queue
from battlectl.lab.toxics.toxic import Toxic


class Stage:
    """Takes chunks from `source` and hands them to `target`; both change as toxics come and go around it.

    `moved` is the link's: everybody who waits for a queue waits there. `passed` counts bytes handed on.
    """

    def __init__(
        self, toxic: Toxic, source: Queue, target: Queue, moved: trio.lowlevel.ParkingLot, random: Random
    ) -> None:
        self.toxic = toxic
        self.source = source
        self.target = target
        self.finished = trio.Event()
        self.passed = 0
        self.is_doomed = False
        self.is_cut = False
        self.random = random
        self._moved = moved
        self._hand: list[Chunk] = []
        self._scope = trio.CancelScope()
        self._is_removed = False

    # What a toxic does

    async def receive(self) -> Chunk | None:
        """The next chunk, or None when no more come; the one before must have been sent or dropped."""
        while not self.source.chunks:
            if self.source.is_ended:
                return None
            await self._moved.park()
        chunk = self.source.pop()
        self._hand = [chunk]
        self._moved.unpark_all()
        return chunk

    async def send(self, chunk: Chunk, rest: Chunk | None = None) -> None:
        """Hand a chunk on as soon as there is room; `rest` is what stays in the hand."""
        self._hand = [chunk, rest] if rest else [chunk]
        while self._is_removed or not self.target.has_room:
            await self._moved.park()
        self.target.put(self._hand.pop(0))
        self.passed += len(chunk.data)
        self._moved.unpark_all()

    def drop(self) -> None:
        """Lose what is in the hand."""
        self._hand = []

    async def doom(self, seconds: float) -> None:
        """Sleep with no way to be interrupted: the connection is going to end."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self.is_doomed = True
        self.drop()
        await trio.sleep(seconds)

    # Its life

    async def run(self) -> None:
        """Work until the chunks end, the toxic ends them, or the stage is removed."""
        while not (self.finished.is_set() or self._is_removed):
            with trio.CancelScope() as self._scope:
                await self._work()
                self.finish()

    async def _work(self) -> None:
        while self._hand:
            await self.send(*self._hand)
        if self.random.random() < self.toxic.toxicity:
            await self.toxic.kind.pipe(self)
        else:
            await pass_on(self)

    def interrupt(self) -> None:
        """Let go of what is held, and draw anew."""
        if not self.is_doomed:
            self._scope.cancel()

    def finish(self) -> None:
        """No more chunks come out of it, whatever comes in: a cut, unless its source had ended."""
        self.is_cut = bool(self.source.chunks) or not self.source.is_ended
        self.source.clear()
        self.target.is_ended = True
        self.finished.set()
        self._moved.unpark_all()

    def remove(self) -> None:
        """Out of the chain: what it held goes first into `target`, after that what waited before it."""
        self._is_removed = True
        self._scope.cancel()
        for chunk in self._hand:
            self.target.put(chunk)
        self.drop()
        while self.source.chunks:
            self.target.put(self.source.pop())
        self.target.is_ended |= self.source.is_ended
        self._moved.unpark_all()


async def pass_on(stage: Stage) -> None:
    """Chunks pass untouched."""
    while (chunk := await stage.receive()) is not None:
        await stage.send(chunk)
