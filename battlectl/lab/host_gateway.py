"""The process of the reference gateway: its port, its two fronts, and what it does beside requests."""

from __future__ import annotations

import msgspec
import trio

from battlectl.lab.gateway.app import build_gateway, gateway_handler, run_background
from battlectl.lab.gateway.settings import GatewaySettings
from battlectl.lab.gateway.ws.front import upgrade_handler
from battlectl.lab.gateway.ws.hub import Hub
from battlectl.lab.net.http_server import listener_url, serve
from battlectl.lab.process import Port, Tell, listen


class GatewayHostSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The gateway and where it listens."""

    gateway: GatewaySettings
    host: str = "127.0.0.1"
    port: Port = 0
    allow_any_address: bool = False


async def serve_gateway(settings: GatewayHostSettings, tell: Tell) -> None:
    """Serve until cancelled."""
    listener = await listen(settings.host, (settings.port,), settings.allow_any_address)
    gateway = build_gateway(settings.gateway)
    hub = Hub(gateway)
    url = listener_url(listener)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_background, gateway)
        nursery.start_soon(hub.run)
        ws_url = f"ws{url.removeprefix('http')}/ws/rpc/{settings.gateway.chain_name}"
        tell({"url": url, "ws_url": ws_url})
        await serve(listener, gateway_handler(gateway, upgrade_handler(gateway, hub)))
