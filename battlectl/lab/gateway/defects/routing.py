"""Defects of routing: which provider a request is offered to first."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from battlectl.lab.gateway.attempts import Attempt
from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import change_forwarding, have
from battlectl.lab.gateway.judgement import Complaint
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.settings import Strategy, Transport
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.strategies import Order, Standing, round_robin
from battlectl.lab.gateway.truth import Truth

BAN_SECONDS = 10.0


class Tireless(Provider):
    """Is asked on, whatever it says of rates."""

    __slots__ = ()

    def limit(self, until: float, truth: Truth, reason: str) -> None:
        """Nothing: a 429 is a failed attempt like others."""


class Unlearning(Provider):
    """Forgets that it failed a method."""

    __slots__ = ()

    def sour(self, method: str, now: float) -> None:
        """Nothing: the next request for this method comes here first again."""


def _order(order: Order, *strategies: Strategy) -> Callable[[Gateway], None]:
    """Plants another order for these strategies."""

    def plant(gateway: Gateway) -> None:
        gateway.seams.strategies |= dict.fromkeys(strategies, order)

    return plant


def as_configured(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """The first is first."""
    return list(standings)


def uniform(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """Drawn without a look at weights."""
    return chance.sample(standings, len(standings))


def inverted(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """The highest number first."""
    return sorted(standings, key=lambda standing: -standing.priority)


def dearest(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """The paid ones first."""
    return sorted(round_robin(standings, turn, chance), key=lambda standing: standing.tier == "free")


def skewed(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
    """Three of five turns are the first one's, and the others take turns at the rest."""
    if len(standings) < 2:
        return list(standings)
    start = 0 if turn % 5 < 3 else 1 + (turn // 5 * 2 + turn % 5 - 3) % (len(standings) - 1)
    return [*standings[start:], *standings[:start]]


def _freeze(gateway: Gateway) -> None:
    """The first latency that was known of each provider holds for ever."""
    first: dict[str, float] = {}
    sound = gateway.seams.strategies["fastest"]

    def frozen(standings: Sequence[Standing], turn: int, chance: random.Random) -> list[Standing]:
        for standing in standings:
            if standing.latency is not None:
                first.setdefault(standing.id, standing.latency)
        return sound([s._replace(latency=first.get(s.id, s.latency)) for s in standings], turn, chance)

    gateway.seams.strategies["fastest"] = frozen


def _ignore_overrides(gateway: Gateway) -> None:
    change_forwarding(gateway, lambda asked, forward: forward(asked._replace(only=None)))


def _ban_for_one_method(gateway: Gateway) -> None:
    sound = gateway.seams.learn

    def learn(gateway: Gateway, made: Attempt, question: Question, transport: Transport) -> None:
        sound(gateway, made, question, transport)
        if isinstance(made.verdict, Complaint) and made.verdict.blame == "method":
            made.provider.limit(gateway.clock() + BAN_SECONDS, gateway.truth, made.verdict.reason)

    gateway.seams.learn = learn


DEFECTS = (
    Defect(
        name="fastest-ignores-latency",
        area="routing",
        summary="strategy `fastest` sends as much to slow providers as to fast ones",
        when="with strategy fastest, while providers differ in latency",
        finding="routing",
        plant=_order(round_robin, "fastest"),
    ),
    Defect(
        name="ranking-frozen",
        area="routing",
        summary="strategy `fastest` stays with whoever was fastest once",
        when="with strategy fastest, when a provider's latency changes after the first requests",
        finding="routing",
        plant=_freeze,
    ),
    Defect(
        name="sticky-to-first",
        area="routing",
        summary="the first provider gets everything, and the others nothing as long as it is well",
        when="with strategy load-balanced or round-robin",
        finding="routing",
        plant=_order(as_configured, "load-balanced", "round-robin"),
    ),
    Defect(
        name="round-robin-skewed",
        area="routing",
        summary="the first provider gets 60 % of the requests, and the others share the rest",
        when="with strategy load-balanced or round-robin",
        finding="routing",
        plant=_order(skewed, "load-balanced", "round-robin"),
    ),
    Defect(
        name="priority-inverted",
        area="routing",
        summary="the provider with the least priority is asked first",
        when="with strategy priority",
        finding="routing",
        plant=_order(inverted, "priority"),
    ),
    Defect(
        name="cheapest-prefers-paid",
        area="routing",
        summary="paid providers are asked while free ones are well",
        when="with strategy cheapest, where providers are of both tiers",
        finding="routing",
        plant=_order(dearest, "cheapest"),
    ),
    Defect(
        name="weights-ignored",
        area="routing",
        summary="strategy `latency-weighted` sends the same share to every provider",
        when="with strategy latency-weighted, while providers differ in latency",
        finding="routing",
        plant=_order(uniform, "latency-weighted"),
    ),
    Defect(
        name="override-ignored",
        area="routing",
        summary="a request for one provider is answered by any",
        when="whenever a request names its provider",
        finding="routing",
        plant=_ignore_overrides,
    ),
    Defect(
        name="method-failure-bans-provider",
        area="routing",
        summary="a provider that fails one method gets no request of any method for 10 s, each time",
        when="while a provider answers some methods with a server error (-32603)",
        finding="routing",
        plant=_ban_for_one_method,
    ),
    Defect(
        name="method-failure-not-learned",
        area="routing",
        summary="each request for a method that a provider fails goes there first, and fails over",
        when="while a provider answers some methods with a server error (-32603)",
        finding="routing",
        plant=have(Unlearning),
    ),
    Defect(
        name="retry-after-ignored",
        area="routing",
        summary="a provider that asks for patience is asked on at the full rate, and each request fails over",
        when="while a provider answers with 429 or -32005, with or without Retry-After",
        finding="amplification",
        plant=have(Tireless),
    ),
)
