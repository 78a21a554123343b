"""HTTP/1.1 on trio streams: the loop is ours, h11 knows what is unusual in the protocol.

Rule: one request at a time per connection (a pipelined one waits), every limit is bounded, and whatever
a client sends costs at most its own connection. The loop is ours because a fault must be able to touch
every byte of an answer; each answer goes to the stream in one piece. Where a handler returns an Upgrade,
HTTP is over on that connection and the stream belongs to whoever serves it from then on.
"""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import h11
import trio

from battlectl.lab.net.wire import Headers, Request, Response, read_plain_request, response_bytes

BODY_LIMIT = 8 * 1024 * 1024
HEADER_LIMIT = 32 * 1024
IDLE_SECONDS = 75.0  # to send a request, and to take its answer: nobody holds memory for ever
LINGER_SECONDS = 1.0
BACKLOG = 2_048
RECEIVE_BYTES = 65_536

Serve = Callable[[trio.abc.Stream, Request, bytes], Awaitable[None]]
"""Speaks another protocol: gets the stream, the request that asked for it, and the bytes after that."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """In place of a Response: `serve` has the connection until it returns, and then it is closed."""

    serve: Serve


Handler = Callable[[Request], Awaitable[Response | Upgrade]]


class Refusal(Exception):
    """The request cannot be served; the connection ends with this status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Received:
    """A request, the bytes that came after it, and whether the client wants no other answer."""

    request: Request
    rest: bytes = b""
    is_last: bool = False


def json_response(status: int, body: bytes, headers: Headers = ()) -> Response:
    """A response with a JSON content type before `headers`."""
    return Response(status, ((b"content-type", b"application/json"), *headers), body)


async def open_listener(host: str, port: int) -> trio.SocketListener:
    """A listener on the first address of `host`; port 0 takes a free one. Raises OSError when it is taken."""
    first, *others = await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    for other in others:
        await other.aclose()
    return first


def listener_url(listener: trio.SocketListener) -> str:
    """The http:// URL of the port that was taken, with an IPv6 address in brackets."""
    host, port = listener.socket.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(listener: trio.SocketListener, handler: Handler) -> None:
    """Serve until cancelled. (trio's SocketStream turns Nagle's delay off by itself.)"""

    async def one_connection(stream: trio.SocketStream) -> None:
        await serve_connection(stream, handler)

    await trio.serve_listeners(one_connection, [listener])


async def serve_connection(stream: trio.abc.HalfCloseableStream, handler: Handler) -> None:
    """Answer the requests of one connection, until either side ends it."""
    rest: bytes | None = b""
    try:
        while rest is not None:
            rest = await _one_exchange(stream, rest, handler)
    except Refusal as refusal:
        await refuse(stream, refusal)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # the client left: nothing is owed to it
    finally:
        await trio.aclose_forcefully(stream)


async def _one_exchange(stream: trio.abc.Stream, pending: bytes, handler: Handler) -> bytes | None:
    """What the client has sent beyond the request that was answered; None when this was the last."""
    with trio.move_on_after(IDLE_SECONDS) as patience:
        received = await receive_request(stream, pending)
        if received is None:
            return None
        patience.deadline = math.inf  # how long the handler takes is its own business
        response = await call_handler(handler, received.request)
        if isinstance(response, Upgrade):
            await serve_upgraded(response, stream, received)
            return None
        patience.deadline = trio.current_time() + IDLE_SECONDS
        await stream.send_all(response_bytes(response, received.request.method, received.is_last))
        return None if received.is_last else received.rest
    return None


async def receive_request(stream: trio.abc.Stream, pending: bytes) -> Received | None:
    """The next whole request, or None when the client has closed between requests."""
    data = pending or bytes(await stream.receive_some(RECEIVE_BYTES))
    if not data:
        return None
    plain = read_plain_request(data)
    if plain is not None and len(plain.body) <= BODY_LIMIT:
        return Received(plain)
    return await _receive_unusual(stream, data)


async def _receive_unusual(stream: trio.abc.Stream, data: bytes) -> Received:
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_LIMIT)
    http.receive_data(data)
    head = await _next_event(stream, http)
    if not isinstance(head, h11.Request):
        raise Refusal(400, "the connection ended before a request")
    body = bytearray()
    while isinstance(event := await _next_event(stream, http), h11.Data):
        body += event.data
        if len(body) > BODY_LIMIT:
            raise Refusal(413, f"a body holds at most {BODY_LIMIT} bytes")
    request = Request(head.method.decode(), head.target.decode(), list(head.headers), bytes(body))
    # Not DONE is: it said "connection: close", speaks HTTP/1.0, or hopes to switch protocols.
    return Received(request, bytes(http.trailing_data[0]), is_last=http.their_state is not h11.DONE)


async def _next_event(stream: trio.abc.Stream, http: h11.Connection) -> h11.Event:
    while True:
        try:
            event = http.next_event()
        except h11.RemoteProtocolError as error:
            raise Refusal(error.error_status_hint, str(error)) from None
        if isinstance(event, h11.Event):
            return event
        if http.they_are_waiting_for_100_continue:
            await stream.send_all(http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        http.receive_data(bytes(await stream.receive_some(RECEIVE_BYTES)))


async def serve_upgraded(upgrade: Upgrade, stream: trio.abc.Stream, received: Received) -> None:
    """Hand the connection over; a bug costs this connection and is seen on stderr."""
    try:
        await upgrade.serve(stream, received.request, received.rest)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # the client left: nothing is owed to it
    except Exception:
        traceback.print_exc(file=sys.stderr)


async def call_handler(handler: Handler, request: Request) -> Response | Upgrade:
    """A bug in a handler is a 500 and a traceback on stderr: a server that died would look like a fault."""
    try:
        return await handler(request)
    except Exception:
        traceback.print_exc(file=sys.stderr)
        return Response(500, ((b"content-type", b"text/plain"),), b"internal error of the lab\n")


async def refuse(stream: trio.abc.HalfCloseableStream, refusal: Refusal) -> None:
    """Say why, then let the client finish: closing on unread bytes would reset the answer away."""
    response = Response(refusal.status, ((b"content-type", b"text/plain"),), f"{refusal.reason}\n".encode())
    with trio.move_on_after(LINGER_SECONDS):
        try:
            await stream.send_all(response_bytes(response, "GET", is_last=True))
            await stream.send_eof()
            while await stream.receive_some(RECEIVE_BYTES):
                pass
        except trio.BrokenResourceError:
            pass
