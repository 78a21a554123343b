"""The process that hosts every provider of a lab.

Rule: this file only puts together what others wrote: a chain that all providers share, a provider for each
of the settings, and their ports.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
import trio

from battlectl.lab.chain.chain import Chain, genesis_before
from battlectl.lab.net.http_server import listener_url, serve
from battlectl.lab.process import Tell, listen
from battlectl.lab.provider.node import node_handler
from battlectl.lab.spec import provider_ids


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One provider: simulated, or with `upstream` (see relay_address.py) the relay in front of that node."""

    id: str
    upstream: str | None = None


class ProvidersSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that the process knows when it starts; `admin_ports` are tried in turn, 0 being any."""

    providers: tuple[ProviderSettings, ...] = tuple(ProviderSettings(id_) for id_ in provider_ids(3))
    seed: int = 1
    block_time_s: float = 1.0
    latency_s: float = 0.0
    host: str = "127.0.0.1"
    admin_ports: tuple[int, ...] = (0,)
    token: str | None = None
    allow_any_address: bool = False


async def serve_providers(settings: ProvidersSettings, tell: Tell) -> None:
    """Serve until cancelled."""
    chain = Chain(settings.seed, genesis_before(time.time(), settings.block_time_s), settings.block_time_s)
    handler = node_handler(chain, settings.latency_s)
    admin = await listen(settings.host, settings.admin_ports, settings.allow_any_address)
    documents: list[dict[str, Any]] = []
    async with trio.open_nursery() as nursery:
        for provider in settings.providers:
            listener = await listen(settings.host, (0,), settings.allow_any_address)
            nursery.start_soon(serve, listener, handler)
            url = listener_url(listener)
            documents.append(
                {"id": provider.id, "kind": "node", "url": url, "ws_url": f"ws{url.removeprefix('http')}"}
            )
        tell({"admin_url": listener_url(admin), "providers": documents, "chain_id": None})
