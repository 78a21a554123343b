"""`slicer`: chunks are cut into small pieces, with a pause after each.

Rule: a chunk is halved until no piece is longer than average plus variation, and each cut is moved by up
to the variation, but never so far that a piece is empty. With no size to cut to, chunks stay whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import trio

from battlectl.lab.toxics.chunks import Chunk
from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Attributes, ToxicKind


class Slicer(Attributes, frozen=True, kw_only=True):
    """Bytes, and microseconds of pause."""

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0


async def cut(stage: Stage) -> None:
    """Send the pieces of each chunk."""
    due = 0.0
    while (chunk := await stage.receive()) is not None:
        attributes = stage.toxic.attributes
        assert isinstance(attributes, Slicer)
        pause = max(attributes.delay, 0) / 1_000_000
        due = max(due, trio.current_time())
        sizes = attributes.average_size, attributes.size_variation
        for start, end in pieces(len(chunk.data), *sizes, stage.random):
            rest = Chunk(chunk.data[end:], chunk.time) if end < len(chunk.data) else None
            await stage.send(Chunk(chunk.data[start:end], chunk.time), rest)
            due = max(due + pause, trio.current_time())
            await trio.sleep_until(due)


def pieces(size: int, average: int, variation: int, random: Random) -> Iterator[tuple[int, int]]:
    """Where the pieces of `size` bytes begin and end, in order."""
    variation = max(variation, 0)
    most = average + variation
    if most < 1:
        yield 0, size
        return
    waiting = [(0, size)]
    while waiting:
        start, end = waiting.pop()
        if end - start <= most:
            yield start, end
            continue
        middle = start + (end - start) // 2 + (random.randrange(-variation, variation) if variation else 0)
        middle = min(max(middle, start + 1), end - 1)
        waiting += [(middle, end), (start, middle)]


KIND = ToxicKind("slicer", "data are cut into small pieces", Slicer, cut)
