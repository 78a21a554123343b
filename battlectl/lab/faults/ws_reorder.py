"""`ws_reorder`: neighbouring events change places."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Document, Effect, Place
from battlectl.lab.faults.event_count import EventCount, Key, remember
from battlectl.lab.faults.kind import Kind, OnWebSockets


class WsReorderParameters(OnWebSockets, frozen=True, kw_only=True):
    """With 2, events come as 2 1 4 3 6 5; with 3, as 2 1 3 5 4 6."""

    every: Annotated[int, Meta(ge=2, description="of so many events of a subscription, two are swapped")] = 2


class WsReorder(Effect):
    """One event is kept back until the next one has gone before it, or the fault is healed."""

    def __init__(self, parameters: WsReorderParameters, random: Random) -> None:
        super().__init__()
        self._count = EventCount(parameters.every)
        self._kept: dict[Key, Document] = {}

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """It and the one before, it alone, or nothing yet."""
        key = (connection, subscription)
        place = self._count.count(key)
        if key in self._kept:
            return [event, self._kept.pop(key)]
        if place != 1:
            return [event]
        remember(self._kept, key, event)
        return []

    async def stop(self, place: Place) -> None:
        """What is kept back leaves now: swapping loses nothing."""
        for (connection, subscription), event in self._kept.items():
            place.notify(connection, subscription, event)
        self._kept.clear()


KIND = Kind(
    name="ws_reorder",
    layer="websocket",
    what="swaps neighbouring events",
    expect="ordered",
    parameters=WsReorderParameters,
    make=WsReorder,
)
