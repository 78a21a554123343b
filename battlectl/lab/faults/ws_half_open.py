"""`ws_half_open`: a WebSocket whose other end is gone without a word: no events, no replies, no pongs."""

from __future__ import annotations

from random import Random

from battlectl.lab.faults.effect import Document, Effect, Place
from battlectl.lab.faults.kind import Kind, OnWebSockets


class WsHalfOpen(Effect):
    """Healed, such a socket is cut, as when a packet finally reaches a host that does not know it."""

    def __init__(self, parameters: OnWebSockets, random: Random) -> None:
        super().__init__()

    def is_deaf(self, connection: int) -> bool:
        """Always: asked only about connections that are meant."""
        return True

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """None."""
        return []

    async def stop(self, place: Place) -> None:
        """Frames were lost on these sockets, so they cannot go on."""
        place.close_websockets(None, self.strikes)


KIND = Kind(
    name="ws_half_open",
    layer="websocket",
    what="falls silent on WebSockets: neither events nor replies nor pongs",
    expect="noticed; resumed",
    parameters=OnWebSockets,
    make=WsHalfOpen,
)
