"""What a scenario expects of how a target spreads the requests of one workload.

Rule: all of it follows from the strategy that the workload asks for; what is written here says otherwise. Of
a target that has one strategy for everything, this is where a scenario names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from battlectl.scenario.fields import Duration, Ratio, Strict
from battlectl.scenario.places import Mistake, Path

Strategy = Literal["fastest", "cheapest", "priority", "round-robin", "load-balanced", "latency-weighted"]
SHARED = ("fastest", "cheapest", "priority")
"""Strategies that have favourites, who must get a share."""
EVEN = ("round-robin", "load-balanced")
WITHIN = 200
RECOVERY = 30.0


class Routing(Strict):
    """`strategy` is what is expected, whatever `http` asks for.

    `share` is what the favourites must get at least of what went to providers that were eligible;
    `tolerance` is how far, in parts of it, an even share may be missed. Both hold from `within` requests
    after the load began or anything changed. A provider is not eligible until `recovery` after its fault.
    """

    strategy: Strategy | None = None
    share: Ratio | None = None
    tolerance: Ratio | None = None
    within: Annotated[int, Field(ge=1, le=1_000_000)] = WITHIN
    recovery: Duration = RECOVERY


def check_routing(routing: Routing, asked: str | None, provider: str | None, path: Path) -> Iterator[Mistake]:
    """What has no meaning beside the strategy, or without one."""
    strategy = routing.strategy or asked
    if provider is not None:
        yield Mistake(path, "one provider is named, and all must go there: leave it away", True)
        return
    if strategy is None:
        yield Mistake(path, "expects nothing without a strategy: add one such as `strategy: fastest`", True)
        return
    for key, known in (("share", SHARED), ("tolerance", EVEN)):
        if getattr(routing, key) is not None and strategy not in known:
            message = f"is of {', '.join(known)}, and this is {strategy}: leave it away"
            yield Mistake((*path, key), message, True)
    if routing.share is not None and not 0 < routing.share <= 1:
        yield Mistake((*path, "share"), "a share of nothing is no promise, try 80%")
    if routing.tolerance is not None and not 0 <= routing.tolerance < 1:
        yield Mistake((*path, "tolerance"), "every share is within that, try 5%")
