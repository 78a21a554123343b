"""`lag`: the head is some blocks behind, and moves on at that distance."""

from __future__ import annotations

from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.faults.head import CappedHead
from battlectl.lab.faults.kind import Kind, Parameters


class LagParameters(Parameters, frozen=True, kw_only=True):
    """From one moment to the next, so it begins with a step back."""

    blocks: Annotated[int, Meta(ge=1, le=10_000, description="behind the real head")] = 5


class Lag(CappedHead):
    """Events come late too, each when the head is so much further on."""

    def __init__(self, parameters: LagParameters, random: Random) -> None:
        super().__init__()
        self._blocks = parameters.blocks

    def shown(self, head: int) -> int:
        """So many less."""
        return max(0, head - self._blocks)


KIND = Kind(
    name="lag",
    layer="state",
    what="is some blocks behind, events included",
    expect="the head never goes backwards for one client; the lagging provider is avoided",
    parameters=LagParameters,
    make=Lag,
)
