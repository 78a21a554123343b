"""`wrong_chain`: another chain, from its genesis on."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Annotated

from msgspec import Meta

from battlectl.lab.chain.chain import View
from battlectl.lab.faults.effect import Effect
from battlectl.lab.faults.kind import Kind, Parameters

APART = 1_000_003  # between the seeds of chains


class WrongChainParameters(Parameters, frozen=True, kw_only=True):
    """Its head moves at the same pace."""

    chain_id: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="that the provider names; null: the right one, and only hashes tell"),
    ] = 1
    seed: Annotated[int, Meta(ge=0, description="which other chain: the same seed gives the same one")] = 0


class WrongChain(Effect):
    """Every hash is another, that of the genesis block included."""

    def __init__(self, parameters: WrongChainParameters, random: Random) -> None:
        super().__init__()
        self._parameters = parameters

    def view(self, view: View) -> View:
        """Of the other chain, as far as this one has come."""
        chain_id = self._parameters.chain_id or view.chain.chain_id
        seed = view.chain.seed + APART * (self._parameters.seed + 1)
        return replace(view, chain=replace(view.chain, seed=seed, chain_id=chain_id))


KIND = Kind(
    name="wrong_chain",
    layer="state",
    what="is on another chain, with another genesis block",
    expect="refused",
    parameters=WrongChainParameters,
    make=WrongChain,
    where=frozenset({"node"}),
)
