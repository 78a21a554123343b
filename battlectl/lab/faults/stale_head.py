"""`stale_head`: the head stands still behind healthy answers."""

from __future__ import annotations

from random import Random

from battlectl.lab.faults.effect import Place
from battlectl.lab.faults.head import CappedHead
from battlectl.lab.faults.kind import Kind, Parameters


class StaleHead(CappedHead):
    """A relay drops the events above it: a real node that catches up tells only its newest head."""

    keeps_events = False

    def __init__(self, parameters: Parameters, random: Random) -> None:
        super().__init__()
        self._frozen = 0

    async def start(self, place: Place) -> None:
        """The head of this moment is the last."""
        await super().start(place)
        self._frozen = self.newest

    def shown(self, head: int) -> int:
        """Where it was at the injection."""
        return min(head, self._frozen)


KIND = Kind(
    name="stale_head",
    layer="state",
    what="stands still at the head of the injection",
    expect="the head never goes backwards for one client; the provider is avoided",
    parameters=Parameters,
    make=StaleHead,
)
