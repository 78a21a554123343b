"""`garbage`: an answer of random bytes under the usual headers."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Message
from battlectl.lab.faults.kind import Kind, OnRequests

NO_JSON = b"}"  # with which no JSON begins
FIRST_PRINTABLE, LAST_PRINTABLE = 0x20, 0x7E


class GarbageParameters(OnRequests, frozen=True, kw_only=True):
    """Never JSON, whatever was drawn."""

    length: Annotated[int, Meta(ge=1, le=1_048_576, description="of the answer, in bytes")] = 64


class Garbage(Effect):
    """Over HTTP any bytes; over WebSocket printable ones, for a text that is not UTF-8 is another fault."""

    def __init__(self, parameters: GarbageParameters, random: Random) -> None:
        super().__init__()
        self._length = parameters.length
        self._random = random

    def body(self, message: Message, body: bytes) -> bytes:
        """Other bytes each time."""
        count = self._length - len(NO_JSON)
        if message.transport == "http":
            return NO_JSON + self._random.randbytes(count)
        return NO_JSON + bytes(self._random.choices(range(FIRST_PRINTABLE, LAST_PRINTABLE + 1), k=count))


KIND = Kind(
    name="garbage",
    layer="http",
    what="answers with random bytes",
    expect="never reaches the client",
    parameters=GarbageParameters,
    make=Garbage,
)
