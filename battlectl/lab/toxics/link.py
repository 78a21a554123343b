"""One direction of one connection: the chain of stages between where bytes come in and where they leave.

Rule: data meet the oldest toxic first; a new one comes last. Whoever waits for room or for data waits in
one place and looks again after every move, so that stages can come and go in between. Adding, changing
and removing never wait for the client; when a stage is added or removed, the one before it is interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import trio

from battlectl.lab.toxics.chunks import CHUNK_BYTES, Budget, Chunk, Queue
from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Toxic


class Link:
    """Stages run in `nursery`. `entry_bytes` may wait before the first stage, as in a kernel's buffer."""

    def __init__(self, nursery: trio.Nursery, budget: Budget, random: Random, entry_bytes: int) -> None:
        self.stages: list[Stage] = []
        self._nursery = nursery
        self._budget = budget
        self._random = random
        self._moved = trio.lowlevel.ParkingLot()
        self._entry = self._exit = Queue(budget, most_bytes=entry_bytes)
        self._entry_bytes = entry_bytes
        self._feeding = 0
        self._is_closed = False

    # The bytes

    async def feed(self, data: bytes) -> None:
        """Take bytes in; raises trio.BrokenResourceError once a toxic has ended this direction."""
        with self.feeding():
            for start in range(0, len(data), CHUNK_BYTES):
                while not self._entry.has_room and not self.is_cut:
                    await self._moved.park()
                if self.is_cut:
                    raise trio.BrokenResourceError("this direction has ended")
                self._entry.put(Chunk(data[start : start + CHUNK_BYTES], trio.current_time()))
                self._moved.unpark_all()
        await trio.lowlevel.checkpoint()

    @contextmanager
    def feeding(self) -> Iterator[None]:
        """For whoever is going to feed: until then the link is not idle."""
        self._feeding += 1
        try:
            yield
        finally:
            self._feeding -= 1
            self._moved.unpark_all()

    def feed_end(self) -> None:
        """No more bytes come in."""
        self._entry.is_ended = True
        self._moved.unpark_all()

    async def take(self) -> bytes | None:
        """The next bytes, nothing at the end, or None when no toxic is left and everything has passed."""
        while not self._exit.chunks:
            if self._exit.is_ended:
                return b""
            if self.is_idle:
                return None
            await self._moved.park()
        chunk = self._exit.pop()
        self._moved.unpark_all()
        return chunk.data

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in it and nothing can come: no stage, no chunk, nobody who feeds."""
        return not self.stages and not self._feeding and not self._entry.chunks and not self._entry.is_ended

    @property
    def is_cut(self) -> bool:
        """Whether a toxic has ended it, or nobody takes from it any more."""
        return self._is_closed or any(stage.is_cut for stage in self.stages)

    def close(self) -> None:
        """Nothing leaves any more: throw away what is held, and let nobody wait to feed."""
        self._is_closed = True
        self._exit.clear()
        for stage in self.stages:
            stage.source.clear()
        self._moved.unpark_all()

    # The toxics

    def add(self, toxic: Toxic) -> None:
        """Put a toxic behind all others."""
        source, self._exit = self._exit, Queue(self._budget)
        source.most_chunks = max(source.most_chunks, toxic.kind.most_waiting)
        stage = Stage(toxic, source, self._exit, self._moved, self._random)
        if self.stages:
            self.stages[-1].interrupt()
        self.stages.append(stage)
        self._nursery.start_soon(stage.run)
        self._moved.unpark_all()

    def change(self, toxic: Toxic) -> None:
        """Make a toxic's new attributes and toxicity felt at once."""
        for stage in self.stages:
            if stage.toxic is toxic:
                stage.interrupt()

    def remove(self, toxic: Toxic) -> Stage | None:
        """Take a toxic away; a stage that cannot be stopped any more is given back, and stays."""
        index = next((at for at, stage in enumerate(self.stages) if stage.toxic is toxic), None)
        if index is None or self.stages[index].finished.is_set():
            return None
        stage = self.stages[index]
        if stage.is_doomed:
            return stage
        if toxic.kind.closes_when_removed:
            stage.interrupt()
            stage.finish()
            return None
        del self.stages[index]
        stage.remove()
        if index:
            self.stages[index - 1].target = stage.target
            self.stages[index - 1].interrupt()
        else:
            self._entry = stage.target
            self._entry.most_bytes = self._entry_bytes
        self._moved.unpark_all()
        return None
