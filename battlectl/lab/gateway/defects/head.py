"""Defects of the head: what clients are shown of how far the chain is."""

from __future__ import annotations

from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.truth import Truth
from battlectl.lab.net.upstream import pool_for


class NeverLags(Provider):
    """How far its head is makes no difference."""

    __slots__ = ()

    def stands(self, truth: Truth, *, lagging: bool, forked: bool, wrong_chain: bool) -> None:
        """Without a look at lag."""
        Provider.stands(self, truth, lagging=False, forked=forked, wrong_chain=wrong_chain)


def _let_the_head_go_back(gateway: Gateway) -> None:
    gateway.seams.judge_heads = lambda calls, items, shown, furthest: None
    gateway.seams.new_provider = lambda settings: NeverLags(settings, pool_for(settings.url))


DEFECTS = (
    Defect(
        name="head-goes-back",
        area="head",
        summary="a client that saw a block is told next that the chain has not got there yet",
        when="while a provider lags, or its head is frozen or goes back",
        finding="head",
        plant=_let_the_head_go_back,
    ),
)
