"""Lasso, in the two revisions of its contract: addressed by chain, told by `X-Lasso-Meta`.

Rule: metadata is asked for in a header, so that it comes whatever path a workload names.
"""

from __future__ import annotations

from dataclasses import replace

from battlectl.plan.route import Route
from battlectl.scenario.target import Target
from battlectl.targets.adapter import Adapter, Address
from battlectl.targets.lasso_address import lasso_address
from battlectl.targets.lasso_meta import LassoMeta
from battlectl.transport.attribution import Reader

ASKED = ("X-Lasso-Include-Meta", "headers")
UNSEEN = (
    "who served a call over WebSocket: the frame that tells it names no call",
    "when a breaker opens: metadata has the state of the channel that answered, so an open one is absent",
    "who served a batch: its metadata is that of one call",
    "an attempt that failed by name: metadata says how many there were",
    "a provider by eth_chainId: Lasso answers that itself",
)


def _address(target: Target, route: Route, path: str, is_socket: bool) -> Address:
    assert target.chain is not None, "the config of a Lasso names its chain"
    filled = replace(route, profile=route.profile or target.profile)
    address = lasso_address(path, target.chain, filled, target.revision, is_socket)
    return address if is_socket else replace(address, headers=(*address.headers, ASKED))


def _attribution(_target: Target) -> Reader:
    return LassoMeta()


def _ws_url(target: Target) -> str | None:
    """Lasso takes both on one port."""
    return target.ws_url or f"ws{(target.url or '').removeprefix('http')}"


LASSO = Adapter(
    kind="lasso",
    address=_address,
    attribution=_attribution,
    ws_url=_ws_url,
    unseen=lambda _target: UNSEEN,
)
