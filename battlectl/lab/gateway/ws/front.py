"""The gateway's door for WebSockets: which handshakes are taken, and what is served on them.

Rule (LASSO.md): an unknown chain, provider, profile or strategy refuses the handshake with 403. 2025-10 takes
every handshake and closes with 1011 at the first call.
"""

from __future__ import annotations

from battlectl.lab.gateway.routes import Route, RouteError, check_route, read_route
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.ws.hub import Hub
from battlectl.lab.gateway.ws.session import INTERNAL_ERROR, Session
from battlectl.lab.net.http_server import Handler, Upgrade
from battlectl.lab.net.wire import Request, Response
from battlectl.lab.net.ws_server import WebSocket, websocket_upgrade

PREFIXES = ("/ws/rpc/", "/rpc/")


def upgrade_handler(gateway: Gateway, hub: Hub) -> Handler:
    """What answers requests to become a WebSocket; `hub.run` must be running beside it."""

    async def handle(request: Request) -> Response | Upgrade:
        revision = gateway.settings.revision
        route = _route(request, gateway)
        if route is None and revision == "current":
            return Response(403)

        async def serve(socket: WebSocket) -> None:
            if route is None:
                await _close_at_first_call(socket)
            else:
                await gateway.seams.serve_client(Session(gateway, hub, route, socket))

        return websocket_upgrade(request, serve)

    return handle


def _route(request: Request, gateway: Gateway) -> Route | None:
    """The route, or None when there is nothing behind it."""
    routes = (read_route(request, gateway.settings.revision, prefix) for prefix in PREFIXES)
    route = next((route for route in routes if route is not None), None)
    if route is None:
        return None
    try:
        check_route(route, gateway.settings, gateway.is_serving)
    except RouteError:
        return None
    return route


async def _close_at_first_call(socket: WebSocket) -> None:
    await socket.receive()
    await socket.close(INTERNAL_ERROR)
