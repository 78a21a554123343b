"""`kill`: the provider looks as a dead process does: its port refuses, its sockets are reset."""

from __future__ import annotations

from random import Random
from typing import Annotated, Literal

from msgspec import Meta

from battlectl.lab.faults.effect import Effect, Place
from battlectl.lab.faults.kind import Kind, OnConnections


class KillParameters(OnConnections, frozen=True, kw_only=True):
    """With `connections: existing` those are reset and the port stays open."""

    mode: Annotated[
        Literal["refuse", "reset"],
        Meta(description="close the port, unseen by the provider, or accept, count and reset at once"),
    ] = "refuse"

    def __post_init__(self) -> None:
        """A closed port refuses everybody: no share of them."""
        if self.probability < 1 and _closes_port(self):
            raise ValueError("a closed port has no `probability`: use `mode` reset or `connections` existing")


def _closes_port(parameters: KillParameters) -> bool:
    return parameters.mode == "refuse" and parameters.connections != "existing"


class Kill(Effect):
    """Open connections are reset at the injection, new ones as `mode` says for as long as it lasts."""

    def __init__(self, parameters: KillParameters, random: Random) -> None:
        super().__init__()
        self._listens = not _closes_port(parameters)

    @property
    def listens(self) -> bool:
        """Not in mode `refuse`, unless only existing connections are meant."""
        return self._listens

    def accepted(self, connection: int) -> bool:
        """Never: asked only about connections that are meant."""
        return False

    async def start(self, place: Place) -> None:
        """What is open dies."""
        place.reset_connections(self.strikes)
        place.refresh()

    async def stop(self, place: Place) -> None:
        """The port opens again."""
        place.refresh()


KIND = Kind(
    name="kill",
    layer="network",
    what="dies: port closed and sockets reset, or connections accepted and reset at once",
    expect="no errors; the share goes to the others; the breaker opens",
    parameters=KillParameters,
    make=Kill,
)
