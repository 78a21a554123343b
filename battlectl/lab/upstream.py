"""The gateway's HTTP client: one keep-alive pool per provider, on trio streams and h11.

Rule: an idle connection that turns out to be closed before a byte of the answer arrived is not the
provider's failure; the request goes again, once, on a fresh connection. Everything else that goes wrong
is UpstreamError with a reason. Deadlines belong to the caller: cancelling closes the connection.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import h11
import trio

MOST_IDLE = 1_024
REPLY_LIMIT = 32 * 1024 * 1024
RECEIVE_BYTES = 65_536


class UpstreamError(Exception):
    """The provider gave no whole HTTP answer; the message says why in a few words."""


class ClosedWhileIdle(Exception):
    """A pooled connection was closed before the answer began."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Connection:
    stream: trio.abc.Stream
    http: h11.Connection


@dataclass(frozen=True, slots=True)
class Pool:
    """The idle connections to one provider, the most recently used last; `idle` is all that changes."""

    host: str
    port: int
    target: str
    idle: deque[Connection] = field(default_factory=deque)


def pool_for(url: str) -> Pool:
    """A pool for an http:// URL."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Pool(parts.hostname or "", parts.port or 80, target)


async def post(pool: Pool, body: bytes, headers: list[tuple[bytes, bytes]]) -> Reply:
    """Send one request and read its whole answer, or raise UpstreamError."""
    if pool.idle:
        try:
            return await _exchange(pool, pool.idle.pop(), body, headers)
        except ClosedWhileIdle:
            pass
    try:
        return await _exchange(pool, await _connect(pool), body, headers)
    except ClosedWhileIdle:
        raise UpstreamError("closed without an answer") from None


async def close(pool: Pool) -> None:
    while pool.idle:
        await trio.aclose_forcefully(pool.idle.pop().stream)


async def _connect(pool: Pool) -> Connection:
    try:
        stream = await trio.open_tcp_stream(pool.host, pool.port)
    except OSError as error:
        raise UpstreamError(f"no connection: {error.__cause__ or error}") from None
    return Connection(stream, h11.Connection(h11.CLIENT))


async def _exchange(pool: Pool, connection: Connection, body: bytes, headers: list[Any]) -> Reply:
    """One request on one connection, which goes back to the pool only if it can be used again."""
    reusable = False
    try:
        await _send(connection, pool, body, headers)
        reply = await _receive(connection)
        reusable = _recycle(connection)
    except (h11.RemoteProtocolError, trio.BrokenResourceError) as error:
        raise UpstreamError(f"broken answer: {error}") from None
    finally:
        if reusable and len(pool.idle) < MOST_IDLE:
            pool.idle.append(connection)
        else:
            await trio.aclose_forcefully(connection.stream)
    return reply


async def _send(connection: Connection, pool: Pool, body: bytes, headers: list[Any]) -> None:
    http = connection.http
    head = h11.Request(method="POST", target=pool.target, headers=[*_own_headers(pool, body), *headers])
    parts = (http.send(head), http.send(h11.Data(data=body)), http.send(h11.EndOfMessage()))
    try:
        await connection.stream.send_all(b"".join(part for part in parts if part))
    except trio.BrokenResourceError:
        raise ClosedWhileIdle from None


def _own_headers(pool: Pool, body: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"host", f"{pool.host}:{pool.port}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]


async def _receive(connection: Connection) -> Reply:
    await _first_bytes(connection)
    status, body = 0, bytearray()
    while not isinstance(event := await _next_event(connection), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
        if len(body) > REPLY_LIMIT:
            raise UpstreamError(f"an answer of more than {REPLY_LIMIT} bytes")
    return Reply(status, bytes(body))


async def _first_bytes(connection: Connection) -> None:
    try:
        data = await connection.stream.receive_some(RECEIVE_BYTES)
    except trio.BrokenResourceError:
        raise ClosedWhileIdle from None
    if not data:
        raise ClosedWhileIdle
    connection.http.receive_data(bytes(data))


async def _next_event(connection: Connection) -> Any:
    while (event := connection.http.next_event()) is h11.NEED_DATA:
        connection.http.receive_data(bytes(await connection.stream.receive_some(RECEIVE_BYTES)))
    return event


def _recycle(connection: Connection) -> bool:
    """Whether the connection is ready for another request; bytes after the answer spoil it."""
    http = connection.http
    if http.our_state is not h11.DONE or http.their_state is not h11.DONE or http.trailing_data[0]:
        return False
    http.start_next_cycle()
    return True
