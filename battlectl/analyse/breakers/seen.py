"""What can be seen of a breaker under one fault, and whether it should trip for it.

Rule: a fault tells of a breaker where every request of the load fails by it at its provider, and nobody else
is broken: a target in need asks whom it likes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from battlectl.analyse.breakers.attempts import Attempts, failed_attempts
from battlectl.analyse.breakers.spells import Spells, spells_of
from battlectl.analyse.faults.breaker import NO_FAILURES, should_trip
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.quiet import ENOUGH, Watch, watch
from battlectl.analyse.faults.strike import Strike
from battlectl.observe import outcome
from battlectl.plan.routing import BreakerFrame

AT_ONCE = 0.1
"""Seconds in which attempts are begun beside the one that trips it."""
LEAST_SPARE = 2
DETERMINISTIC = frozenset({-32602, -32601, -32600, 3})
LIMITS = frozenset({"http_429", "rate_limit_in_body", "rate_limit_in_batch"})
GRAINS = 3.0


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was seen of one fault; `rate` is how many attempts a second there would be without any."""

    strike: Strike
    promised: BreakerFrame
    known: Known
    watching: Watch
    attempts: Attempts
    spells: Spells
    rate: float

    @property
    def spare(self) -> int:
        """Attempts that may be begun before the one that trips it is over."""
        return max(LEAST_SPARE, ceil(self.rate * AT_ONCE))


def seen_under(strike: Strike, known: Known, promised: BreakerFrame | None = None) -> Seen | str:
    """What can be seen of a breaker under one fault; in words, why nothing can."""
    watching = watch(strike.provider, known)
    if others := [s for s in known.strikes if s.provider != strike.provider and is_beside(s, strike)]:
        return f"{others[0].injection.name} was in force elsewhere at the same time"
    attempts = failed_attempts(strike, known)
    if not attempts.steps or isinstance(watching, str):
        return attempts.words or str(watching)
    rate = watching.rate * _part_of_load(strike, known)
    grain = max(step.end - step.start for step in attempts.steps)
    spells = spells_of(attempts.steps, max(GRAINS * grain, ENOUGH / rate) if rate else float("inf"))
    return Seen(strike, promised or BreakerFrame(), known, watching, attempts, spells, rate)


def must_trip(strike: Strike, known: Known) -> bool:
    """Whether every request of the load fails there, in a way that is the provider's fault."""
    methods = set(strike.injection.attributes.get("methods") or ())
    called = {label for load in known.evidence.frame.workloads for label in load.labels}
    labels = {outcome.outcome_of(label) for label in strike.expected.labels}
    is_whole = strike.expected.connections == "all" and strike.expected.turns is None
    if strike.expected.is_of_websockets or strike.expected.bids_target or not is_whole:
        return False
    everything = should_trip(strike) or bool(
        methods and called <= methods and labels and strike.expected.probability >= 1
    )
    return everything and outcome.RPC_ERROR not in labels and strike.injection.toxic not in NO_FAILURES


def must_not_trip(strike: Strike) -> bool:
    """Whether what it answers says nothing against the provider."""
    toxic, code = strike.injection.toxic, strike.injection.attributes.get("code")
    return toxic in LIMITS or toxic == "revert" or (toxic == "rpc_error" and code in DETERMINISTIC)


def is_beside(other: Strike, strike: Strike) -> bool:
    """Whether another fault did anything to requests in that time."""
    is_nothing = other.expected.does_nothing or other.expected.is_of_websockets
    return not is_nothing and other.overlaps(strike.from_, strike.end)


def _part_of_load(strike: Strike, known: Known) -> float:
    """The part of the calls that a fault of some methods strikes, of all that go to providers."""
    methods = set(strike.injection.attributes.get("methods") or ())
    frame, tally = known.evidence.frame, known.evidence.tally
    if not methods:
        return 1.0
    cells = [
        (label, cell.total)
        for (_, label, segment), cell in tally.calls.items()
        if segment in frame.all_segments
    ]
    total = sum(count for _, count in cells)
    return sum(count for label, count in cells if label in methods) / total if total else 0.0


def strategies_of(seen: Seen) -> set[str]:
    """What is expected of the routing of the load."""
    return {load.routing.strategy for load in seen.known.evidence.frame.workloads if load.routing}
