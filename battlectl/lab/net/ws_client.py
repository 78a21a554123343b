"""The client's side of a WebSocket, for relays and for the gateway; trio-websocket knows the protocol.

Rule: one message is held at a time, so a reader that stops reading stops the server in the end, and a
server that stops reading makes `send` wait. An end is a value, never an exception: with its code when a close
frame came, without one when the connection was lost. Deadlines belong to the caller.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import ProtocolError

from battlectl.lab.net.upstream import Pool, UpstreamError, connect, pool_for
from battlectl.lab.net.wire import Headers, Response
from battlectl.lab.net.ws_server import Ended

MESSAGE_LIMIT = 32 * 1024 * 1024
CLOSE_SECONDS = 2.0
RECEIVE_BYTES = 65_536
LOST = 1006  # what a library says where no close frame came; it is never on the wire


class HandshakeFailed(Exception):
    """No WebSocket was opened; `refusal` is what the server answered instead, if anything."""

    def __init__(self, reason: str, refusal: Response | None = None) -> None:
        super().__init__(reason)
        self.refusal = refusal


class ClientSocket:
    """An open WebSocket. One task receives; any number may send."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self._connection = connection

    async def send(self, text: bytes) -> None:
        """Send one text, whole; bytes that are none go as U+FFFD: a binary message may hold any.

        Once the other side has ended it is dropped: `receive` says so.
        """
        with suppress(ConnectionClosed):
            await self._connection.send_message(text.decode(errors="replace"))

    async def receive(self) -> bytes | Ended:
        """The next message, or how it ended; that again when asked again."""
        try:
            message = await self._connection.get_message()
        except ConnectionClosed as closed:
            if closed.reason is None or closed.reason.code == LOST:
                return Ended(None)
            return Ended(int(closed.reason.code), closed.reason.reason or "")
        return message.encode() if isinstance(message, str) else message

    async def close(self, code: int, reason: str = "") -> None:
        """Send a close frame (1005: without a code), and wait a little for its answer."""
        said = CloseReason.NO_STATUS_RCVD if code == CloseReason.NO_STATUS_RCVD else code
        with trio.move_on_after(CLOSE_SECONDS):
            await self._connection.aclose(said, reason or None)


@asynccontextmanager
async def open_socket(
    url: str, headers: Headers = (), tls: ssl.SSLContext | None = None
) -> AsyncIterator[ClientSocket]:
    """A WebSocket to a ws:// or wss:// URL; raises HandshakeFailed. Still open at the end, it is cut off."""
    place = pool_for(url, tls)
    try:
        stream = await connect(place)
    except UpstreamError as error:
        raise HandshakeFailed(str(error)) from None
    raised: Exception | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                yield await nursery.start(_converse, stream, place, list(headers))
            except Exception as error:
                raised = error  # the nursery would wrap it in a group
            nursery.cancel_scope.cancel()
    finally:
        await trio.aclose_forcefully(stream)
    if raised is not None:
        raise raised


async def _converse(
    stream: trio.abc.Stream,
    place: Pool,
    headers: list[tuple[bytes, bytes]],
    task_status: trio.TaskStatus[ClientSocket],
) -> None:
    """Shake hands, and read until the end of the connection."""
    shaking = trio.CancelScope()
    socket: ClientSocket | None = None
    try:
        async with trio.open_nursery() as nursery:
            with shaking:
                connection = await wrap_client_stream(
                    nursery,
                    _Watched(stream, shaking),  # type: ignore[arg-type]  # any stream will do
                    place.authority.decode(),
                    place.target,
                    extra_headers=headers,
                    max_message_size=MESSAGE_LIMIT,
                    receive_buffer_size=RECEIVE_BYTES,
                )
                socket = ClientSocket(connection)
                task_status.started(socket)
    except ExceptionGroup as group:
        if socket is None:
            raise _failure(group.exceptions[0]) from group
        # The library trips over what it wants to say to a server that broke the protocol.
        if group.split((ConnectionClosed, ProtocolError))[1] is not None:
            raise
    else:
        if socket is None:
            raise HandshakeFailed("the connection ended in the handshake")


def _failure(error: Exception) -> HandshakeFailed:
    if not isinstance(error, ConnectionRejected):
        return HandshakeFailed(f"no handshake: {error}")
    refusal = Response(error.status_code, error.headers or (), error.body or b"")
    return HandshakeFailed(f"refused with http {error.status_code}", refusal)


class _Watched(trio.abc.Stream):
    """The stream of a handshake: when it ends, nobody need wait for the handshake any longer."""

    def __init__(self, stream: trio.abc.Stream, waiting: trio.CancelScope) -> None:
        self._stream = stream
        self._waiting = waiting

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """What the server sends."""
        data: bytes | bytearray = b""
        try:
            data = await self._stream.receive_some(max_bytes)
        finally:
            if not data:
                self._waiting.cancel()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """What the server is told."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As of the stream."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()
