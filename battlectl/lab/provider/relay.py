"""A relay: a provider whose answers come from a real node.

Rule: what a client says reaches the node as it was said, and what the node says reaches the client byte for
byte, with the headers that are not about the connection. Only compression is left out (Accept-Encoding,
WebSocket extensions), because faults read bodies. Whatever path a client asks for, the node is asked at the
path of its own URL. A node that gives no answer is Unreachable; there are no deadlines here. https and wss
are trio's TLS, with the system's certificate authorities. An answer has at most 32 MiB (upstream.py), a
WebSocket text of the node as well (ws_client.py): over HTTP more is Unreachable, over WebSocket it is 1009.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from battlectl.lab.faults.kind import Where
from battlectl.lab.net import upstream
from battlectl.lab.net.upstream import Pool, UpstreamError
from battlectl.lab.net.wire import Headers, Request, Response
from battlectl.lab.net.ws_client import ClientSocket, HandshakeFailed, open_socket
from battlectl.lab.provider.backend import Ended, See, Unreachable
from battlectl.lab.provider.relay_address import RelayAddress

OF_THE_CONNECTION = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"),
        *(b"upgrade", b"host", b"content-length", b"expect", b"accept-encoding"),
    }
)
BODILESS_METHODS = frozenset({"HEAD", "CONNECT"})
HEAD_QUESTION = b'{"jsonrpc":"2.0","id":"battlectl-relay","method":"eth_blockNumber","params":[]}'


class _HeadReply(msgspec.Struct):
    result: str


@dataclass(frozen=True, slots=True)
class Relay:
    """The node at `address`. Its pool of connections is all that changes; `close` ends what is idle in it."""

    address: RelayAddress
    pool: Pool
    tls: ssl.SSLContext | None = None
    where: Where = "relay"

    async def head(self) -> int:
        """What the node says to eth_blockNumber; anything else is Unreachable."""
        try:
            reply = await upstream.post(self.pool, HEAD_QUESTION, ())
            return int(msgspec.json.decode(reply.body, type=_HeadReply).result, 16)
        except (UpstreamError, ValueError, RecursionError) as error:
            raise Unreachable(f"no head: {error}") from None

    async def fork_start(self, depth: int, salt: int) -> int:
        """Unreachable: a real node has its own chain, and no other."""
        raise Unreachable("a real node's chain cannot be forked")

    async def respond(self, request: Request, body: bytes, see: See) -> Response:
        """What the node says, of whatever status."""
        if request.method in BODILESS_METHODS:
            return Response(405, ((b"allow", b"POST"),))
        try:
            reply = await upstream.request(self.pool, request.method, passed_on(request.headers), body)
        except UpstreamError as error:
            raise Unreachable(str(error)) from None
        return Response(reply.status, passed_on(reply.headers), reply.body)

    @asynccontextmanager
    async def session(self, request: Request, see: See) -> AsyncIterator[RelaySession]:
        """A WebSocket to the node, with the client's headers; cut off at the end."""
        try:
            async with open_socket(self.address.ws_url, handshake_headers(request), self.tls) as socket:
                yield RelaySession(socket)
        except HandshakeFailed as failure:
            raise Unreachable(str(failure), _end_to_end(failure.refusal)) from None

    def look_again(self) -> None:
        """Nothing to do: the node's answers are changed one by one."""

    def forget(self) -> None:
        """Nothing to do: the real node goes on."""

    async def close(self) -> None:
        """Close the idle connections."""
        await upstream.close(self.pool)


class RelaySession:
    """The node's end of one client's WebSocket: both wait for each other, so neither fills the memory."""

    def __init__(self, socket: ClientSocket) -> None:
        self._socket = socket

    async def send(self, text: bytes, see: See) -> None:
        """One message to the node; waits while the node does not read."""
        await self._socket.send(text)

    async def receive(self) -> bytes | Ended:
        """One message of the node."""
        return await self._socket.receive()

    async def client_ended(self, how: Ended) -> None:
        """A close frame is passed on; a client that just went away leaves the node to find that out."""
        if how.code is not None:
            await self._socket.close(how.code, how.reason)


def relay_to(address: RelayAddress, tls: ssl.SSLContext | None = None) -> Relay:
    """A relay; `tls` in place of the system's certificate authorities. Nothing is connected yet."""
    return Relay(address, upstream.pool_for(address.url, tls), tls)


def passed_on(headers: Headers) -> Headers:
    """The headers that are meant for the other end."""
    return [field for field in headers if field[0] not in OF_THE_CONNECTION]


def handshake_headers(request: Request) -> Headers:
    """The same of a WebSocket handshake, whose own headers each connection makes for itself."""
    headers = passed_on(request.headers)
    return [(name, value) for name, value in headers if not name.startswith(b"sec-websocket-")]


def _end_to_end(refusal: Response | None) -> Response | None:
    if refusal is None:
        return None
    return Response(refusal.status, passed_on(refusal.headers), refusal.body)
