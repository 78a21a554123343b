"""What a client is told over a WebSocket, cut out of the bytes; wsproto knows the protocol.

Rule: a frame that says the plain thing, a whole message of ASCII text, unmasked, is cut out here: nearly all
are so, and it costs a tenth. Ping, pong and close, and text beyond ASCII, go to wsproto frame by frame. With
the first frame that is anything else all that follows goes there: what is wrong with it, and with which code
it ends, wsproto says.
"""

from __future__ import annotations

from typing import TypeAlias

from wsproto.connection import Connection
from wsproto.events import CloseConnection, Message, Ping, Pong
from wsproto.frame_protocol import CloseReason

Said: TypeAlias = bytes | Ping | Pong | CloseConnection
"""A message, or what two ends tell each other about their connection."""

TEXT = 0x81
WHOLE = frozenset({TEXT, 0x88, 0x89, 0x8A})
"""First bytes of frames that are whole messages: text; close, ping and pong."""
IN_TWO_BYTES = 126
"""A length below this is written in one byte, this one says that two follow."""


class Frames:
    """The receiving side of one connection. Mutable: it holds what is not whole yet.

    A message of more than `largest` bytes is a close with 1009, and nothing comes after a close.
    """

    __slots__ = ("_held", "_is_plain", "_largest", "_parts", "_size", "connection")

    def __init__(self, connection: Connection, largest: int) -> None:
        self.connection = connection
        self._largest = largest
        self._held = b""
        self._is_plain = True
        self._parts: list[bytes] = []
        self._size = 0

    def take(self, data: bytes) -> list[Said]:
        """All that is whole with these bytes, in order."""
        if not self._is_plain:
            return self._ask(data)
        if self._held:
            data = self._held + data
        said: list[Said] = []
        start, end = 0, len(data)
        while start + 2 <= end:
            first, length, body = data[start], data[start + 1], start + 2
            if first == TEXT and length == IN_TWO_BYTES:
                body += 2
                if body > end:
                    break
                length = data[body - 2] << 8 | data[body - 1]
                is_plain = IN_TWO_BYTES <= length <= self._largest
            else:
                is_plain = first in WHOLE and length < IN_TWO_BYTES and length <= self._largest
            if not is_plain:
                self._is_plain, self._held = False, b""
                return said + self._ask(data[start:])
            if body + length > end:
                break
            payload = data[body : body + length]
            if first == TEXT and payload.isascii():
                said.append(payload)
            else:
                said += self._ask(data[start : body + length])
                if said and isinstance(said[-1], CloseConnection):
                    return said
            start = body + length
        self._held = data[start:]
        return said

    def _ask(self, data: bytes) -> list[Said]:
        said: list[Said] = []
        self.connection.receive_data(data)
        for event in self.connection.events():
            if isinstance(event, Message):
                self._parts.append(event.data.encode() if isinstance(event.data, str) else bytes(event.data))
                self._size += len(self._parts[-1])
                if self._size > self._largest:
                    why = f"a message of more than {self._largest} bytes"
                    return [*said, CloseConnection(CloseReason.MESSAGE_TOO_BIG, why)]
                if event.message_finished:
                    said.append(b"".join(self._parts))
                    self._parts, self._size = [], 0
            elif isinstance(event, Ping | Pong | CloseConnection):
                said.append(event)
        return said
