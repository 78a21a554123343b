"""The process of the providers: a chain that they share, a proxy for each, and the admin API over them.

Rule: this file only puts together what others wrote. "lab:NAME" as the upstream of a proxy is a simulated
node whose ids are seeded by NAME, a URL is a relay; the admin API can make more of either.
"""

from __future__ import annotations

import time
from functools import partial
from random import Random
from typing import Annotated, Any

import msgspec
import trio
from msgspec import Meta

from battlectl.lab.admin.app import admin_handler
from battlectl.lab.chain.chain import Chain, genesis_before
from battlectl.lab.net import upstream
from battlectl.lab.net.http_server import listener_url, serve
from battlectl.lab.net.upstream import UpstreamError
from battlectl.lab.process import EXIT_USAGE, CannotListen, Port, Tell, listen
from battlectl.lab.provider.node import SimulatedNode
from battlectl.lab.provider.provider import Provider
from battlectl.lab.provider.relay import Relay, relay_to
from battlectl.lab.provider.relay_address import BadAddress, read_address
from battlectl.lab.provider.shared_chain import SharedChain
from battlectl.lab.proxies.addresses import SIMULATED, Address, BeyondLoopback
from battlectl.lab.proxies.behind import Behind
from battlectl.lab.proxies.proxy import Proxy
from battlectl.lab.proxies.table import NoSuchUpstream, ProxyTable
from battlectl.lab.spec import provider_ids

LOOK_SECONDS = 2.0
"""How long the node behind a relay may take to say which chain it is on, when the lab starts."""
CHAIN_QUESTION = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One provider: simulated, or with `upstream` (see relay_address.py) the relay in front of that node."""

    id: str
    upstream: str | None = None


class ProvidersSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that the process knows when it starts; `admin_ports` are tried in turn, 0 being any. Times in s."""

    providers: tuple[ProviderSettings, ...] = tuple(ProviderSettings(id_) for id_ in provider_ids(3))
    seed: int = 1
    block_time_s: Annotated[float, Meta(gt=0)] = 1.0
    latency_s: Annotated[float, Meta(ge=0)] = 0.0
    host: str = "127.0.0.1"
    admin_ports: Annotated[tuple[Port, ...], Meta(min_length=1)] = (0,)
    token: str | None = None
    allow_any_address: bool = False

    def __post_init__(self) -> None:
        """ValueError, which msgspec makes a ValidationError, for two providers of one name."""
        names = [provider.id for provider in self.providers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'two providers are called "{name}"')


class _ChainReply(msgspec.Struct):
    result: str


async def serve_providers(settings: ProvidersSettings, tell: Tell) -> None:
    """Serve until cancelled."""
    genesis = genesis_before(time.time(), settings.block_time_s)
    shared = SharedChain(Chain(settings.seed, genesis, settings.block_time_s))
    admin = await listen(settings.host, settings.admin_ports, settings.allow_any_address)
    async with trio.open_nursery() as nursery:
        make_behind = partial(provider_for, shared, settings.latency_s, nursery)
        table = ProxyTable(nursery, make_behind, settings.allow_any_address, Random(settings.seed))
        try:
            for provider in settings.providers:
                await _open(table, settings.host, provider)
            tell({"admin_url": listener_url(admin), **await _look_at_all(table, settings.host)})
            await serve(admin, admin_handler(table, nursery, settings.token, shared))
        finally:
            with trio.CancelScope(shield=True):
                await table.aclose()


def provider_for(
    shared: SharedChain, latency: float, nursery: trio.Nursery, name: str, upstream: str
) -> Behind:
    """What stands behind a proxy with such an upstream; raises NoSuchUpstream."""
    if upstream.startswith(SIMULATED):
        node = upstream.removeprefix(SIMULATED)
        return Provider(SimulatedNode(shared, node or name, latency), nursery)
    try:
        return Provider(relay_to(read_address(upstream)), nursery)
    except BadAddress as error:
        raise NoSuchUpstream(str(error)) from None


async def _open(table: ProxyTable, host: str, provider: ProviderSettings) -> None:
    address = str(Address(host, 0))
    upstream = provider.upstream or f"{SIMULATED}{provider.id}"
    try:
        table.check(address, upstream)
        await table.put(provider.id, address, upstream)
    except (BeyondLoopback, NoSuchUpstream) as error:
        raise CannotListen(EXIT_USAGE, f"{provider.id}: {error}") from None


async def _look_at_all(table: ProxyTable, host: str) -> dict[str, Any]:
    """What the ready line says of every provider, and the first chain id that the node of a relay says."""
    looks: dict[str, tuple[int | None, str | None]] = {}

    async def look(name: str, relay: Relay) -> None:
        looks[name] = await _look_at(relay)

    async with trio.open_nursery() as nursery:
        for name, proxy in table.proxies.items():
            backend = proxy.behind.backend if isinstance(proxy.behind, Provider) else None
            if isinstance(backend, Relay):
                nursery.start_soon(look, name, backend)
    providers = [
        {
            "id": name,
            "kind": proxy.behind.where,
            "url": f"http://{_at(host, proxy)}",
            "ws_url": f"ws://{_at(host, proxy)}",
            "trouble": looks[name][1] if name in looks else None,
        }
        for name, proxy in table.proxies.items()
    ]
    said = [looks[name][0] for name in table.proxies if name in looks]
    return {"providers": providers, "chain_id": next((chain for chain in said if chain is not None), None)}


def _at(host: str, proxy: Proxy) -> str:
    """The address with the host as it was asked for, to which one can connect even when it stands for all."""
    assert proxy.address is not None, "a proxy that was just started has an address"
    return str(Address(host, proxy.address.port))


async def _look_at(relay: Relay) -> tuple[int | None, str | None]:
    """(chain id, None), or (None, why the node did not say it)."""
    with trio.move_on_after(LOOK_SECONDS):
        try:
            reply = await upstream.post(relay.pool, CHAIN_QUESTION, ())
            return int(msgspec.json.decode(reply.body, type=_ChainReply).result, 16), None
        except UpstreamError as error:
            return None, str(error)
        except (ValueError, RecursionError):
            return None, f"status {reply.status}, and no chain id"
    return None, f"no answer within {LOOK_SECONDS:g} s"
