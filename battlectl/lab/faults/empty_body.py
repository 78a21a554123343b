"""`empty_body`: an answer without content: status 200 and length 0, or an empty WebSocket text."""

from __future__ import annotations

from random import Random

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.kind import Kind, OnRequests


class EmptyBody(Effect):
    """Status and headers stay as they are."""

    def __init__(self, parameters: OnRequests, random: Random) -> None:
        super().__init__()

    def body(self, message: Message, body: bytes) -> bytes:
        """Nothing."""
        return b""


KIND = Kind(
    name="empty_body",
    layer="http",
    what="answers 200 with an empty body, or an empty WebSocket text",
    expect="never reaches the client",
    parameters=OnRequests,
    make=EmptyBody,
)
