"""A WebSocket to the target; wsproto knows the protocol.

Rule: how it ends is a value, never an exception: with a code when a close frame came, without one when the
connection was lost. Nothing is read before somebody waits in `receive`, 64 KiB at most: a reader that stops
reading stops the target in the end, and hears no pong meanwhile. Deadlines belong to the caller.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from socket import SO_RCVBUF, SOL_SOCKET

import trio
from wsproto.events import CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError

from battlectl.observe import outcome
from battlectl.transport.base import Endpoint
from battlectl.transport.wire import ConnectError, Wire, connect, resolve, tls_context
from battlectl.transport.ws_frames import Frames
from battlectl.transport.ws_handshake import shake_hands
from battlectl.transport.ws_stamps import StampedSocket, stamped

TOO_BIG = 1009
CLOSE_SECONDS, CLOSE_BYTES = 1.0, 256 * 1024
LOST_WORDS = "the connection was lost, no close frame came"

_context = cache(tls_context)
"""It takes tens of milliseconds to make one, in which nothing else goes on."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a WebSocket ended: `code` is that of the close frame, None where none came; `why` in words."""

    code: int | None
    why: str
    is_too_large: bool = False


class Socket:
    """An open WebSocket. One task receives; any number may send. Mutable: it is a connection.

    `arrived` is when what `receive` returned last had come to this machine, on trio's clock; None where the
    system does not tell.
    """

    def __init__(self, wire: Wire, frames: Frames, first: bytes) -> None:
        self.arrived: float | None = None
        self._wire = wire
        self._frames = frames
        self._first = first
        self._messages: deque[bytes] = deque()
        self._ended: Ended | None = None
        self._turn = trio.StrictFIFOLock()
        self._rest = b""
        self._pings = 0
        self._pongs: dict[bytes, trio.Event] = {}

    async def send(self, text: bytes) -> bool:
        """Send one text message; False when the other side has ended, which `receive` tells."""
        return await self._say(TextMessage(text.decode()))

    async def receive(self) -> bytes | Ended:
        """The next message, or how it ended; that again when asked again."""
        while not self._messages:
            if self._ended is not None:
                return self._ended
            await self._read()
        return self._messages.popleft()

    async def ping(self) -> bool:
        """Return when the other side has answered a ping; False when it has ended."""
        self._pings += 1
        payload = self._pings.to_bytes(4, "big")
        heard = self._pongs[payload] = trio.Event()
        try:
            if not await self._say(Ping(payload)):
                return False
            await heard.wait()
        finally:
            self._pongs.pop(payload, None)
        return self._ended is None

    async def close(self, code: int = 1000) -> None:
        """Say good-bye, and wait a little for the answer, through not much of anything else."""
        heard = 0
        with trio.move_on_after(CLOSE_SECONDS):
            if await self._say(CloseConnection(code)):
                while heard < CLOSE_BYTES and not isinstance(message := await self.receive(), Ended):
                    heard += len(message)

    async def _read(self) -> None:
        """Take what comes next; return when something did."""
        data, self._first = self._first, b""
        if not data:
            await self._wire.readable()
            try:
                received = self._wire.receive()
            except OSError:
                received = b""
            if received is None:
                return
            if not received:
                self._end(Ended(None, LOST_WORDS))
                return
            data = received
            age = self._wire.sock.age if isinstance(self._wire.sock, StampedSocket) else None
            self.arrived = None if age is None else trio.current_time() - age
        answers: list[Event] = []
        for said in self._frames.take(data):
            if isinstance(said, bytes):
                self._messages.append(said)
            elif isinstance(said, Ping):
                answers.append(said.response())
            elif isinstance(said, Pong):
                self._hear_pong(bytes(said.payload))
            else:
                self._end(_ended(said))
                answers.append(said.response())
        if answers:
            await self._say(*(answers if self._ended is None else answers[-1:]))

    def _hear_pong(self, payload: bytes) -> None:
        heard = self._pongs.get(payload)
        if heard is not None:
            heard.set()

    def _end(self, ended: Ended) -> None:
        self._ended = ended
        for heard in self._pongs.values():
            heard.set()

    async def _say(self, *events: Event) -> bool:
        """Send it whole, after what was begun before; False when the connection is over."""
        async with self._turn:
            try:
                data = b"".join(map(self._frames.connection.send, events))
                while self._rest or data:
                    if not self._rest:
                        self._rest, data = data, b""
                    self._rest = self._wire.send(self._rest)
                    if self._rest:
                        await self._wire.writable()
            except (LocalProtocolError, OSError, trio.ClosedResourceError):
                return False
        return True


def _ended(said: CloseConnection) -> Ended:
    code = int(said.code)
    words = f"closed with code {code}" + (f": {said.reason}" if said.reason else "")
    return Ended(code, words, code == TOO_BIG)


@asynccontextmanager
async def open_socket(
    endpoint: Endpoint, largest: int, deadline: float, held: int | None = None
) -> AsyncIterator[Socket]:
    """A WebSocket to an http or https endpoint, open by `deadline` (trio's clock); raises ConnectError.

    Still open at the end, it is cut off. A message of more than `largest` bytes ends it with code 1009. The
    system may hold about `held` bytes that nobody has read; without it as many as it likes, tens of MiB.
    """
    wire: Wire | None = None
    socket: Socket | None = None
    try:
        with trio.move_on_at(deadline):
            wire = await connect(await resolve(endpoint), endpoint, _context(endpoint))
            wire.sock = stamped(wire.sock)
            if held is not None:
                wire.sock.setsockopt(SOL_SOCKET, SO_RCVBUF, held)
            connection, first = await shake_hands(wire, endpoint)
            socket = Socket(wire, Frames(connection, largest), first)
        if socket is None:
            raise ConnectError(outcome.TIMEOUT, "no WebSocket in time")
        yield socket
    finally:
        if wire is not None:
            wire.close()
