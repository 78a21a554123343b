"""`head_jump`: the head is ahead of everybody else's."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Annotated

import trio
from msgspec import Meta

from battlectl.lab.chain.chain import View
from battlectl.lab.faults.effect import Effect, Place
from battlectl.lab.faults.kind import Kind, Milliseconds, Parameters


class HeadJumpParameters(Parameters, frozen=True, kw_only=True):
    """Up, then down when it is over."""

    blocks: Annotated[int, Meta(ge=1, le=10_000, description="ahead of the real head")] = 10
    for_ms: Annotated[Milliseconds | None, Meta(description="after which it is back; null: when healed")] = (
        None
    )


class HeadJump(Effect):
    """The blocks are those that the chain will have: only their time has not come."""

    def __init__(self, parameters: HeadJumpParameters, random: Random) -> None:
        super().__init__()
        self._blocks = parameters.blocks
        self._for = None if parameters.for_ms is None else parameters.for_ms / 1000
        self._until = 0.0

    async def start(self, place: Place) -> None:
        """The jump."""
        self._until = trio.current_time() + (self._for or 0.0)

    def view(self, view: View) -> View:
        """More of it."""
        is_over = self._for is not None and trio.current_time() >= self._until
        return view if is_over else replace(view, head=view.head + self._blocks)


KIND = Kind(
    name="head_jump",
    layer="state",
    what="shows blocks that no other provider has yet",
    expect="the head never goes backwards for one client",
    parameters=HeadJumpParameters,
    make=HeadJump,
    where=frozenset({"node"}),
)
