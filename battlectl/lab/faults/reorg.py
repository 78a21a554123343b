"""`reorg`: the newest blocks of one provider are replaced by others. (The lab can reorganise all at once.)"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.chain.chain import Chain, View, fork_chain
from battlectl.lab.faults.effect import Effect, Place
from battlectl.lab.faults.kind import Kind, Parameters

OWN_BRANCHES = 2**32  # so that no salt names a branch that the lab as a whole has been on

REPLACED = (
    "how many of the newest blocks are replaced; providers to which it happens within a block of each other "
    "are on one branch, which is deeper by that for the later ones"
)

forked = lru_cache(maxsize=64)(fork_chain)


class ReorgParameters(Parameters, frozen=True, kw_only=True):
    """Providers with the same `start` and `salt` are on the same branch."""

    depth: Annotated[int, Meta(ge=1, le=10_000, description=REPLACED)] = 3
    start: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="the first block that is replaced, in place of `depth`; it may lie ahead"),
    ] = None
    salt: Annotated[int, Meta(ge=0, le=2**31, description="which other branch")] = 0


class Reorg(Effect):
    """The branch grows on; healed, the provider follows the others' branch again: another reorg."""

    def __init__(self, parameters: ReorgParameters, random: Random) -> None:
        super().__init__()
        self._parameters = parameters
        self._start = parameters.start

    async def start(self, place: Place) -> None:
        """Where the branch begins."""
        if self._start is None:
            self._start = await place.fork_start(self._parameters.depth, self._parameters.salt)

    def view(self, view: View) -> View:
        """Of the other branch, as far as this one has come."""
        return replace(view, chain=self._branch(view.chain))

    def _branch(self, chain: Chain) -> Chain:
        return forked(chain, self._start or 1, OWN_BRANCHES + self._parameters.salt)


KIND = Kind(
    name="reorg",
    layer="state",
    what="replaces its newest blocks",
    expect="followed; the provider is neither banned nor hidden",
    parameters=ReorgParameters,
    make=Reorg,
    where=frozenset({"node"}),
)
