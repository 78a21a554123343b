"""`ws_refuse`: no WebSocket is opened any more; HTTP works."""

from __future__ import annotations

from random import Random
from typing import Annotated, Literal

from msgspec import Meta

from battlectl.lab.faults.effect import Effect
from battlectl.lab.faults.kind import Kind, OnWebSockets, check_status
from battlectl.lab.net.wire import Response


class WsRefuseParameters(OnWebSockets, frozen=True, kw_only=True):
    """Open WebSockets stay: add `ws_close` to end them."""

    status: Annotated[int, Meta(ge=400, le=511, description="of the answer to the handshake")] = 503
    connections: Annotated[
        Literal["new", "all"], Meta(description="a kept-alive connection may ask for a WebSocket late")
    ] = "all"

    def __post_init__(self) -> None:
        """Not all of them have names."""
        check_status(self.status)


class WsRefuse(Effect):
    """The handshake ends as an HTTP error."""

    def __init__(self, parameters: WsRefuseParameters, random: Random) -> None:
        super().__init__()
        self._status = parameters.status

    def handshake(self, connection: int) -> Response | None:
        """Refused."""
        return Response(self._status, ((b"content-type", b"text/plain"),), b"no WebSocket here\n")


KIND = Kind(
    name="ws_refuse",
    layer="websocket",
    what="refuses WebSocket handshakes",
    expect="resumed elsewhere, nothing lost",
    parameters=WsRefuseParameters,
    make=WsRefuse,
)
