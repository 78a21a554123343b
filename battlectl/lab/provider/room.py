"""How much may wait at a provider: WebSocket texts that faults hold, and questions not yet answered.

Rule: one socket holds at most SOCKET_BYTES, all sockets of a provider together MOST_BYTES; whoever is at a
bound is not read from until something has gone. A socket that holds nothing is always read from, so one that
floods the provider does not silence the others.
"""

from __future__ import annotations

import trio

BYTES_A_TEXT = 4_096  # what one that waits costs beside its own length, as measured
SOCKET_BYTES = 32 * 1024 * 1024
MOST_BYTES = 256 * 1024 * 1024


class Room:
    """That of one provider."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.taken = 0
        self.most = most
        self._freed = trio.Event()

    def free(self) -> None:
        """Wake those who wait."""
        self._freed.set()
        self._freed = trio.Event()

    async def wait(self) -> None:
        """Until something has gone."""
        await self._freed.wait()


class SocketRoom:
    """The part of it that one socket has taken."""

    def __init__(self, room: Room) -> None:
        self.taken = 0
        self._room = room

    def take(self, size: int) -> None:
        """So many bytes, at once."""
        self.taken += size
        self._room.taken += size

    def give_back(self, size: int) -> None:
        """They are gone."""
        self.take(-size)
        self._room.free()

    async def wait(self) -> None:
        """Until one more may be read."""
        while self.taken > SOCKET_BYTES or (self.taken and self._room.taken > self._room.most):
            await self._room.wait()
