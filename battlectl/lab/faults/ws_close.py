"""`ws_close`: WebSockets are closed, or cut without a close frame."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Place
from battlectl.lab.faults.kind import Connections, Kind, Milliseconds, OnWebSockets
from battlectl.lab.net.wire import Response

NEVER_SENT = frozenset({1004, 1005, 1006, 1015})  # RFC 6455, 7.4.1
TRIES_EVERY = 0.02
TRIES_FOR = 5.0


class WsCloseParameters(OnWebSockets, frozen=True, kw_only=True):
    """Those that are open are closed at the injection, those that come after `after_ms` of life."""

    code: Annotated[
        Annotated[int, Meta(ge=1000, le=4999)] | None,
        Meta(description="of the close frame; null: cut without one"),
    ] = 1001
    after_ms: Annotated[Milliseconds, Meta(description="how long a WebSocket opened later lives")] = 1_000
    connections: Annotated[
        Connections, Meta(description="those opened after the injection, before it, or all")
    ] = "existing"

    def __post_init__(self) -> None:
        """Some codes are never on the wire."""
        if self.code in NEVER_SENT:
            raise ValueError(f"close code {self.code} is never sent")


class WsClose(Effect):
    """Reconnecting works: `ws_refuse` prevents it."""

    def __init__(self, parameters: WsCloseParameters, random: Random) -> None:
        super().__init__()
        self._code = parameters.code
        self._after = parameters.after_ms / 1000
        self._place: Place | None = None

    async def start(self, place: Place) -> None:
        """Those that are open now."""
        self._place = place
        place.close_websockets(self._code, self.strikes)

    def handshake(self, connection: int) -> Response | None:
        """It passes, and its time begins."""
        if self._place is not None:
            self._place.start_soon(partial(self._close_later, self._place, connection))
        return None

    def _is_it(self, wanted: int, connection: int) -> bool:
        return connection == wanted and self.strikes(connection)

    async def _close_later(self, place: Place, connection: int) -> None:
        await self.wait(self._after)
        for _ in range(int(TRIES_FOR / TRIES_EVERY)):  # the handshake may not be over yet
            if self.healed.is_set() or place.close_websockets(self._code, partial(self._is_it, connection)):
                return
            await self.wait(TRIES_EVERY)


KIND = Kind(
    name="ws_close",
    layer="websocket",
    what="closes WebSockets, with a close frame or without",
    expect="resumed elsewhere, nothing lost",
    parameters=WsCloseParameters,
    make=WsClose,
)
