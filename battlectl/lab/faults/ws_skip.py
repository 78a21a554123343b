"""`ws_skip`: events are missing."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Document, Effect
from battlectl.lab.faults.event_count import EventCount
from battlectl.lab.faults.kind import Kind, OnEvents


class WsSkipParameters(OnEvents, frozen=True, kw_only=True):
    """For a random share of the events: `every: 1` and a `probability`."""

    every: Annotated[
        int, Meta(ge=1, description="each n-th event of a subscription, of those that `probability` left")
    ] = 3


class WsSkip(Effect):
    """What is dropped never comes."""

    def __init__(self, parameters: WsSkipParameters, random: Random) -> None:
        super().__init__()
        self._every = parameters.every
        self._count = EventCount(parameters.every)

    def events(self, connection: int, subscription: str, event: Document) -> list[Document]:
        """It, or nothing."""
        return [] if self._count.count((connection, subscription)) == self._every else [event]


KIND = Kind(
    name="ws_skip",
    layer="websocket",
    what="drops events",
    expect="the gap is filled",
    parameters=WsSkipParameters,
    make=WsSkip,
)
