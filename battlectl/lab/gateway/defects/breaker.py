"""Defects of the circuit breakers: each is a provider that keeps its breaker in another way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import msgspec

from battlectl.lab.gateway.attempts import Attempt
from battlectl.lab.gateway.breaker import Breaker, State
from battlectl.lab.gateway.defects.defect import Defect
from battlectl.lab.gateway.defects.wrapping import have
from battlectl.lab.gateway.judgement import Accepted
from battlectl.lab.gateway.provider import Provider
from battlectl.lab.gateway.questions import Question
from battlectl.lab.gateway.selection import TRIAL
from battlectl.lab.gateway.settings import BreakerSettings, Transport
from battlectl.lab.gateway.state import Gateway
from battlectl.lab.gateway.truth import Truth

HANG = ("no answer within", "probe: no answer within")
REFUSAL = ("no connection", "closed without", "broken answer", "probe: no connection", "probe: closed")


class Overlooking(Provider):
    """Failures for some reasons are noted, and have no consequence."""

    __slots__ = ()
    OVERLOOKED: tuple[str, ...] = ("",)

    def failed(
        self,
        transport: Transport,
        now: float,
        rules: BreakerSettings,
        truth: Truth,
        reason: str,
        began: State | None = None,
    ) -> None:
        """As it should be, but for what is overlooked."""
        if not reason.startswith(self.OVERLOOKED):
            super().failed(transport, now, rules, truth, reason, began)
            return
        self.noted(reason)
        self.failures_in_a_row, self.successes_in_a_row = self.failures_in_a_row + 1, 0
        if began is not None:
            self.abandoned(transport, began)


class OverlookingHangs(Overlooking):
    """Whoever does not answer has not failed."""

    __slots__ = ()
    OVERLOOKED = HANG


class OverlookingRefusals(Overlooking):
    """Whoever takes no connection has not failed."""

    __slots__ = ()
    OVERLOOKED = REFUSAL


class NeverClosing(Provider):
    """A breaker that has opened stays open."""

    __slots__ = ()

    def set_breaker(self, transport: Transport, new: Breaker, truth: Truth, reason: str) -> Breaker:
        """As it should be, and for ever when it opens."""
        if self.breakers[transport].state == "open":
            return self.breakers[transport]
        held = replace(new, until=math.inf) if new.state == "open" else new
        return super().set_breaker(transport, held, truth, reason)


class ClosedByProbes(Provider):
    """A health check that is answered closes the breaker."""

    __slots__ = ()

    def stands(self, truth: Truth, *, lagging: bool, forked: bool, wrong_chain: bool) -> None:
        """After a round of probes."""
        super().stands(truth, lagging=lagging, forked=forked, wrong_chain=wrong_chain)
        if self.is_probe_well:
            self.set_breaker("http", Breaker(), truth, "health check")


def _share(gateway: Gateway) -> None:
    class Sharing(Provider):
        """What opens its breaker opens all."""

        __slots__ = ()

        def set_breaker(self, transport: Transport, new: Breaker, truth: Truth, reason: str) -> Breaker:
            made = super().set_breaker(transport, new, truth, reason)
            for other in gateway.providers if new.state == "open" else ():
                if other.breakers[transport].state == "closed":
                    Provider.set_breaker(other, transport, new, truth, reason)
            return made

    have(Sharing)(gateway)


def _rules(**rules: float) -> Callable[[Gateway], None]:
    """Plants other rules for all breakers."""

    def plant(gateway: Gateway) -> None:
        changed = msgspec.structs.replace(gateway.settings.breaker, **rules)
        gateway.settings = msgspec.structs.replace(gateway.settings, breaker=changed)

    return plant


def _count_reverts(gateway: Gateway) -> None:
    """Every third error that a provider passes on opens its breaker, whatever came between."""
    sound, errors = gateway.seams.learn, Counter[str]()

    def learn(gateway: Gateway, made: Attempt, question: Question, transport: Transport) -> None:
        sound(gateway, made, question, transport)
        if isinstance(made.verdict, Accepted) and any("error" in item for item in made.verdict.items):
            errors[made.provider.id] += 1
            if errors[made.provider.id] % gateway.settings.breaker.failures == 0:
                _open(gateway, made.provider, transport, "errors")

    gateway.seams.learn = learn


def _count_rate_limits(gateway: Gateway) -> None:
    sound = gateway.seams.learn

    def learn(gateway: Gateway, made: Attempt, question: Question, transport: Transport) -> None:
        verdict = made.verdict
        if not isinstance(verdict, Accepted) and verdict.blame == "rate":
            made = replace(made, verdict=replace(verdict, blame="provider"))
        sound(gateway, made, question, transport)

    gateway.seams.learn = learn


def _try_with_everything(gateway: Gateway) -> None:
    sound = gateway.seams.rank

    def rank(provider: Provider, breaker: Breaker, now: float, method: str, needed: int | None) -> int:
        return TRIAL if breaker.state == "half_open" else sound(provider, breaker, now, method, needed)

    gateway.seams.rank = rank


def _try_often(gateway: Gateway) -> None:
    _rules(open_s=0.1, growth=1.0)(gateway)
    _try_with_everything(gateway)


def _open(gateway: Gateway, provider: Provider, transport: Transport, reason: str) -> None:
    until = gateway.clock() + gateway.settings.breaker.open_s
    if provider.breakers[transport].state == "closed":
        provider.set_breaker(transport, Breaker("open", openings=1, until=until), gateway.truth, reason)


FAILING = "while a provider fails, however it fails"

DEFECTS = (
    Defect(
        name="breaker-never-opens",
        area="breaker",
        summary="a provider that fails is asked first again and again, and each time the client waits for it",
        when=FAILING,
        finding="breaker",
        plant=have(Overlooking),
    ),
    Defect(
        name="breaker-ignores-hangs",
        area="breaker",
        summary="a provider that hangs is asked again and again, and each time the client waits for it",
        when="while a provider hangs",
        finding="breaker",
        plant=have(OverlookingHangs),
    ),
    Defect(
        name="breaker-ignores-refusals",
        area="breaker",
        summary="a provider that takes no connection is asked again and again",
        when="while a provider refuses or resets connections",
        finding="breaker",
        plant=have(OverlookingRefusals),
    ),
    Defect(
        name="breaker-opens-on-reverts",
        area="breaker",
        summary="a provider that is well is taken out because calls of clients revert",
        when="at every third error such as 3 or -32602 that a provider answers with",
        finding="breaker",
        plant=_count_reverts,
    ),
    Defect(
        name="breaker-opens-on-rate-limits",
        area="breaker",
        summary="a provider that asks for patience is taken for dead, and stays out after it is over",
        when="while a provider answers with 429, -32005 or error 429, three times in a row",
        finding="breaker",
        plant=_count_rate_limits,
    ),
    Defect(
        name="breaker-opens-too-early",
        area="breaker",
        summary="one failure takes a provider out",
        when="at the first failure of a provider; best with faults of low probability",
        finding="breaker",
        plant=_rules(failures=1),
    ),
    Defect(
        name="breaker-open-too-short",
        area="breaker",
        summary="a provider that is dead is tried ten times a second",
        when=FAILING,
        finding="breaker",
        plant=_try_often,
    ),
    Defect(
        name="breaker-never-closes",
        area="breaker",
        summary="a provider that has recovered gets no requests any more",
        when="after a provider has failed, however it failed",
        finding="breaker",
        plant=have(NeverClosing),
    ),
    Defect(
        name="breaker-half-open-flood",
        area="breaker",
        summary="as soon as a breaker is half-open, all requests are its trial, even if the provider is dead",
        when="while a provider hangs or is slow to fail, and requests come faster than it fails them",
        finding="breaker",
        plant=_try_with_everything,
    ),
    Defect(
        name="breaker-shared",
        area="breaker",
        summary="what opens one provider's breaker opens all: those that are well are out too",
        when=FAILING,
        finding="breaker",
        plant=_share,
    ),
    Defect(
        name="breaker-closed-by-health-check",
        area="breaker",
        summary="a provider that fails what clients ask is put back each second, because its probes are well",
        when="while a provider fails (status, reset, hang) for some methods, eth_blockNumber not among them",
        finding="breaker",
        plant=have(ClosedByProbes),
    ),
)
