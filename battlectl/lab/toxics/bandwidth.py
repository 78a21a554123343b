"""`bandwidth`: a direction passes at most so many bytes a second.

Rule: when a piece leaves is computed from when the one before was due, so the rate does not drift; what a
slow reader held up is not made good by a burst of more than PIECE_SECONDS. No rate, or less: nothing passes.
"""

from __future__ import annotations

import trio

from battlectl.lab.toxics.chunks import Chunk
from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Attributes, ToxicKind

PIECE_SECONDS = 0.1


class Bandwidth(Attributes, frozen=True, kw_only=True):
    """`rate` in KB/s, of 1000 bytes."""

    rate: int = 0


async def throttle(stage: Stage) -> None:
    """Send pieces of a tenth of a second each."""
    due = 0.0
    while (chunk := await stage.receive()) is not None:
        due = max(due, chunk.time)
        rest: Chunk | None = chunk
        while rest is not None:
            rate = await _bytes_per_second(stage)
            most = max(int(rate * PIECE_SECONDS), 1)
            piece, beyond = rest.data[:most], rest.data[most:]
            due += len(piece) / rate
            await trio.sleep_until(due)
            rest = Chunk(beyond, chunk.time) if beyond else None
            await stage.send(Chunk(piece, due), rest)
            due = max(due, trio.current_time() - PIECE_SECONDS)


async def _bytes_per_second(stage: Stage) -> int:
    attributes = stage.toxic.attributes
    assert isinstance(attributes, Bandwidth)
    if attributes.rate <= 0:
        await trio.sleep_forever()
    return attributes.rate * 1000


KIND = ToxicKind("bandwidth", "a direction has a highest rate", Bandwidth, throttle)
