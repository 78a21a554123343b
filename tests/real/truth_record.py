"""The gateway's own record of a battle on the clock of the run: requests, attempts, breakers.

Rule: nothing here comes from battlectl but what was planned (which request was due when) and when its faults
were put in force. The run's start is found on the gateway's clock: no request can come before it is due, and
among a thousand some come at once, so the least time between being due and coming is next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from battlectl.analyse.evidence import Evidence
from battlectl.plan.workload import PlannedWorkload, Window
from battlectl.run.campaign_watch import COUNT_EVERY
from tests.real.truth_battle import Battle

LOOKED_AT = "provider_a"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; `breaker` is the state in which it was made."""

    provider: str
    breaker: str
    at: float
    until: float
    failure: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the load; `latency` counts from when it was due to when the gateway had its answer."""

    due: float
    at: float
    until: float
    to: str | None
    is_ok: bool
    attempts: tuple[Attempt, ...]

    @property
    def latency(self) -> float:
        """See above."""
        return self.until - self.due


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of state of a provider's breaker."""

    at: float
    provider: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class Truth:
    """All of it, in order of time."""

    requests: tuple[Request, ...]
    turns: tuple[Turn, ...]
    evidence: Evidence
    """For its frame and its deeds alone."""

    @property
    def disturbed(self) -> float:
        """By how many seconds a request came late at most, or a look at the counters: the machine's doing."""
        looks = sorted({count.t for count in self.evidence.campaign.counts if count.provider == LOOKED_AT})
        late = max(later - earlier for earlier, later in pairwise(looks)) - COUNT_EVERY
        return max(late, *(request.at - request.due for request in self.requests))

    def within(self, window: Window) -> tuple[Request, ...]:
        """The requests that were due in a window."""
        return tuple(r for r in self.requests if any(a <= r.due < b for a, b in window.stretches))

    def turns_of(self, provider: str, before: str = "", after: str = "") -> tuple[Turn, ...]:
        """The changes of one breaker, from and to the states that are named."""
        own = (turn for turn in self.turns if turn.provider == provider)
        return tuple(t for t in own if before in ("", t.before) and after in ("", t.after))

    def attempts_at(self, provider: str) -> tuple[Attempt, ...]:
        """The attempts at one provider, in the order in which they were made."""
        own = (a for request in self.requests for a in request.attempts if a.provider == provider)
        return tuple(sorted(own, key=lambda attempt: attempt.at))

    def struck(self, fault: str, provider: str) -> tuple[float, float, float, float] | None:
        """(begun, struck, healing, healed) of a fault at a provider; None where it was not injected."""
        deeds = [d for d in self.evidence.campaign.deeds if (d.fault, d.provider) == (fault, provider)]
        times = {(deed.action, deed.stage): deed.t for deed in deeds}
        steps = (("inject", "begin"), ("inject", "done"), ("heal", "begin"), ("heal", "done"))
        if any(step not in times for step in steps):
            return None
        begun, struck, healing, healed = (times[step] for step in steps)
        return begun, struck, healing, healed


def truth_of(battle: Battle) -> Truth:
    """The record on the run's clock."""
    dues = dict(_dues(battle.prepared.plan.workloads))
    # The question whether the target is ready has the id of the first request, and came before it.
    own = {r["ids"][0]: r for r in battle.requests if r["ids"] and r["ids"][0] in dues}
    start = min(r["at"] - dues[id_] for id_, r in own.items())
    requests = [_request(r, dues[id_], start) for id_, r in own.items()]
    turns = [
        Turn(e["at"] - start, e["provider"], e["from"], e["to"], e["reason"])
        for e in battle.events.get("breaker", [])
        if e["transport"] == "http"
    ]
    return Truth(tuple(sorted(requests, key=lambda r: r.due)), tuple(turns), battle.evidence)


def _dues(workloads: Sequence[PlannedWorkload]) -> Iterator[tuple[int, float]]:
    for workload in workloads:
        for arrival in workload.arrivals():
            yield arrival.first_id, arrival.due


def _request(told: dict[str, Any], due: float, start: float) -> Request:
    attempts = tuple(
        Attempt(a["provider"], a["breaker"], a["at"] - start, a["until"] - start, a["failure"])
        for a in told["attempts"]
    )
    return Request(due, told["at"] - start, told["until"] - start, told["to"], told["is_ok"], attempts)
