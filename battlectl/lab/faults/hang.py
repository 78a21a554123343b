"""`hang`: requests are read and not answered, as by a process that was stopped (a black hole)."""

from __future__ import annotations

from random import Random

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.kind import Kind, OnRequests


class Hang(Effect):
    """What waited is answered when the fault is healed, as by a process that was resumed."""

    def __init__(self, parameters: OnRequests, random: Random) -> None:
        super().__init__()

    async def hold(self, message: Message) -> None:
        """Until healed."""
        await self.healed.wait()


KIND = Kind(
    name="hang",
    layer="network",
    what="accepts, reads, and answers only once it is healed",
    expect="bounded by the deadline; the breaker opens after a few",
    parameters=OnRequests,
    make=Hang,
)
