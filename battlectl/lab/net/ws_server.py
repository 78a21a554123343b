"""The server's side of a WebSocket on any trio stream; wsproto knows the protocol.

Rule: nothing grows without a bound: a message of more than MESSAGE_LIMIT bytes is closed with 1009, sending
waits for the client, and a send that takes more than SEND_SECONDS cuts the connection. Pings are answered,
and a close is noticed, while somebody waits in `receive`. Binary messages are taken as text, as geth does.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from socket import SO_LINGER, SO_SNDBUF, SOL_SOCKET
from typing import Any, Protocol, runtime_checkable

import trio
from wsproto import ConnectionType, WSConnection
from wsproto import events as ws
from wsproto.connection import ConnectionState
from wsproto.utilities import ProtocolError

from battlectl.lab.net.http_server import Upgrade
from battlectl.lab.net.wire import Headers, Request, Response

MESSAGE_LIMIT = 8 * 1024 * 1024
SEND_SECONDS = 30.0
CLOSE_SECONDS = 2.0
REASON_BYTES = 123
TOO_LARGE = 1009
RECEIVE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Ended:
    """One side of a WebSocket is over; `code` is None when no close frame came, 1005 when it had no code."""

    code: int | None
    reason: str = ""


@runtime_checkable
class Resettable(Protocol):
    """A stream that can end with RST."""

    def reset(self) -> None:
        """End the connection at once with RST in place of FIN."""


def always() -> bool:
    """For `answers_pings`, unless told otherwise."""
    return True


def never() -> bool:
    """For `is_deaf`, unless told otherwise."""
    return False


@dataclass(frozen=True, slots=True)
class Manners:
    """How a WebSocket behaves: asked anew for each frame, so that it can change while the socket is open.

    A deaf one reads frames and throws them away: no message, no pong, no close handshake.
    """

    answers_pings: Callable[[], bool] = always
    is_deaf: Callable[[], bool] = never


def wants_websocket(request: Request) -> bool:
    """Whether a request asks for a WebSocket, well or badly."""
    upgrade = request.header(b"upgrade")
    return upgrade is not None and b"websocket" in upgrade.lower()


def websocket_upgrade(
    request: Request,
    serve: Callable[[WebSocket], Awaitable[None]],
    manners: Manners = Manners(),
    headers: Headers = (),
) -> Upgrade | Response:
    """What a handler returns to open a WebSocket; a 400 when the handshake is not a proper one.

    `headers` go out with the 101. When `serve` returns, the connection is closed.
    """
    handshake = WSConnection(ConnectionType.SERVER)
    try:
        if request.method != "GET":
            raise ProtocolError("a WebSocket begins with GET")
        handshake.initiate_upgrade_connection(list(request.headers), request.target)
        deque(handshake.events(), maxlen=0)  # the request itself
    except ProtocolError as error:
        return Response(400, ((b"content-type", b"text/plain"),), f"bad handshake: {error}\n".encode())

    async def serve_stream(stream: trio.abc.Stream, request: Request, rest: bytes) -> None:
        await stream.send_all(handshake.send(ws.AcceptConnection(extra_headers=list(headers))))
        if rest:
            handshake.receive_data(rest)
        await serve(WebSocket(stream, handshake, manners))

    return Upgrade(serve_stream)


class WebSocket:
    """One open WebSocket. It has state because a connection has: what was read, sent, and how it ended.

    One task receives; any number may send. `pongs` counts those that came.
    """

    def __init__(self, stream: trio.abc.Stream, connection: WSConnection, manners: Manners) -> None:
        self._stream = stream
        self._connection = connection
        self._manners = manners
        self._sending, self._taking = trio.Lock(), trio.Lock()
        self._read: bytes | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._is_torn = False  # the beginning of the message that is being read was swallowed
        self._end: Ended | None = None
        self._receiving: trio.CancelScope | None = None
        self.pongs = 0

    async def receive(self) -> bytes | Ended:
        """The next text, or how it ended; that again when asked again."""
        async with self._taking:
            while self._end is None:
                # wsproto may hold frames that came in one piece with those before: they are taken first.
                await self._take(self._connection.events())
                if self._read is not None:
                    text, self._read = self._read, None
                    return text
                if self._end is None:
                    await self._receive_more()
            return self._end

    async def send(self, text: bytes) -> None:
        """Send one text, whole; trio.BrokenResourceError when the connection has ended or takes too long."""
        await self._send(ws.TextMessage(data=text.decode()))

    async def ping(self, payload: bytes = b"") -> None:
        """Send a ping; its pong is counted by whoever receives."""
        await self._send(ws.Ping(payload=payload))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye and wait a little for the answer; nothing when the connection has ended."""
        if self._end is not None:
            return
        with trio.move_on_after(CLOSE_SECONDS), suppress(trio.BrokenResourceError):
            await self._send(ws.CloseConnection(code=code, reason=_short(reason)))
            while not isinstance(await self.receive(), Ended):
                pass
        self._finish(Ended(None))

    def shrink(self, size: int) -> None:
        """Let the system hold only so many bytes on their way out, where the stream is a socket."""
        if isinstance(self._stream, trio.SocketStream):
            self._stream.setsockopt(SOL_SOCKET, SO_SNDBUF, size)

    def abort(self) -> None:
        """End without a close frame: with RST where the stream can."""
        self._finish(Ended(None))
        reset_stream(self._stream)

    async def _receive_more(self) -> None:
        with trio.CancelScope() as self._receiving:
            try:
                data = bytes(await self._stream.receive_some(RECEIVE_BYTES))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                data = b""
            if data:
                self._connection.receive_data(data)
            else:
                self._finish(Ended(None))
        self._receiving = None

    async def _take(self, events: Iterable[ws.Event]) -> None:
        """Up to the end of one text: what follows it waits until the text has been dealt with."""
        for event in events:
            if self._manners.is_deaf():
                self._swallow(event)
            elif isinstance(event, ws.Message):
                await self._take_part(event)
            elif isinstance(event, ws.Ping) and self._manners.answers_pings():
                await self._send_quietly(event.response())
            elif isinstance(event, ws.Pong):
                self.pongs += 1
            elif isinstance(event, ws.CloseConnection):
                await self._take_close(event)
            if self._read is not None or self._end is not None:
                return

    def _swallow(self, event: ws.Event) -> None:
        if isinstance(event, ws.Message):
            self._parts, self._size, self._is_torn = [], 0, not event.message_finished

    async def _take_part(self, part: ws.Message[Any]) -> None:
        if self._is_torn:
            self._swallow(part)
            return
        data = part.data.encode() if isinstance(part.data, str) else bytes(part.data)
        self._size += len(data)
        if self._size > MESSAGE_LIMIT:
            await self._send_quietly(ws.CloseConnection(TOO_LARGE, f"at most {MESSAGE_LIMIT} bytes"))
            self._finish(Ended(None))
            return
        self._parts.append(data)
        if part.message_finished:
            self._read = b"".join(self._parts)
            self._parts, self._size = [], 0

    async def _take_close(self, event: ws.CloseConnection) -> None:
        state = self._connection.state
        # Still open means that wsproto could not read a frame: the code says what was wrong with it.
        if state in (ConnectionState.REMOTE_CLOSING, ConnectionState.OPEN):
            await self._send_quietly(event.response())
        self._finish(Ended(None if state is ConnectionState.OPEN else event.code, event.reason or ""))

    async def _send_quietly(self, event: ws.Event) -> None:
        with suppress(trio.BrokenResourceError):  # `receive` will say so
            await self._send(event)

    async def _send(self, event: ws.Event) -> None:
        with trio.move_on_after(SEND_SECONDS):
            async with self._sending:
                if self._end is not None or not _may_send(self._connection.state, event):
                    raise trio.BrokenResourceError("the WebSocket has ended")
                await self._send_whole(self._connection.send(event))
                return
        self.abort()
        raise trio.BrokenResourceError("the client takes nothing")

    async def _send_whole(self, data: bytes) -> None:
        is_whole = False
        try:
            await self._stream.send_all(data)
            is_whole = True
        except trio.ClosedResourceError:
            raise trio.BrokenResourceError("the WebSocket was cut") from None
        finally:
            if not is_whole:
                self.abort()  # half a frame may have left: nothing after it could be read

    def _finish(self, end: Ended) -> None:
        if self._end is None:
            self._end = end
        if self._receiving is not None:
            self._receiving.cancel()


async def keep_pinging(websocket: WebSocket, seconds: float, misses: int) -> None:
    """Ping every so often, and return when so many in a row were not answered; somebody must be receiving."""
    missed = 0
    while missed < misses:
        seen = websocket.pongs
        await websocket.ping()
        await trio.sleep(seconds)
        missed = 0 if websocket.pongs > seen else missed + 1


def reset_stream(stream: trio.abc.Stream) -> None:
    """End a connection with RST; a stream that knows none is left to whoever closes it."""
    if isinstance(stream, Resettable):
        stream.reset()
    elif isinstance(stream, trio.SocketStream) and stream.socket.fileno() >= 0:
        stream.socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        stream.socket.close()


def _may_send(state: ConnectionState, event: ws.Event) -> bool:
    closing = isinstance(event, ws.CloseConnection) and state is ConnectionState.REMOTE_CLOSING
    return state is ConnectionState.OPEN or closing


def _short(reason: str) -> str:
    return reason.encode()[:REASON_BYTES].decode(errors="ignore")
