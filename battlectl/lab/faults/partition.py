"""`partition`: nothing comes through, in or out, and nothing is closed."""

from __future__ import annotations

import math
from random import Random

from battlectl.lab.faults.effect import Document, Effect, Message, Place
from battlectl.lab.faults.kind import Kind, Parameters


class Partition(Effect):
    """A whole provider is cut off, or is not. Healed, it answers the HTTP requests that waited.

    A WebSocket that was open is cut then: events and frames were lost on it, which TCP never does.
    """

    def __init__(self, parameters: Parameters, random: Random) -> None:
        super().__init__()

    @property
    def accepts(self) -> bool:
        """Never: the kernel completes handshakes, and nobody takes the connections."""
        return False

    def idle_seconds(self, connection: int) -> float | None:
        """For ever: a server's goodbye would not get through either."""
        return math.inf

    def is_deaf(self, connection: int) -> bool:
        """Always."""
        return True

    async def hold(self, message: Message) -> None:
        """Until healed."""
        await self.healed.wait()

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """None gets through."""
        return []

    async def start(self, place: Place) -> None:
        """From now on no connection is taken."""
        place.refresh()

    async def stop(self, place: Place) -> None:
        """Connections that piled up in the kernel are taken."""
        place.close_websockets(None, lambda connection: True)
        place.refresh()


KIND = Kind(
    name="partition",
    layer="network",
    what="is cut off: takes no connection, and open ones fall silent",
    expect="fails fast and honestly when all providers are gone",
    parameters=Parameters,
    make=Partition,
)
