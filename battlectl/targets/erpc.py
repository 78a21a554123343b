"""eRPC: addressed by project and chain, told by its `X-ERPC-*` headers.

Rule: as its documentation has it; no eRPC was at hand to be asked. What came from the cache was given by no
provider, and a hedge is an attempt that was not needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from battlectl.observe.served import UNNAMED, Served
from battlectl.plan.route import Route
from battlectl.scenario.target import Target
from battlectl.targets.adapter import Adapter, Address, Unaddressable
from battlectl.transport.attribution import Headers, Reader, count_of, name_of, value_of

USE = "X-ERPC-Use-Upstream"
PROVIDER, CACHE = "X-ERPC-Upstream", "X-ERPC-Cache"
ATTEMPTS = ("X-ERPC-Upstream-Attempts", "X-ERPC-Attempts")
HEDGES = ("X-ERPC-Upstream-Hedges", "X-ERPC-Hedges")
"""Newer builds count upstreams apart from the cache; older ones have the second names alone."""
NETWORK_HEDGES = "X-ERPC-Network-Hedges"
REASONS = {
    "strategy": "its selection policy is a part of its own configuration",
    "transport": "the address of an upstream decides how it is asked",
}
UNSEEN = (
    "breakers: no header tells their state",
    "who served a call over WebSocket: there are no headers",
    "an attempt that failed by name: headers say how many there were",
)


@dataclass(frozen=True, slots=True)
class ErpcHeaders:
    """Reads eRPC's headers of a reply."""

    reads_body: ClassVar[bool] = False

    def read(self, headers: Headers, body: bytes = b"") -> Served:
        """Who served this reply."""
        if value_of(headers, CACHE).upper() == b"HIT":
            return Served(UNNAMED, 0)
        name = name_of(value_of(headers, PROVIDER), {})
        attempts = _first_count(headers, ATTEMPTS)
        if attempts is None:
            return Served(name)
        hedges = (_first_count(headers, HEDGES) or 0) + (count_of(value_of(headers, NETWORK_HEDGES)) or 0)
        return Served(name, attempts, max(min(attempts, 1), attempts - hedges) if hedges else None)


def _first_count(headers: Headers, names: tuple[str, ...]) -> int | None:
    counts = (count_of(value_of(headers, name)) for name in names)
    return next((count for count in counts if count is not None), None)


def _address(target: Target, route: Route, path: str, _is_socket: bool) -> Address:
    for word, reason in REASONS.items():
        if word in route.words:
            raise Unaddressable(word, f"eRPC takes no {word} from a request, {reason}: leave it away")
    base, _, query = path.partition("?")
    project, chain = route.profile or target.profile, route.chain or target.chain
    own = f"{base.rstrip('/')}/{project}/evm/{chain}"
    headers = () if route.provider is None else ((USE, route.provider),)
    return Address(f"{own}?{query}" if query else own, headers)


def _attribution(_target: Target) -> Reader:
    return ErpcHeaders()


ERPC = Adapter(
    kind="erpc",
    address=_address,
    attribution=_attribution,
    unseen=lambda _target: UNSEEN,
)
