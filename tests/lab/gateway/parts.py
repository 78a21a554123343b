"""Gateways over scripted handlers, and over simulated nodes whose state a test can turn as it likes."""

import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import trio

from battlectl.lab.chain.chain import Chain, View, genesis_before, view_at
from battlectl.lab.gateway.app import build_gateway, gateway_handler
from battlectl.lab.gateway.probing import probe_round, take_stock
from battlectl.lab.gateway.settings import GatewaySettings, ProviderSettings, default_deadlines
from battlectl.lab.net import upstream
from battlectl.lab.net.http_server import json_response, listener_url, open_listener, serve
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.rpc import methods

CALL = b'{"jsonrpc":"2.0","id":7,"method":"eth_gasPrice"}'
OK = b'{"jsonrpc":"2.0","id":7,"result":"0x3e7"}'


def call(method, *params, id_=7):
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}).encode()


def error_body(code, message="no"):
    return json.dumps({"jsonrpc": "2.0", "id": 7, "error": {"code": code, "message": message}}).encode()


def answering(response, seen=None):
    async def handle(request):
        if seen is not None:
            seen.append(request)
        return response

    return handle


async def hang(request):
    await trio.sleep_forever()


def settings_for(urls, attempt_s=5.0, **fields):
    providers = tuple(ProviderSettings(id_, url, priority=n) for n, (id_, url) in enumerate(urls.items(), 1))
    return GatewaySettings(providers, deadlines=default_deadlines(attempt_s), **fields)


@asynccontextmanager
async def gateway_over(*handlers, attempt_s=5.0, **fields):
    """A gateway in front of one server per handler, p0, p1, ...; a handler of None is a refused port."""
    async with trio.open_nursery() as nursery:
        urls = {}
        for index, handler in enumerate(handlers):
            listener = await open_listener("127.0.0.1", 0)
            urls[f"p{index}"] = listener_url(listener)
            if handler is None:
                await listener.aclose()
            else:
                nursery.start_soon(serve, listener, handler)
        gateway = build_gateway(settings_for(urls, attempt_s, **fields))
        try:
            yield gateway
        finally:
            await close_pools(gateway)
            nursery.cancel_scope.cancel()


async def close_pools(gateway):
    with trio.CancelScope(shield=True):
        for provider in gateway.providers:
            await upstream.close(provider.pool)


async def ask(gateway, body=CALL, path="/", method="POST", headers=()):
    return await gateway_handler(gateway)(Request(method, path, headers, body))


async def result_of(gateway, method, *params, path="/", id_=7):
    """The reply's document."""
    return json.loads((await ask(gateway, call(method, *params, id_=id_), path)).body)


def header(response, name):
    return dict(response.headers).get(name)


def served_by(response):
    """The provider's id, or None when the gateway answered."""
    found = header(response, b"x-lab-provider")
    return None if found is None else found.decode()


def events(gateway, kind):
    return list(gateway.truth.events.get(kind, ()))


@dataclass
class Node:
    """A simulated node. What a test changes takes effect with the next request.

    `head` None is the chain's own; `refuse` answers these methods with that response.
    """

    name: str
    chain: Chain
    head: int | None = None
    behind: int = 0
    response: Response | None = None
    refuse: dict[str, Response] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    delay: float = 0.0
    port: int = 0
    url: str = ""
    scope: trio.CancelScope | None = None
    connections: set = field(default_factory=set)

    def view(self):
        if self.head is not None:
            return View(self.chain, self.head)
        view = view_at(self.chain, time.time())
        return View(self.chain, view.head - self.behind)

    async def handle(self, request):
        value = msgspec.json.decode(request.body)
        names = [item["method"] for item in (value if isinstance(value, list) else [value])]
        self.seen += names
        if self.delay:
            await trio.sleep(self.delay)
        refused = next((self.refuse[name] for name in names if name in self.refuse), self.response)
        if refused is not None:
            return refused
        answer = methods.answer(self.view(), request.body)
        return Response(204) if answer is None else json_response(200, answer)

    async def up(self, nursery):
        """Listen, at the same port as before if there was one."""
        listener = await open_listener("127.0.0.1", self.port)
        self.port, self.url = listener.socket.getsockname()[1], listener_url(listener)
        self.scope = trio.CancelScope()

        async def run():
            with self.scope:
                await serve(listener, self.handle)

        nursery.start_soon(run)

    def down(self):
        """Close the port and every connection, as a dead process does."""
        self.scope.cancel()


def new_chain(seed=1, block_time=1_000.0):
    """With a long block time, the head stands still for the length of a test."""
    return Chain(seed, genesis_before(time.time(), block_time), block_time)


@asynccontextmanager
async def simulated(count=3, block_time=1_000.0, attempt_s=2.0, ws=False, **fields):
    """(gateway, nodes, nursery): mock_a, mock_b, ... on one chain behind a gateway that nobody probes."""
    chain = new_chain(block_time=block_time)
    nodes = [Node(f"mock_{chr(ord('a') + n)}", chain) for n in range(count)]
    async with trio.open_nursery() as nursery:
        for node in nodes:
            await node.up(nursery)
        gateway = build_gateway(settings_for({node.name: node.url for node in nodes}, attempt_s, **fields))
        try:
            yield gateway, nodes, nursery
        finally:
            await close_pools(gateway)
            nursery.cancel_scope.cancel()


async def probe_all(gateway):
    """One round, to the end of its slowest probe."""
    async with trio.open_nursery() as nursery:
        await probe_round(gateway, nursery)
    take_stock(gateway)
