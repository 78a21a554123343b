"""`latency`: every chunk leaves late by a fixed time, give or take.

Rule: a chunk leaves `latency` after it was received, so chunks that follow each other closely stay close;
their order is kept. Less than no delay is none.
"""

from __future__ import annotations

import trio

from battlectl.lab.toxics.chunks import Chunk
from battlectl.lab.toxics.stage import Stage
from battlectl.lab.toxics.toxic import Attributes, ToxicKind


class Latency(Attributes, frozen=True, kw_only=True):
    """Milliseconds; `jitter` is the most by which a delay is shorter or longer, evenly spread."""

    latency: int = 0
    jitter: int = 0


async def delay(stage: Stage) -> None:
    """Hold each chunk until it is due."""
    due = 0.0
    while (chunk := await stage.receive()) is not None:
        due = max(due, chunk.time + _delay_seconds(stage))
        await trio.sleep_until(due)
        await stage.send(Chunk(chunk.data, due))


def _delay_seconds(stage: Stage) -> float:
    attributes = stage.toxic.attributes
    assert isinstance(attributes, Latency)
    jitter = max(attributes.jitter, 0)
    return max(attributes.latency + stage.random.uniform(-jitter, jitter), 0) / 1000


KIND = ToxicKind("latency", "each chunk leaves late", Latency, delay, most_waiting=1024)
