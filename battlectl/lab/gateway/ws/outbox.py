"""What leaves for one client, in one order.

Rule: at most MOST_QUEUED wait; a client that lets more come together is too slow and given up. Events are
held as they are shared by all who listen, and get their frame when they leave. An end goes through the queue
too, so that what comes before it arrives, and no frame is cut in half.
"""

from __future__ import annotations

import trio

from battlectl.lab.net.ws_server import WebSocket

MOST_QUEUED = 8_192


class TooSlow(Exception):
    """The client takes less than it asked for."""


class Outbox:
    """Mutable: a queue, and a task that empties it."""

    def __init__(self, socket: WebSocket, most: int = MOST_QUEUED) -> None:
        self._socket = socket
        self._into, self._out = trio.open_memory_channel[tuple[bytes, str | None]](most)
        self._is_ending = False

    def put(self, text: bytes) -> None:
        """A reply; raises TooSlow."""
        self._put(text, None)

    def put_event(self, event: bytes, subscription: str) -> None:
        """A header or a log for one subscription; raises TooSlow."""
        self._put(event, subscription)

    @property
    def waiting(self) -> int:
        """How much has not left yet."""
        return self._into.statistics().current_buffer_used

    def end(self) -> None:
        """Nothing more after what waits now."""
        self._is_ending = True
        self._into.close()

    async def run(self) -> None:
        """Send until cancelled, or until all that was put before `end` has left."""
        async for text, subscription in self._out:
            await self._socket.send(text if subscription is None else notification(text, subscription))

    def _put(self, text: bytes, subscription: str | None) -> None:
        if self._is_ending:
            return
        try:
            self._into.send_nowait((text, subscription))
        except trio.WouldBlock:
            raise TooSlow from None


def notification(event: bytes, subscription: str) -> bytes:
    """The frame of an event, which is JSON already."""
    frame = b'{"jsonrpc":"2.0","method":"eth_subscription","params":{"result":%s,"subscription":"%s"}}'
    return frame % (event, subscription.encode())
