"""`restart`: the provider's process ends, and a fresh one takes its place after a while."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Place
from battlectl.lab.faults.kind import Kind, Milliseconds, Parameters


class RestartParameters(Parameters, frozen=True, kw_only=True):
    """Healed while it is down, it comes up then."""

    down_ms: Annotated[Milliseconds, Meta(description="from the end of the old to the new process")] = 1_000


class Restart(Effect):
    """Down once; up again by itself, in a new generation; nothing more happens until it is removed."""

    def __init__(self, parameters: RestartParameters, random: Random) -> None:
        super().__init__()
        self._down = parameters.down_ms / 1000
        self._is_up = False

    @property
    def listens(self) -> bool:
        """Whether the new process is there."""
        return self._is_up

    async def start(self, place: Place) -> None:
        """The old process is gone."""
        place.reset_connections(self.strikes)
        place.refresh()
        place.start_soon(partial(self._come_back, place))

    async def stop(self, place: Place) -> None:
        """Healed early or late: exactly one new process."""
        self._begin_anew(place)

    async def _come_back(self, place: Place) -> None:
        await self.wait(self._down)
        self._begin_anew(place)

    def _begin_anew(self, place: Place) -> None:
        if not self._is_up:
            self._is_up = True
            place.restart()
            place.refresh()


KIND = Kind(
    name="restart",
    layer="network",
    what="dies, and comes back once with fresh state: a new generation",
    expect="as for kill; no session of the old process is used",
    parameters=RestartParameters,
    make=Restart,
)
