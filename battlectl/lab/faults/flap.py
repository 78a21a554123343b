"""`flap`: the provider dies and comes back, again and again.

Rule: the k-th change is due at the injection plus its share of the cycle, never after the one before, so
the rhythm does not drift.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Annotated, Literal

import trio
from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Place
from battlectl.lab.faults.kind import Kind, Parameters


class FlapParameters(Parameters, frozen=True, kw_only=True):
    """It starts down."""

    down_ms: Annotated[
        float, Meta(ge=1, le=86_400_000, description="how long the port is closed each time")
    ] = 5_000
    up_ms: Annotated[float, Meta(ge=1, le=86_400_000, description="how long it is open in between")] = 5_000
    mode: Annotated[
        Literal["refuse", "reset"],
        Meta(description="while down: close the port, unseen, or accept, count and reset at once"),
    ] = "refuse"
    times: Annotated[int, Meta(ge=0, description="how often it goes down; 0 means until healed")] = 0


class Flap(Effect):
    """As `kill`, by turns."""

    def __init__(self, parameters: FlapParameters, random: Random) -> None:
        super().__init__()
        self._down = parameters.down_ms / 1000
        self._up = parameters.up_ms / 1000
        self._times = parameters.times
        self._counts = parameters.mode == "reset"
        self._is_up = False

    @property
    def listens(self) -> bool:
        """Whether it is up at this moment; in mode `reset` always."""
        return self._is_up or self._counts

    def accepted(self, connection: int) -> bool:
        """While it is up; a port that is being closed has its own way of refusing."""
        return self._is_up or not self._counts

    async def start(self, place: Place) -> None:
        """Down, for the first time."""
        self._go_down(place)
        place.start_soon(partial(self._take_turns, place))

    async def stop(self, place: Place) -> None:
        """Up, wherever in the cycle it was."""
        self._is_up = True
        place.refresh()

    async def _take_turns(self, place: Place) -> None:
        begin, turn = trio.current_time(), 0
        while not self.healed.is_set():
            await self._until(begin + turn * (self._down + self._up) + self._down)
            self._is_up = True
            place.refresh()
            turn += 1
            if turn == self._times:
                return
            await self._until(begin + turn * (self._down + self._up))
            self._go_down(place)

    async def _until(self, due: float) -> None:
        await self.wait(max(0.0, due - trio.current_time()))

    def _go_down(self, place: Place) -> None:
        if not self.healed.is_set():
            self._is_up = False
            place.refresh()
            place.reset_connections(self.strikes)


KIND = Kind(
    name="flap",
    layer="network",
    what="dies and comes back by turns",
    expect="no errors; bounded breaker transitions",
    parameters=FlapParameters,
    make=Flap,
)
