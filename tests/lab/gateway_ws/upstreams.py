"""Simulated nodes on real sockets that can be killed and muted, a gateway over them, and clients of it.

The clients are the `websockets` package's, in a thread with an event loop of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, TypeVar

import msgspec
import trio
import websockets
from websockets.asyncio.client import ClientConnection, connect

from battlectl.lab.chain.chain import Chain, View, block_hash, genesis_before
from battlectl.lab.gateway.app import build_gateway, gateway_handler, run_background
from battlectl.lab.gateway.settings import GatewaySettings, ProviderSettings
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws.front import upgrade_handler
from battlectl.lab.gateway.ws.hub import Hub
from battlectl.lab.net.http_server import Upgrade, listener_url, open_listener, serve, serve_connection
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.net.ws_server import Ended, Manners, WebSocket, wants_websocket, websocket_upgrade
from battlectl.lab.provider.node import SimulatedNode
from battlectl.lab.provider.shared_chain import SharedChain

BLOCK_TIME = 0.1
PATIENCE = 30.0
T = TypeVar("T")
NAMES = ("mock_a", "mock_b", "mock_c")


@dataclass(eq=False)
class Upstream:
    """A node that obeys tests: what is set here holds from the next message on."""

    name: str
    shared: SharedChain
    lag: int = 0
    chain: Chain | None = None  # another one than all others have
    is_mute: bool = False  # pings are answered, events are not sent
    is_deaf: bool = False  # half-open: nothing is answered, nothing is sent
    rejects: bool = False  # eth_subscribe is an error
    loses_logs: bool = False  # eth_getLogs leaves all out
    change: Callable[[dict[str, Any]], list[dict[str, Any]]] = lambda event: [event]
    listener: trio.SocketListener | None = None
    streams: set[trio.SocketStream] = field(default_factory=set)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    subscribed: int = 0
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.node = SimulatedNode(self.shared, self.name)

    @property
    def url(self) -> str:
        assert self.listener is not None
        return listener_url(self.listener)

    def see(self, view: View) -> View:
        return View(self.chain or view.chain, max(0, view.head - self.lag))

    async def open(self, nursery: trio.Nursery, port: int = 0) -> None:
        """Listen; the port that it had before, when it comes back."""
        self.listener = await open_listener("127.0.0.1", port)
        nursery.start_soon(self._serve, self.listener)

    def kill(self) -> int:
        """As a process dies: the port is closed, every connection reset; returns the port."""
        assert self.listener is not None
        port: int = self.listener.socket.getsockname()[1]
        self.scope.cancel()
        for stream in self.streams:
            if stream.socket.fileno() >= 0:
                stream.socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                stream.socket.close()
        return port

    async def _serve(self, listener: trio.SocketListener) -> None:
        async def one(stream: trio.SocketStream) -> None:
            self.streams.add(stream)
            try:
                await serve_connection(stream, self.handle)
            finally:
                self.streams.discard(stream)

        with trio.CancelScope() as self.scope:
            await trio.serve_listeners(one, [listener])

    async def handle(self, request: Request) -> Response | Upgrade:
        if wants_websocket(request):
            manners = Manners(lambda: not self.is_deaf, lambda: self.is_deaf)
            return websocket_upgrade(request, partial(self._converse, request), manners)
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            self.calls.append(msgspec.json.decode(request.body)["method"])
        if self.loses_logs and b"eth_getLogs" in request.body:
            return Response(200, (), b'{"jsonrpc":"2.0","id":1,"result":[]}')
        return await self.node.respond(request, request.body, self.see)

    async def _converse(self, request: Request, socket: WebSocket) -> None:
        async with self.node.session(request, self.see) as session, trio.open_nursery() as nursery:

            async def announce() -> None:
                while not isinstance(text := await session.receive(), Ended):
                    for message in self._changed(json.loads(text)):
                        await socket.send(json.dumps(message).encode())

            nursery.start_soon(announce)
            while not isinstance(text := await socket.receive(), Ended):
                if b"eth_subscribe" in text and self.rejects:
                    id_ = json.loads(text)["id"]
                    error = {"code": -32000, "message": "no more subscriptions"}
                    await socket.send(json.dumps({"jsonrpc": "2.0", "id": id_, "error": error}).encode())
                    continue
                self.subscribed += b"eth_subscribe" in text
                await session.send(text, self.see)
            nursery.cancel_scope.cancel()

    def _changed(self, message: Any) -> list[Any]:
        if not isinstance(message, dict) or message.get("method") != "eth_subscription":
            return [] if self.is_deaf else [message]
        return [] if self.is_mute or self.is_deaf else self.change(message)


@dataclass(eq=False)
class Lab:
    """Everything at once."""

    shared: SharedChain
    upstreams: dict[str, Upstream]
    gateway: Gateway
    hub: Hub
    url: str
    nursery: trio.Nursery

    @property
    def ws_url(self) -> str:
        return "ws" + self.url.removeprefix("http")

    @property
    def head(self) -> int:
        return self.shared.view().head

    def canonical(self, number: int) -> str:
        return block_hash(self.shared.chain, number)

    def followed(self) -> Upstream | None:
        """Whose stream the gateway listens to now."""
        running = self.hub._running.get((None, None))
        followed = running.feed.follower.followed if running else None
        return self.upstreams[followed.provider.id] if followed else None

    def events(self, event: str, what: str | None = None) -> list[dict[str, Any]]:
        """What the truth has of one kind."""
        kept = list(self.gateway.truth.events.get(event, ()))
        return kept if what is None else [item for item in kept if item.get("what") == what]


@asynccontextmanager
async def lab(
    block_time: float = BLOCK_TIME, stall_after: float | None = 1.0, **settings: Any
) -> AsyncIterator[Lab]:
    """Three nodes and a gateway over them."""
    shared = SharedChain(Chain(7, genesis_before(time.time(), block_time), block_time))
    upstreams = {name: Upstream(name, shared) for name in NAMES}
    async with trio.open_nursery() as nursery:
        for upstream in upstreams.values():
            await upstream.open(nursery)
        providers = tuple(
            ProviderSettings(name, each.url, "ws" + each.url.removeprefix("http"))
            for name, each in upstreams.items()
        )
        gateway = build_gateway(GatewaySettings(providers, **settings))
        hub = Hub(gateway, stall_after)
        listener = await open_listener("127.0.0.1", 0)
        nursery.start_soon(hub.run)
        nursery.start_soon(run_background, gateway)
        nursery.start_soon(serve, listener, gateway_handler(gateway, upgrade_handler(gateway, hub)))
        try:
            yield Lab(shared, upstreams, gateway, hub, listener_url(listener), nursery)
        finally:
            nursery.cancel_scope.cancel()


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for something to become so; AssertionError when it does not in time."""
    with trio.move_on_after(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for may happen in another thread
            await trio.sleep(0.02)
        return
    raise AssertionError(f"did not become so within {seconds:g} s")


class Subscriber:
    """A client's WebSocket, in the loop of `Clients`: replies by id, events by subscription, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Any] = []
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.closed: tuple[int | None, str | None] | None = None
        self._asked: dict[Any, tuple[str, asyncio.Future[Any]]] = {}
        self._ids = itertools.count(1)
        self._loop = asyncio.get_running_loop()
        self._reading = asyncio.ensure_future(self._read())

    async def call(self, method: str, *params: Any, **more: Any) -> Any:
        """The whole reply."""
        id_ = next(self._ids)
        self._asked[id_] = (method, asyncio.get_running_loop().create_future())
        body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)} | more
        await self.connection.send(json.dumps(body))
        return await asyncio.wait_for(self._asked[id_][1], PATIENCE)

    async def subscribe(self, *params: Any) -> list[dict[str, Any]]:
        """What will have been heard of it."""
        reply = await self.call("eth_subscribe", *params)
        return self.heard[reply["result"]]

    def expect(self, sent: Any) -> None:
        """A call that `send` is about to make."""
        if isinstance(sent, dict) and "id" in sent:
            self._asked[sent["id"]] = (sent["method"], asyncio.Future(loop=self._loop))

    async def send(self, text: str) -> None:
        await self.connection.send(text)

    async def close(self) -> None:
        await self.connection.close()
        await self._reading

    async def _read(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                self._take(json.loads(await self.connection.recv()))
        self.closed = (self.connection.close_code, self.connection.close_reason)

    def _take(self, frame: Any) -> None:
        self.frames.append(frame)
        if frame.get("method") == "eth_subscription":
            # An event before the reply is a KeyError: the reader dies, and the test with it.
            self.heard[frame["params"]["subscription"]].append(frame["params"]["result"])
        elif frame.get("id") in self._asked:
            method, reply = self._asked[frame["id"]]
            if method == "eth_subscribe" and "result" in frame:
                self.heard[frame["result"]] = []
            if not reply.done():
                reply.set_result(frame)


class Clients:
    """Clients that are not ours, in a thread of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.opened: list[Subscriber] = []

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it in the thread's loop, and wait for it in trio's."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        return await trio.to_thread.run_sync(future.result)

    async def open(self, url: str, **options: Any) -> Subscriber:
        """A new client."""

        async def dial() -> Subscriber:
            return Subscriber(await connect(url, **options))

        subscriber = await self.do(dial())
        self.opened.append(subscriber)
        return subscriber


@asynccontextmanager
async def clients() -> AsyncIterator[Clients]:
    """The thread, for the length of a test; what is open is closed."""
    those = Clients()
    thread = threading.Thread(target=those.loop.run_forever)
    thread.start()
    try:
        yield those
    finally:
        with trio.CancelScope(shield=True):
            for subscriber in those.opened:
                await those.do(subscriber.close())
            those.loop.call_soon_threadsafe(those.loop.stop)
            await trio.to_thread.run_sync(thread.join)
        those.loop.close()
