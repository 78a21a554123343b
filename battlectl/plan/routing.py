"""What is expected of the routing of one workload, with every default filled in.

Rule: it follows from the strategy that the workload asks for, unless the scenario says otherwise; a workload
that names one provider expects all of its requests there. Who names nothing expects nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.scenario.model import RequestWorkload
from battlectl.scenario.phases import WARMUP
from battlectl.scenario.routing import Routing

ONE_PROVIDER = "provider"
"""The strategy, so to speak, of a workload that leaves no choice."""
SHARES = {"fastest": 0.80, "priority": 0.95, "cheapest": 0.95}
"""What the favourites of a strategy get at least; the rest is for asking others how they are."""
TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Expectation:
    """See `scenario.routing.Routing`; `provider` is the one that all must go to."""

    strategy: str
    provider: str | None
    share: float
    tolerance: float
    within: int
    recovery: float


@dataclass(frozen=True, slots=True)
class ProviderFrame:
    """A provider as the target's config ranks it: a lower `priority` is asked earlier; free or paid."""

    id: str
    priority: int = 0
    tier: str = "paid"


@dataclass(frozen=True, slots=True)
class BreakerFrame:
    """The breaker that the target's config promises; None for what it does not. Times are in seconds."""

    failures: int | None = None
    recovery: float | None = None
    half_open: int | None = None
    successes: int | None = None
    longest: float | None = None


def expect_routing(workload: RequestWorkload) -> Expectation | None:
    """What the workload expects; None where it names neither a strategy nor a provider, or only primes."""
    if workload.phases == (WARMUP,):
        return None
    asked, route = workload.routing or Routing(), workload.route
    strategy = asked.strategy or route.strategy
    if route.provider is not None:
        strategy = ONE_PROVIDER
    if strategy is None:
        return None
    return Expectation(
        strategy=strategy,
        provider=route.provider,
        share=SHARES.get(strategy, 1.0) if asked.share is None else asked.share,
        tolerance=TOLERANCE if asked.tolerance is None else asked.tolerance,
        within=asked.within,
        recovery=asked.recovery,
    )
