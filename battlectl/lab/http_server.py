"""HTTP/1.1 on trio streams: h11 knows the protocol, the loop around it is ours.

Rule: one request at a time per connection (no pipelining), every limit is bounded, and whatever a client
sends costs at most its own connection. The loop is ours because a fault must be able to touch every byte
of an answer; it hands each whole answer to the stream in one piece.
"""

import math
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import h11
import trio

BODY_LIMIT = 8 * 1024 * 1024
HEADER_LIMIT = 32 * 1024
IDLE_SECONDS = 75.0  # to send a request, and to take its answer: nobody holds memory for ever
LINGER_SECONDS = 1.0
BACKLOG = 2_048
RECEIVE_BYTES = 65_536

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    """One whole request; header names are lower case, `target` is as sent."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Response:
    """Content-Length and Connection are the server's to add."""

    status: int
    headers: Headers = ()
    body: bytes = b""


Handler = Callable[[Request], Awaitable[Response]]


class Refusal(Exception):
    """The request cannot be served; the connection ends with this status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def json_response(status: int, body: bytes, headers: Headers = ()) -> Response:
    return Response(status, ((b"content-type", b"application/json"), *headers), body)


async def open_listener(host: str, port: int) -> trio.SocketListener:
    """A listener on the one address `host`; port 0 takes a free one. Raises OSError when it is taken."""
    (listener,) = await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    return listener


def listener_url(listener: trio.SocketListener) -> str:
    host, port = listener.socket.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(listener: trio.SocketListener, handler: Handler) -> None:
    """Serve until cancelled. (trio's SocketStream turns Nagle's delay off by itself.)"""

    async def one_connection(stream: trio.SocketStream) -> None:
        await serve_connection(stream, handler)

    await trio.serve_listeners(one_connection, [listener])


async def serve_connection(stream: trio.abc.HalfCloseableStream, handler: Handler) -> None:
    """Answer the requests of one connection, until either side ends it."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_LIMIT)
    try:
        while await _one_exchange(stream, connection, handler):
            connection.start_next_cycle()
    except Refusal as refusal:
        await _refuse(stream, connection, refusal)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass  # the client left: nothing is owed to it
    finally:
        await trio.aclose_forcefully(stream)


async def _one_exchange(stream: trio.abc.Stream, connection: h11.Connection, handler: Handler) -> bool:
    """Whether the connection can carry another exchange after this one."""
    with trio.move_on_after(IDLE_SECONDS) as patience:
        request = await _receive_request(stream, connection)
        if request is None:
            return False
        patience.deadline = math.inf  # how long the handler takes is its own business
        answer = response_bytes(connection, request, await _call(handler, request))
        patience.deadline = trio.current_time() + IDLE_SECONDS
        await stream.send_all(answer)
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE
    return False


async def _receive_request(stream: trio.abc.Stream, connection: h11.Connection) -> Request | None:
    """The next whole request, or None when the client has closed between requests."""
    head = await _next_event(stream, connection)
    if not isinstance(head, h11.Request):
        return None
    body = bytearray()
    while isinstance(event := await _next_event(stream, connection), h11.Data):
        body += event.data
        if len(body) > BODY_LIMIT:
            raise Refusal(413, f"a body holds at most {BODY_LIMIT} bytes")
    return Request(head.method.decode("ascii"), head.target.decode("ascii"), list(head.headers), bytes(body))


async def _next_event(stream: trio.abc.Stream, connection: h11.Connection) -> h11.Event:
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise Refusal(error.error_status_hint, str(error)) from None
        if isinstance(event, h11.Event):
            return event
        if event is h11.PAUSED:
            raise Refusal(400, "this server does not switch protocols")
        if connection.they_are_waiting_for_100_continue:
            await stream.send_all(
                connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
            )
        connection.receive_data(bytes(await stream.receive_some(RECEIVE_BYTES)))


async def _call(handler: Handler, request: Request) -> Response:
    """A bug in a handler is a 500 and a traceback on stderr: a server that died would look like a fault."""
    try:
        return await handler(request)
    except Exception:
        traceback.print_exc(file=sys.stderr)
        return Response(500, ((b"content-type", b"text/plain"),), b"internal error of the lab\n")


def response_bytes(connection: h11.Connection, request: Request, response: Response) -> bytes:
    """The whole answer as it goes on the wire."""
    headers = list(response.headers)
    if response.status != 204:
        headers.append((b"content-length", b"%d" % len(response.body)))
    parts = [connection.send(_head(response.status, headers))]
    if response.body and request.method != "HEAD":
        parts.append(connection.send(h11.Data(data=response.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


def _head(status: int, headers: list[tuple[bytes, bytes]]) -> h11.Response:
    return h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode())


async def _refuse(stream: trio.abc.HalfCloseableStream, connection: h11.Connection, refusal: Refusal) -> None:
    """Say why, then let the client finish: closing on unread bytes would reset the answer away."""
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    body = f"{refusal.reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    head = connection.send(_head(refusal.status, headers)) or b""
    with trio.move_on_after(LINGER_SECONDS):
        try:
            await stream.send_all(head + body)
            await stream.send_eof()
            while await stream.receive_some(RECEIVE_BYTES):
                pass
        except trio.BrokenResourceError:
            pass
