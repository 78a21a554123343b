"""Servers that misbehave on the connection itself: they reset, hang, close, or never stop.

Rule: each function does to one connection what it is named after; returning closes it cleanly (FIN). Nothing
is left unread when one closes, because closing over unread bytes would be a RST.
"""

from tests.servers.connection import Connection
from tests.servers.replies import echo
from tests.servers.wire import chunk, encode, head, result

GIGABYTE = 1_000_000_000
BLOCK = b"x" * 65536


def reset(connection: Connection) -> None:
    """Read the request, then RST."""
    if connection.read_request():
        connection.reset()


def hang(connection: Connection) -> None:
    """Read the request, never answer."""
    connection.wait_for_peer() if connection.read_request() else None


def close_each(connection: Connection) -> None:
    """Read the request, close without a byte."""
    connection.read_request()


def truncate(connection: Connection, *, missing: int = 20) -> None:
    """A reply that ends `missing` bytes before its Content-Length."""
    if request := connection.read_request():
        connection.send(echo(request)[:-missing])


def no_length(connection: Connection) -> None:
    """A right reply that only the close ends; that is legal."""
    if request := connection.read_request():
        connection.send(head(content_type="application/json", connection="close"))
        connection.send(encode(result(request.call)))


def close_after_n(connection: Connection, *, n: int = 1, announce: bool = True) -> None:
    """Answer n requests, then close; with `Connection: close` on the last reply, or without a word."""
    for left in reversed(range(n)):
        request = connection.read_request()
        if request is None:
            return
        reply = echo(request)
        if announce and left == 0:
            reply = reply.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)
        connection.send(reply)


def drop_after_n(connection: Connection, *, n: int = 1) -> None:
    """Answer n requests, read one more, close without a byte: a keep-alive limit that won the race."""
    close_after_n(connection, n=n, announce=False)
    connection.read_request()


def idle_close(connection: Connection, *, after: float = 1.0) -> None:
    """Answer, but close a connection on which nothing came for `after` seconds."""
    connection.sock.settimeout(after)
    while request := connection.read_request():
        connection.send(echo(request))


def endless(connection: Connection, *, size: int = 10 * GIGABYTE, chunked: bool = False) -> None:
    """A body of `size` bytes, sent until the peer goes away."""
    if not connection.read_request():
        return
    framing: dict[str, str | int] = {"transfer_encoding": "chunked"} if chunked else {"content_length": size}
    connection.send(head(content_type="application/json", **framing))
    block = chunk(BLOCK) if chunked else BLOCK
    for _ in range(size // len(BLOCK) + 1):
        connection.send(block)


def drip(connection: Connection, *, interval: float = 1.0, in_headers: bool = False) -> None:
    """The right reply, a byte each `interval`: its body, or all of it."""
    if not (request := connection.read_request()):
        return
    reply = echo(request)
    at_once = 0 if in_headers else len(reply) - len(encode(result(request.call)))
    connection.send(reply[:at_once])
    for byte in reply[at_once:]:
        connection.send(bytes([byte]))
        connection.pause(interval)
