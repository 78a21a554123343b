"""Whom a request is offered to, in which order: the strategy's order, parted by health.

Rule: first whoever is due for its trial, then the healthy, then those that are rate limited, soured for this
method, or known not to have the block that is asked for, due for a trial or not; for reads, those that lag or
are on another fork come after all of these. A provider whose breaker is open is not asked, except for one,
after all others have failed: a doubtful provider is better than a certain error. It is one that has answered
its last probe, if there is any, and the next to be tried anyway. A provider on another chain is never asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from battlectl.lab.gateway.breaker import Breaker
from battlectl.lab.gateway.latency import known
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import WRITES
from battlectl.lab.gateway.settings import Strategy, Transport
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.strategies import Standing

TRIAL, HEALTHY, DOUBTFUL, BEHIND, LAST_RESORT = range(5)


def choose_candidates(
    gateway: Gateway,
    method: str,
    strategy: Strategy,
    transport: Transport = "http",
    needed: int | None = None,
    only: Provider | None = None,
) -> list[Provider]:
    """The providers to ask, in order. `needed` is a block the request names; `only` rules out all others."""
    now = gateway.clock()
    ranks: dict[str, int] = {}
    for provider in gateway.providers if only is None else (only,):
        if provider.is_wrong_chain or (transport == "ws" and provider.ws_url is None):
            continue
        breaker = provider.breaker(transport, now, gateway.truth)
        ranks[provider.id] = gateway.seams.rank(provider, breaker, now, method, needed)
    ordered = _in_order(gateway, method, strategy, [p for p in gateway.providers if p.id in ranks], now)
    ordered.sort(key=lambda provider: ranks[provider.id])
    return _with_one_last_resort(ordered, ranks, transport)


def rank(provider: Provider, breaker: Breaker, now: float, method: str, needed: int | None) -> int:
    """The class that health puts a provider in; a lower one is asked earlier."""
    if breaker.state == "open" or (breaker.state == "half_open" and breaker.on_trial):
        return LAST_RESORT
    if method not in WRITES and (provider.is_lagging or provider.is_forked):
        return BEHIND
    if breaker.state == "half_open" and provider.is_probe_well is False:
        # A client's request is not risked on a provider that did not even answer its last probe.
        return LAST_RESORT
    is_short = needed is not None and provider.head is not None and provider.head < needed
    is_sour = provider.sour_until.get(method, now) > now
    if is_short or is_sour or provider.limited_until > now:
        return DOUBTFUL
    return TRIAL if breaker.state == "half_open" else HEALTHY


def _in_order(
    gateway: Gateway, method: str, strategy: Strategy, providers: Sequence[Provider], now: float
) -> list[Provider]:
    by_id = {provider.id: provider for provider in providers}
    standings = [
        Standing(
            provider.id,
            provider.settings.priority,
            provider.settings.tier,
            provider.in_flight,
            known(provider.latencies, method, now),
        )
        for provider in providers
    ]
    ordered = gateway.seams.strategies[strategy](standings, next(gateway.turns), gateway.chance)
    return [by_id[standing.id] for standing in ordered]


def _with_one_last_resort(
    ordered: list[Provider], ranks: dict[str, int], transport: Transport
) -> list[Provider]:
    fit = [provider for provider in ordered if ranks[provider.id] != LAST_RESORT]
    doubtful = [provider for provider in ordered if ranks[provider.id] == LAST_RESORT]
    doubtful.sort(
        key=lambda provider: (provider.is_probe_well is not True, provider.breakers[transport].until)
    )
    return fit + doubtful[:1]
