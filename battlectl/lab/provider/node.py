"""A simulated node: the chain's answers over HTTP and WebSocket, after a delay when one is asked for.

Rule: what a node shows is the shared chain at this moment, as the provider's faults let it be seen. It keeps
filters and nothing else; ids are seeded by its name, so they differ between the providers of a lab.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import count
from typing import Any

import trio

from battlectl.lab.chain.chain import View
from battlectl.lab.faults.kind import Where
from battlectl.lab.net.http_server import json_response
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.provider import filters
from battlectl.lab.provider.backend import See
from battlectl.lab.provider.sessions import NodeSession
from battlectl.lab.provider.shared_chain import SharedChain
from battlectl.lab.rpc import envelope, pool
from battlectl.lab.rpc import methods as node_rpc
from battlectl.lab.rpc.envelope import INVALID_PARAMS, UNKNOWN_METHOD, RpcError

SUBSCRIBING = frozenset({"eth_subscribe", "eth_unsubscribe"})


class SimulatedNode:
    """A Backend; `latency` in seconds is added to every answer."""

    where: Where = "node"

    def __init__(self, shared: SharedChain, name: str, latency: float = 0.0) -> None:
        self._shared = shared
        self._latency = latency
        self._ids = ids_of(f"{shared.chain.seed}/{name}")
        self._filters = filters.Filters(self._ids)

    async def head(self) -> int:
        """Of the shared chain, faults apart."""
        return self._shared.view().head

    async def fork_start(self, depth: int, salt: int) -> int:
        """The same as for other nodes that are asked at nearly the same time."""
        return self._shared.fork_start(depth, salt, self)

    async def respond(self, request: Request, body: bytes, see: See) -> Response:
        """The answer to a POST; other methods are 405."""
        if request.method != "POST":
            return json_response(405, b'{"error":"JSON-RPC wants POST"}', ((b"allow", b"POST"),))
        if self._latency:
            await trio.sleep(self._latency)
        view = see(self._shared.view())
        answer = envelope.answer(body, lambda method, params: self._call_over_http(view, method, params))
        return Response(204) if answer is None else json_response(200, answer)

    @asynccontextmanager
    async def session(self, request: Request, see: See) -> AsyncIterator[NodeSession]:
        """A WebSocket with the same methods and subscriptions."""
        session = NodeSession(self._shared, see, self._call, self._ids, self._latency)
        with self._shared.watch(session.wake):
            yield session

    def look_again(self) -> None:
        """The faults in force have changed, and with them what is to be seen."""
        self._shared.look_again()

    def forget(self) -> None:
        """As a new process does."""
        self._filters = filters.Filters(self._ids)

    async def close(self) -> None:
        """Nothing is open."""

    def _call_over_http(self, view: View, method: str, params: Any) -> Any:
        if method in SUBSCRIBING:
            raise RpcError(UNKNOWN_METHOD, "notifications not supported")
        return self._call(view, method, params)

    def _call(self, view: View, method: str, params: Any) -> Any:
        if method not in filters.METHODS and method not in pool.METHODS:
            return node_rpc.call_method(view, method, params)
        if isinstance(params, dict):
            raise RpcError(INVALID_PARAMS, "non-array args")
        if method in pool.METHODS:
            return self._shared.pool.call(method, params or [])
        return self._filters.call(method, view, params or [])


def ids_of(seed: str) -> Iterator[str]:
    """Ids as geth gives them: 16 bytes in hex, never the same twice."""
    for number in count():
        yield "0x" + sha256(f"{seed}/id/{number}".encode()).hexdigest()[:32]
