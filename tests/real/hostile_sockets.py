"""A WebSocket server that shakes hands properly, grants subscriptions, and then does whatever a test wants.

Rule: `raw` sends bytes as they are, frame or no frame; nothing here answers a ping or reads unless the test
says so. A connection that the other side has left is the end of its talk and no error.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request, TextMessage

from battlectl.transport.base import Endpoint, parse_endpoint

TEXT, CLOSE, PING = 0x81, 0x88, 0x89
TEXT_BEGINS, CONTINUED = 0x01, 0x00
CHUNK = bytes(64 * 1024)
GRANTED = "0x1"


def frame(kind: int, payload: bytes = b"") -> bytes:
    """A whole frame as a server sends it: final, unmasked, of up to 64 KiB."""
    if len(payload) < 126:
        return bytes((kind, len(payload))) + payload
    return bytes((kind, 126)) + len(payload).to_bytes(2, "big") + payload


def huge(length: int) -> bytes:
    """The head of a text frame that says to be so long."""
    return bytes((TEXT, 127)) + length.to_bytes(8, "big")


def hash_of(number: int) -> str:
    """The hash of the only block of that number."""
    return f"0x{number:064x}"


def header(number: int, padding: int = 0) -> bytes:
    """A frame with a new head, longer by so many bytes."""
    head = {"number": hex(number), "hash": hash_of(number), "parentHash": hash_of(number - 1)}
    told = {"subscription": GRANTED, "result": {**head, "extraData": "0x" + "0" * padding}}
    return frame(TEXT, json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": told}).encode())


class Peer:
    """One connection. Mutable: it is a stream with a protocol."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.sent = 0
        self._protocol = WSConnection(ConnectionType.SERVER)

    async def raw(self, data: bytes) -> None:
        """Send that and nothing else."""
        await self.stream.send_all(data)
        self.sent += len(data)

    async def shake_hands(self) -> None:
        """Accept the WebSocket."""
        await self._next(Request)
        await self.raw(self._protocol.send(AcceptConnection()))

    async def told(self) -> dict[str, Any]:
        """The next message."""
        found: dict[str, Any] = json.loads((await self._next(TextMessage)).data)
        return found

    async def grant(self) -> None:
        """Shake hands, and grant the first thing that is asked for, which is a subscription."""
        await self.shake_hands()
        reply = {"jsonrpc": "2.0", "id": (await self.told())["id"], "result": GRANTED}
        await self.raw(frame(TEXT, json.dumps(reply).encode()))

    async def _next(self, kind: type[Any]) -> Any:
        while True:
            for event in self._protocol.events():
                if isinstance(event, kind):
                    return event
            data = await self.stream.receive_some(65_536)
            if not data:
                raise trio.BrokenResourceError
            self._protocol.receive_data(data)


Talk = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def hostile(talk: Talk) -> AsyncIterator[tuple[Endpoint, list[Peer]]]:
    """The address of such a server, and its connections so far; `talk` is had with each."""
    peers: list[Peer] = []

    async def handle(stream: trio.SocketStream) -> None:
        peers.append(Peer(stream))
        try:
            await talk(peers[-1])
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, handle, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        yield parse_endpoint(f"http://127.0.0.1:{port}/"), peers
        nursery.cancel_scope.cancel()
