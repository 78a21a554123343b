"""The opening handshake of a WebSocket; wsproto knows the protocol.

Rule: what is read beyond the server's head belongs to the frames and is handed on as it came.
"""

from __future__ import annotations

import re

from wsproto.connection import Connection, ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.handshake import H11Handshake
from wsproto.utilities import ProtocolError

from battlectl.observe import outcome
from battlectl.transport.base import Endpoint
from battlectl.transport.wire import ConnectError, Wire

LARGEST_HEAD = 64 * 1024
_BLANK_LINE = re.compile(rb"\n\r?\n")


async def shake_hands(wire: Wire, endpoint: Endpoint) -> tuple[Connection, bytes]:
    """The open connection, and the first bytes of its frames; raises ConnectError."""
    handshake = H11Handshake(ConnectionType.CLIENT)
    headers = [(name.encode(), value.encode()) for name, value in endpoint.headers]
    request = Request(endpoint.authority, endpoint.path, extra_headers=headers)
    await _send(wire, handshake.send(request))
    head, rest = await _read_head(wire)
    try:
        handshake.receive_data(head)
    except ProtocolError as error:
        raise _no_handshake(f"{type(error).__name__} {error}") from error
    for event in handshake.events():
        if isinstance(event, RejectConnection):
            seen = f"the WebSocket was refused with HTTP {event.status_code}"
            raise ConnectError(f"{outcome.HTTP_ERROR}({event.status_code})", seen)
        if isinstance(event, AcceptConnection):
            break
    connection = handshake.connection
    if connection is None:
        raise _no_handshake("no head of an HTTP reply")
    return connection, rest


async def _read_head(wire: Wire) -> tuple[bytes, bytes]:
    """All up to the blank line, and what came with it."""
    data = b""
    while len(data) <= LARGEST_HEAD:
        received = _received(wire)
        if received is None:
            await wire.readable()
            continue
        if not received:
            raise ConnectError(outcome.CLOSED, "the connection ended in the WebSocket handshake")
        data += received
        if found := _BLANK_LINE.search(data):
            return data[: found.end()], data[found.end() :]
    raise _no_handshake(f"a head of more than {LARGEST_HEAD} bytes")


def _received(wire: Wire) -> bytes | None:
    try:
        return wire.receive()
    except OSError:
        return b""


async def _send(wire: Wire, data: bytes) -> None:
    try:
        while data:
            data = wire.send(data)
            if data:
                await wire.writable()
    except OSError as error:
        raise ConnectError(outcome.CLOSED, "the connection ended in the WebSocket handshake") from error


def _no_handshake(why: str) -> ConnectError:
    return ConnectError(outcome.MALFORMED, f"no WebSocket handshake: {why}")
