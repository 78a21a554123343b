"""`head_regress`: the head falls back once, stays below its place for a while, and returns."""

from __future__ import annotations

from random import Random
from typing import Annotated

import trio
from msgspec import Meta

from battlectl.lab.faults.effect import Place
from battlectl.lab.faults.head import CappedHead
from battlectl.lab.faults.kind import Kind, Milliseconds, Parameters


class HeadRegressParameters(Parameters, frozen=True, kw_only=True):
    """Down, then up: two steps. (`lag` is the same without an end of its own.)"""

    blocks: Annotated[int, Meta(ge=1, le=10_000, description="how far the head falls")] = 3
    for_ms: Annotated[Milliseconds | None, Meta(description="after which it is back; null: when healed")] = (
        None
    )


class HeadRegress(CappedHead):
    """While it is down it goes on at its distance; subscribers hear nothing that they have heard."""

    def __init__(self, parameters: HeadRegressParameters, random: Random) -> None:
        super().__init__()
        self._blocks = parameters.blocks
        self._for = None if parameters.for_ms is None else parameters.for_ms / 1000
        self._until = 0.0

    async def start(self, place: Place) -> None:
        """The fall."""
        await super().start(place)
        self._until = trio.current_time() + (self._for or 0.0)

    def shown(self, head: int) -> int:
        """So many less, until it is over."""
        is_over = self._for is not None and trio.current_time() >= self._until
        return head if is_over else max(0, head - self._blocks)


KIND = Kind(
    name="head_regress",
    layer="state",
    what="falls back by some blocks, and returns after a while",
    expect="the head never goes backwards for one client",
    parameters=HeadRegressParameters,
    make=HeadRegress,
)
