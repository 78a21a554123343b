"""`ws_stall`: a WebSocket that answers pings and calls, and sends no events."""

from __future__ import annotations

from random import Random

from battlectl.lab.faults.effect import Document, Effect
from battlectl.lab.faults.kind import Kind, OnWebSockets


class WsStall(Effect):
    """What happens meanwhile is never told; events go on when the fault is healed."""

    def __init__(self, parameters: OnWebSockets, random: Random) -> None:
        super().__init__()

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """None."""
        return []


KIND = Kind(
    name="ws_stall",
    layer="websocket",
    what="answers pings and calls, sends no events",
    expect="noticed; resumed",
    parameters=OnWebSockets,
    make=WsStall,
)
