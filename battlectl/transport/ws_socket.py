"""A WebSocket to the target; trio-websocket knows the protocol.

Rule: how it ends is a value, never an exception: with a code when a close frame came, without one when the
connection was lost. One message is held at a time, so a reader that stops reading stops the target in the
end. Deadlines belong to the caller.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream
from wsproto.utilities import ProtocolError

from battlectl.observe import outcome
from battlectl.transport.base import Endpoint
from battlectl.transport.wire import ConnectError, resolve, tls_context

LOST = 1006
TOO_BIG = 1009
CLOSE_SECONDS = 1.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a WebSocket ended: `code` is that of the close frame, None where none came; `why` in words."""

    code: int | None
    why: str
    is_too_large: bool = False


class Socket:
    """An open WebSocket. One task receives; any number may send."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self._connection = connection

    async def send(self, text: bytes) -> bool:
        """Send one text message; False when the other side has ended, which `receive` tells."""
        try:
            await self._connection.send_message(text.decode())
        except ConnectionClosed:
            return False
        return True

    async def receive(self) -> bytes | Ended:
        """The next message, or how it ended; that again when asked again."""
        try:
            message = await self._connection.get_message()
        except ConnectionClosed as closed:
            return _ended(closed)
        return message.encode() if isinstance(message, str) else message

    async def ping(self) -> bool:
        """Return when the other side has answered a ping; False when it has ended."""
        try:
            await self._connection.ping()
        except ConnectionClosed:
            return False
        return True

    async def close(self, code: int = 1000) -> None:
        """Say good-bye, and wait a little for the answer."""
        with trio.move_on_after(CLOSE_SECONDS):
            await self._connection.aclose(code)


def _ended(closed: ConnectionClosed) -> Ended:
    reason = closed.reason
    if reason is None or reason.code == LOST:
        return Ended(None, "the connection was lost, no close frame came")
    words = f"closed with code {int(reason.code)}" + (f": {reason.reason}" if reason.reason else "")
    return Ended(int(reason.code), words, int(reason.code) == TOO_BIG)


@asynccontextmanager
async def open_socket(endpoint: Endpoint, largest: int, deadline: float) -> AsyncIterator[Socket]:
    """A WebSocket to an http or https endpoint, open by `deadline` (trio's clock); raises ConnectError.

    Still open at the end, it is cut off. A message of more than `largest` bytes ends it with code 1009.
    """
    stream = await _by(deadline, partial(_connect, endpoint))
    raised: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                yield await _by(deadline, partial(nursery.start, _converse, stream, endpoint, largest))
            except BaseException as error:
                raised = error  # The nursery would wrap it in a group.
            nursery.cancel_scope.cancel()
    finally:
        await trio.aclose_forcefully(stream)
    if raised is not None:
        raise raised


async def _by(deadline: float, step: Callable[[], Awaitable[T]]) -> T:
    with trio.move_on_at(deadline):
        return await step()
    raise ConnectError(outcome.TIMEOUT, "no WebSocket in time")


async def _connect(endpoint: Endpoint) -> trio.abc.Stream:
    failure = ConnectError(outcome.UNRESOLVED, f"{endpoint.host} has no address")
    for family, address in await resolve(endpoint):
        sock = trio.socket.socket(family)
        try:
            await sock.connect(address)
        except OSError as error:
            sock.close()
            failure = ConnectError(outcome.REFUSED, f"connect: {error.strerror or error}")
            continue
        except BaseException:
            sock.close()
            raise
        return await _secured(trio.SocketStream(sock), endpoint)
    raise failure


async def _secured(stream: trio.SocketStream, endpoint: Endpoint) -> trio.abc.Stream:
    context = tls_context(endpoint)
    if context is None:
        return stream
    secure = trio.SSLStream(stream, context, server_hostname=endpoint.host, https_compatible=True)
    try:
        await secure.do_handshake()
    except (trio.BrokenResourceError, ssl.SSLError) as error:
        await trio.aclose_forcefully(stream)
        raise ConnectError(outcome.TLS, f"{type(error).__name__}: {error.__cause__ or error}") from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return secure


async def _converse(
    stream: trio.abc.Stream,
    endpoint: Endpoint,
    largest: int,
    task_status: trio.TaskStatus[Socket],
) -> None:
    """Shake hands, and read until the end of the connection."""
    shaking = trio.CancelScope()
    is_open = False
    try:
        async with trio.open_nursery() as nursery:
            with shaking:
                connection = await wrap_client_stream(
                    nursery,
                    _Watched(stream, shaking),  # type: ignore[arg-type]  # any stream will do
                    endpoint.authority,
                    endpoint.path,
                    extra_headers=[(n.encode(), v.encode()) for n, v in endpoint.headers],
                    max_message_size=largest,
                )
                is_open = True
                task_status.started(Socket(connection))
    except ExceptionGroup as group:
        if not is_open:
            raise _refusal(group.exceptions[0]) from group
        # The library trips over what it wants to say to a target that broke the protocol or is gone.
        known = (ConnectionClosed, ProtocolError, trio.BrokenResourceError, trio.ClosedResourceError)
        if group.split(known)[1] is not None:
            raise
    else:
        if not is_open:
            raise ConnectError(outcome.CLOSED, "the connection ended in the WebSocket handshake")


def _refusal(error: Exception) -> ConnectError:
    if isinstance(error, ConnectionRejected):
        seen = f"the WebSocket was refused with HTTP {error.status_code}"
        return ConnectError(f"{outcome.HTTP_ERROR}({error.status_code})", seen)
    return ConnectError(outcome.MALFORMED, f"no WebSocket handshake: {type(error).__name__} {error}")


class _Watched(trio.abc.Stream):
    """The stream of a handshake: when it ends, nobody need wait for the handshake any longer."""

    def __init__(self, stream: trio.abc.Stream, waiting: trio.CancelScope) -> None:
        self._stream = stream
        self._waiting = waiting

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """What the target sends."""
        data: bytes | bytearray = b""
        try:
            data = await self._stream.receive_some(max_bytes)
        finally:
            if not data:
                self._waiting.cancel()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """What the target is told."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As of the stream."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()
