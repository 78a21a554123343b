"""The gateway's HTTP client: one keep-alive pool per provider, on trio streams and h11.

Rule: an idle connection that turns out to be closed before a byte of the answer arrived is not the
provider's failure; the request goes again, once, on a fresh connection. Everything else that goes wrong
is UpstreamError with a reason. Deadlines belong to the caller: cancelling closes the connection.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import h11
import trio

from battlectl.lab.net.wire import Headers, read_plain_reply, request_bytes

MOST_IDLE = 1_024
REPLY_LIMIT = 32 * 1024 * 1024
RECEIVE_BYTES = 65_536


class UpstreamError(Exception):
    """The provider gave no whole HTTP answer; the message says why in a few words."""


class ClosedWhileIdle(Exception):
    """A pooled connection was closed before the answer began."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer, of any status; its headers are dropped, for the gateway sends its own."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Pool:
    """The idle connections to one provider, the most recently used last; `idle` is all that changes."""

    host: str
    port: int
    target: str
    idle: deque[trio.abc.Stream] = field(default_factory=deque)


def pool_for(url: str) -> Pool:
    """A pool for an http:// URL."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Pool(parts.hostname or "", parts.port or 80, target)


async def post(pool: Pool, body: bytes, headers: Headers) -> Reply:
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
    """Close what is idle; a connection in use belongs to its request."""
    while pool.idle:
        await trio.aclose_forcefully(pool.idle.pop())


async def _connect(pool: Pool) -> trio.abc.Stream:
    try:
        return await trio.open_tcp_stream(pool.host, pool.port)
    except OSError as error:
        raise UpstreamError(f"no connection: {_first_cause(error)}") from None


def _first_cause(error: BaseException) -> BaseException:
    """trio wraps what connect() said, once for each address that was tried."""
    cause = error.__cause__ or error
    return cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause


async def _exchange(pool: Pool, stream: trio.abc.Stream, body: bytes, headers: Headers) -> Reply:
    """One request on one connection, which goes back to the pool only if it can be used again."""
    is_reusable = False
    try:
        data = await _send(stream, request_bytes(pool.target, (*_own_headers(pool), *headers), body))
        plain = read_plain_reply(data)
        reply, is_reusable = (Reply(*plain), True) if plain else await _receive_unusual(stream, data)
        return reply
    except (h11.RemoteProtocolError, trio.BrokenResourceError) as error:
        raise UpstreamError(f"broken answer: {error}") from None
    finally:
        if is_reusable and len(pool.idle) < MOST_IDLE:
            pool.idle.append(stream)
        else:
            await trio.aclose_forcefully(stream)


def _own_headers(pool: Pool) -> Headers:
    return (b"host", f"{pool.host}:{pool.port}".encode()), (b"content-type", b"application/json")


async def _send(stream: trio.abc.Stream, request: bytes) -> bytes:
    """The first bytes of the answer."""
    try:
        await stream.send_all(request)
        data = await stream.receive_some(RECEIVE_BYTES)
    except trio.BrokenResourceError:
        raise ClosedWhileIdle from None
    if not data:
        raise ClosedWhileIdle
    return bytes(data)


async def _receive_unusual(stream: trio.abc.Stream, data: bytes) -> tuple[Reply, bool]:
    """The reply, and whether the connection can carry another: not after its end, nor after stray bytes."""
    http = _waiting_for_reply()
    http.receive_data(data)
    status, body = 0, bytearray()
    while not isinstance(event := await _next_event(stream, http), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
        if len(body) > REPLY_LIMIT:
            raise UpstreamError(f"an answer of more than {REPLY_LIMIT} bytes")
    return Reply(status, bytes(body)), http.their_state is h11.DONE and http.trailing_data == (b"", False)


def _waiting_for_reply() -> h11.Connection:
    """h11 reads a reply only after it has seen a request go out."""
    http = h11.Connection(h11.CLIENT)
    http.send(h11.Request(method="POST", target="/", headers=[("host", "lab"), ("content-length", "0")]))
    http.send(h11.EndOfMessage())
    return http


async def _next_event(stream: trio.abc.Stream, http: h11.Connection) -> Any:
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(bytes(await stream.receive_some(RECEIVE_BYTES)))
    return event
