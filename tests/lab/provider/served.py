"""A provider of a simulated chain behind a real port, in this process, and clients for it in threads."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import trio
from websockets.sync.client import ClientConnection, connect

from battlectl.lab.chain.chain import Chain, genesis_before
from battlectl.lab.faults.effect import Effect
from battlectl.lab.faults.kind import Kind, OnRequests, Parameters
from battlectl.lab.faults.scope import Fault, make_fault
from battlectl.lab.net.http_server import open_listener
from battlectl.lab.provider.node import SimulatedNode
from battlectl.lab.provider.provider import Provider
from battlectl.lab.provider.shared_chain import SharedChain
from battlectl.lab.proxies.behind import ClientStream
from battlectl.lab.proxies.stream import has_ended

LONG = 30.0


class PlainStream(ClientStream):
    """A socket without toxics."""

    def __init__(self, stream: trio.SocketStream, number: int) -> None:
        self.stream, self.number = stream, number

    async def send_all(self, data: Any) -> None:
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return bytes(await self.stream.receive_some(max_bytes))

    async def send_eof(self) -> None:
        await self.stream.send_eof()

    async def aclose(self) -> None:
        await self.stream.aclose()

    def reset(self) -> None:
        if self.stream.socket.fileno() >= 0:
            self.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.stream.socket.close()

    def has_left(self) -> bool:
        return has_ended(self.stream.socket.fileno())


@dataclass
class Served:
    """A provider at a port; `newest` is the number of the last connection, `refreshes` counts calls."""

    provider: Provider
    shared: SharedChain
    port: int = 0
    newest: int = 0
    refreshes: list[bool] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    async def inject(self, effect: type[Effect], **parameters: Any) -> Fault:
        """Put a fault in force whose effect takes no arguments."""
        fault = self.fault(effect, **parameters)
        await self.provider.add_fault(fault)
        return fault

    def fault(self, effect: type[Effect], **parameters: Any) -> Fault:
        """The same, not in force yet."""
        kind = kind_of(effect)
        return make_fault(effect.__name__, kind, kind.parameters(**parameters), self.newest)

    async def in_client(self, talk: Callable[[httpx.Client], Any]) -> Any:
        """What `talk` returns, in a thread, with an httpx client that keeps its connection."""

        def run() -> Any:
            with httpx.Client(base_url=self.url, timeout=LONG / 2, trust_env=False) as client:
                return talk(client)

        return await in_thread(run)

    async def in_socket(self, talk: Callable[[ClientConnection], Any], **options: Any) -> Any:
        """The same with a WebSocket of the `websockets` package."""

        def run() -> Any:
            with connect(self.ws_url, open_timeout=10, **options) as client:
                return talk(client)

        return await in_thread(run)


def kind_of(effect: type[Effect], parameters: type[Parameters] = OnRequests) -> Kind:
    """A kind that is not in the table."""
    make = lambda parameters, random: effect()  # noqa: E731
    return Kind(effect.__name__, "json-rpc", "a test", "nothing", parameters, make)


async def in_thread(run: Callable[[], Any]) -> Any:
    """Run blocking code, which must end in time."""
    with trio.fail_after(LONG):
        return await trio.to_thread.run_sync(run)


@asynccontextmanager
async def served(block_time: float = 1.0, seed: int = 7, latency: float = 0.0) -> AsyncIterator[Served]:
    """A provider with a chain of its own."""
    shared = SharedChain(Chain(seed, genesis_before(time.time(), block_time), block_time))
    async with trio.open_nursery() as nursery:
        provider = Provider(SimulatedNode(shared, "provider_a", latency), nursery)
        there = Served(provider, shared)
        provider.watch(lambda: there.refreshes.append(provider.listens))
        listener = await open_listener("127.0.0.1", 0)
        there.port = listener.socket.getsockname()[1]

        async def serve_one(stream: trio.SocketStream) -> None:
            there.newest += 1
            await provider.serve(PlainStream(stream, there.newest))

        nursery.start_soon(partial(trio.serve_listeners, serve_one, [listener]))
        yield there
        await provider.aclose()
        nursery.cancel_scope.cancel()


def request(method: str, *params: Any, id_: Any = 1) -> dict[str, Any]:
    """A request object."""
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}


def call(client: ClientConnection, method: str, *params: Any, id_: Any = 1) -> Any:
    """The response object of one call over a WebSocket on which nothing else comes."""
    client.send(json.dumps(request(method, *params, id_=id_)))
    return json.loads(client.recv(timeout=10))


def texts(client: ClientConnection, count: int, timeout: float = 10) -> list[Any]:
    """The next so many texts, decoded."""
    return [json.loads(client.recv(timeout=timeout)) for _ in range(count)]


async def until(holds: Callable[[], bool]) -> None:
    """Poll until it holds."""
    with trio.fail_after(LONG):
        while not holds():  # noqa: ASYNC110 - what is polled belongs to others
            await trio.sleep(0.01)
