"""Defects of the chain's identity."""

from __future__ import annotations

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import have
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.truth import Truth


class AnyChain(Provider):
    """Which chain it is on makes no difference, nor which branch of it."""

    __slots__ = ()

    def stands(self, truth: Truth, *, lagging: bool, forked: bool, wrong_chain: bool) -> None:
        """Without a look at its identity."""
        super().stands(truth, lagging=lagging, forked=False, wrong_chain=False)


def _answer_for_any_chain(gateway: Gateway) -> None:
    have(AnyChain)(gateway)


DEFECTS = (
    Defect(
        name="wrong-chain-accepted",
        area="chain",
        summary="answers come from a provider on another chain: its blocks, its balances",
        when="while a provider serves another chain",
        finding="chain",
        plant=_answer_for_any_chain,
    ),
)
