"""From a request for a WebSocket to the WebSocket, or to what is said in its place.

Rule: the backend is asked before the client is told anything, so that a real node's refusal is the client's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from battlectl.lab.net.http_server import Received, Upgrade
from battlectl.lab.net.wire import Response
from battlectl.lab.net.ws_server import Manners, WebSocket, websocket_upgrade
from battlectl.lab.provider.backend import Unreachable
from battlectl.lab.provider.connection import Connection
from battlectl.lab.provider.ws_side import Socket

if TYPE_CHECKING:
    from battlectl.lab.provider.provider import Provider


async def serve_websocket(provider: Provider, connection: Connection, received: Received) -> Response | None:
    """Serve a WebSocket to its end, or say with what it is refused."""
    socket: Socket | None = None

    async def serve(websocket: WebSocket) -> None:
        nonlocal socket
        socket = Socket(provider, connection, websocket, session)
        await socket.serve()

    manners = Manners(is_deaf=lambda: provider.is_deaf(connection.number))
    upgrade = websocket_upgrade(received.request, serve, manners)
    if not isinstance(upgrade, Upgrade):
        return upgrade
    try:
        async with provider.backend.session(received.request, provider.see) as session:
            await upgrade.serve(connection.stream, received.request, received.rest)
    except Unreachable as error:
        if socket is None and error.refusal is not None:
            return error.refusal
        raise
    return None
