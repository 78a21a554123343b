"""One upstream as the gateway knows it: connections, breakers by transport, head, latencies, counts.

Rule: this is the only place where a breaker or a standing changes, so that each change is in the truth.
It is mutable because every attempt changes it; what it decides by is pure (breaker.py, heads.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from battlectl.lab.gateway import breaker as b
from battlectl.lab.gateway.breaker import Breaker
from battlectl.lab.gateway.latency import Score
from battlectl.lab.gateway.settings import BreakerSettings, ProviderSettings, Transport
from battlectl.lab.gateway.truth import Truth
from battlectl.lab.net.upstream import Pool

SOUR_SECONDS = 1.0
MOST_SOUR = 200


@dataclass(frozen=True, slots=True)
class Ballot:
    """What each provider says the hash of one block is: how it is seen who is on another fork."""

    height: int | None
    votes: dict[str, str] = field(default_factory=dict)


class Line(Protocol):
    """The WebSocket to a provider, as far as the status page is concerned; gateway/ws opens it."""

    @property
    def subscriptions(self) -> int:
        """How many are carried now."""


@dataclass(slots=True, eq=False)
class Provider:
    """`head` is the newest block it is known to have, `genesis` the hash of its block 0, `due_head` what it
    should have been at when its last answer came late, and `ballot` the last one that it voted in.

    `line` is its WebSocket while there is one, and `lines` how many there have been.
    `is_lagging`, `is_forked` and `is_wrong_chain` are what the last round of probes made of it;
    `is_retired` once a new configuration has dropped it: what is under way ends, and nothing new begins.
    """

    settings: ProviderSettings
    pool: Pool
    breakers: dict[Transport, Breaker] = field(default_factory=lambda: {"http": Breaker(), "ws": Breaker()})
    limited_until: float = float("-inf")
    sour_until: dict[str, float] = field(default_factory=dict)
    latencies: dict[str, Score] = field(default_factory=dict)
    head: int | None = None
    due_head: int | None = None
    genesis: str | None = None
    is_lagging: bool = False
    is_forked: bool = False
    is_wrong_chain: bool = False
    is_probe_well: bool | None = None
    is_being_probed: bool = False
    ballot: Ballot | None = None
    in_flight: int = 0
    attempts: int = 0
    served: int = 0
    failures: int = 0
    failures_in_a_row: int = 0
    successes_in_a_row: int = 0
    last_failure: str | None = None
    last_probe: float | None = None
    is_retired: bool = False
    line: Line | None = None
    lines: int = 0

    @property
    def id(self) -> str:
        """The name it is configured by."""
        return self.settings.id

    @property
    def url(self) -> str:
        """Where it answers HTTP."""
        return self.settings.url

    @property
    def ws_url(self) -> str | None:
        """Where it answers WebSocket, if it does."""
        return self.settings.ws_url

    def breaker(self, transport: Transport, now: float, truth: Truth) -> Breaker:
        """The breaker as it is now."""
        return self.set_breaker(transport, b.at(self.breakers[transport], now), truth, "time")

    def set_breaker(self, transport: Transport, new: Breaker, truth: Truth, reason: str) -> Breaker:
        """Put a breaker in place; a change of state is an event."""
        old = self.breakers[transport]
        self.breakers[transport] = new
        if new.state != old.state:
            changed = {"from": old.state, "to": new.state, "reason": reason}
            truth.record("breaker", provider=self.id, transport=transport, **changed)
        return new

    def succeeded(
        self, transport: Transport, rules: BreakerSettings, truth: Truth, began: b.State | None = None
    ) -> None:
        """An attempt was answered well; to be called by whoever made it.

        With the state in which it `began`, it counts only if that is still the state: what was under way when
        a breaker changed tells of the time before.
        """
        self.failures_in_a_row, self.successes_in_a_row = 0, self.successes_in_a_row + 1
        old = self.breakers[transport]
        if began in (None, old.state):
            self.set_breaker(transport, b.after_success(old, rules), truth, "success")

    def failed(
        self,
        transport: Transport,
        now: float,
        rules: BreakerSettings,
        truth: Truth,
        reason: str,
        began: b.State | None = None,
    ) -> None:
        """An attempt failed in a way that speaks of the provider; `began` as for `succeeded`."""
        self.noted(reason)
        self.failures_in_a_row, self.successes_in_a_row = self.failures_in_a_row + 1, 0
        # A probe fails at a breaker as time has made it; an attempt at the one that it was begun with.
        old = self.breaker(transport, now, truth) if began is None else self.breakers[transport]
        if began in (None, old.state):
            self.set_breaker(transport, b.after_failure(old, now, rules), truth, reason)

    def abandoned(self, transport: Transport, began: b.State) -> None:
        """An attempt taught nothing: if it was the trial, another may be."""
        if began == "half_open":
            self.breakers[transport] = b.abandon(self.breakers[transport])

    def noted(self, reason: str) -> None:
        """An attempt failed, whoever is to blame."""
        self.failures += 1
        self.last_failure = reason

    def limit(self, until: float, truth: Truth, reason: str) -> None:
        """It has had enough of us: asked after the others until then, and its breaker left alone."""
        if until > self.limited_until:
            self.limited_until = until
            truth.record("standing", provider=self.id, what="rate_limited", reason=reason)

    def sour(self, method: str, now: float) -> None:
        """It gave a server error for this method: for a moment, others are asked first for this method."""
        if len(self.sour_until) >= MOST_SOUR:
            self.sour_until.clear()
        self.sour_until[method] = now + SOUR_SECONDS

    def saw_head(self, number: int) -> None:
        """It has shown this block, so it has it; going back is for the probes to say."""
        if self.head is None or number > self.head:
            self.head = number

    def stands(self, truth: Truth, *, lagging: bool, forked: bool, wrong_chain: bool) -> None:
        """What a round of probes made of it; each change is an event."""
        new = {"lagging": lagging, "forked": forked, "wrong_chain": wrong_chain}
        old = {"lagging": self.is_lagging, "forked": self.is_forked, "wrong_chain": self.is_wrong_chain}
        for what in new:
            if new[what] != old[what]:
                truth.record("standing", provider=self.id, what=what, is_so=new[what], head=self.head)
        self.is_lagging, self.is_forked, self.is_wrong_chain = lagging, forked, wrong_chain
