"""The HTTP client of the gateway and of relays: one keep-alive pool per upstream, on trio streams and h11.

Rule: an idle connection that turns out to be closed before a byte of the answer arrived is not the
upstream's failure; the request goes again, once, on a fresh connection. Everything else that goes wrong
is UpstreamError with a reason. Deadlines belong to the caller: cancelling closes the connection. https is
trio's own TLS with the system's certificate authorities (SSL_CERT_FILE names others).
"""

from __future__ import annotations

import ssl
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
JSON = (b"content-type", b"application/json")


class UpstreamError(Exception):
    """The upstream gave no whole HTTP answer; the message says why in a few words."""


class NotConnected(UpstreamError):
    """There was no connection, so the upstream saw nothing of the request."""


class ClosedWhileIdle(Exception):
    """A pooled connection was closed before the answer began."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer, of any status; the names of its headers are in lower case."""

    status: int
    body: bytes
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """The idle connections to one upstream, the most recently used last; `idle` is all that changes."""

    host: str
    port: int
    target: str
    tls: ssl.SSLContext | None = None
    idle: deque[trio.abc.Stream] = field(default_factory=deque)

    @property
    def authority(self) -> bytes:
        """What the Host header says: the port too, unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_usual = self.port == (443 if self.tls else 80)
        return (host if is_usual else f"{host}:{self.port}").encode()


def pool_for(url: str, tls: ssl.SSLContext | None = None) -> Pool:
    """A pool for an http:// or https:// URL, or for the handshakes of a ws:// or wss:// one."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme in ("http", "ws"):
        return Pool(parts.hostname or "", parts.port or 80, target)
    return Pool(parts.hostname or "", parts.port or 443, target, tls or ssl.create_default_context())


async def post(pool: Pool, body: bytes, headers: Headers) -> Reply:
    """Send one JSON body and read its whole answer, or raise UpstreamError."""
    return await request(pool, "POST", (JSON, *headers), body)


async def request(pool: Pool, method: str, headers: Headers, body: bytes) -> Reply:
    """Send one request of any method but HEAD and CONNECT, with these headers, Host and Content-Length."""
    data = request_bytes(pool.target, ((b"host", pool.authority), *headers), body, method)
    if pool.idle:
        try:
            return await _exchange(pool, pool.idle.pop(), data)
        except ClosedWhileIdle:
            pass
    try:
        return await _exchange(pool, await connect(pool), data)
    except ClosedWhileIdle:
        raise UpstreamError("closed without an answer") from None


async def close(pool: Pool) -> None:
    """Close what is idle; a connection in use belongs to its request."""
    while pool.idle:
        await trio.aclose_forcefully(pool.idle.pop())


async def connect(pool: Pool) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    """A fresh connection, not in the pool; raises NotConnected."""
    try:
        if pool.tls is None:
            return await trio.open_tcp_stream(pool.host, pool.port)
        return await _connect_tls(pool, pool.tls)
    except (OSError, UnicodeError) as error:  # UnicodeError: the host is no name that can be looked up
        raise NotConnected(f"no connection: {_first_cause(error)}") from None


async def _connect_tls(pool: Pool, tls: ssl.SSLContext) -> trio.SSLStream[trio.SocketStream]:
    stream = await trio.open_ssl_over_tcp_stream(pool.host, pool.port, ssl_context=tls, https_compatible=True)
    is_open = False
    try:
        await stream.do_handshake()
        is_open = True
        return stream
    except trio.BrokenResourceError as error:
        raise NotConnected(f"no TLS: {error.__cause__ or 'the connection ended'}") from None
    finally:
        if not is_open:
            await trio.aclose_forcefully(stream)


def _first_cause(error: BaseException) -> BaseException:
    """trio wraps what connect() said, once for each address that was tried."""
    cause = error.__cause__ or error
    return cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause


async def _exchange(pool: Pool, stream: trio.abc.Stream, message: bytes) -> Reply:
    """One request on one connection, which goes back to the pool only if it can be used again."""
    is_reusable = False
    try:
        data = await _send(stream, message)
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
    head, body = Reply(0, b""), bytearray()
    while not isinstance(event := await _next_event(stream, http), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            head = Reply(event.status_code, b"", list(event.headers))
        elif isinstance(event, h11.Data):
            body += event.data
        if len(body) > REPLY_LIMIT:
            raise UpstreamError(f"an answer of more than {REPLY_LIMIT} bytes")
    reply = Reply(head.status, bytes(body), head.headers)
    return reply, http.their_state is h11.DONE and http.trailing_data == (b"", False)


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
