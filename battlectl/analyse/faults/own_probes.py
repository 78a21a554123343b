"""The target's own health probes: calls at providers that no client asked for.

Rule: they are known only where providers were looked at while nothing was due. Else all that is known is that
they are no more than what a time without faults had beyond one call for each arrival; a target that asks
twice for everything has as much, so nothing is ever taken off by this bound to make a figure look better.
Of a target that answers much of the load itself (a cache) this bounds nothing at all.
They were counted over some seconds, and are foretold for others: chance is in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.counting import Due, Track
from battlectl.analyse.faults.strike import Strike

IDLE_FOR = 2.0
HALF_A_CALL = 0.5
SIGMAS = 3.0
AT_ONCE = 3.0
"""Calls that one health check may take."""
PASSED_ON = 0.9
"""The part of the arrivals that must have come to providers, for what is beyond them to bound anything."""
USUAL = 5.0
"""Calls per second and provider that may well be somebody's probes, where nothing bounds them."""
CALM_AFTER = 2.0
"""Seconds after a fault in which a target may still make up for it."""


@dataclass(frozen=True, slots=True)
class OwnProbes:
    """Calls per second and provider, on average, at least and at most, as counted `over` some seconds.

    `is_bound` is False where the target answered so much itself that `most` says nothing.
    """

    least: float
    most: float
    over: float = inf
    is_bound: bool = True

    @property
    def plausible(self) -> float:
        """A rate beyond which a call is one of the load."""
        known = 0.0 if self.most == inf else self.most
        return known if self.is_bound and self.most < inf else max(USUAL, known)

    def at_least(self, seconds: float) -> float:
        """How many they surely are in a stretch."""
        own = self.least * seconds
        return max(0.0, own - self._chance(own, seconds))

    def at_most(self, seconds: float) -> float:
        """How many they may be in a stretch."""
        own = self.most * seconds
        return inf if self.most == inf else own + self._chance(own, seconds)

    def _chance(self, own: float, seconds: float) -> float:
        """One more or one fewer of them, whatever calls it takes, and what chance does to their number."""
        if self.most * self.over < HALF_A_CALL:
            return 0.0  # None was ever seen.
        return AT_ONCE + SIGMAS * sqrt(own * (1 + seconds / self.over))


NONE_KNOWN = OwnProbes(0.0, inf)


def own_probes(
    evidence: Evidence, tracks: Mapping[str, Track], due: Due, strikes: Sequence[Strike]
) -> OwnProbes:
    """See the rule; `NONE_KNOWN` where nothing was counted."""
    return _when_idle(evidence, tracks) or _without_faults(evidence, tracks, due, strikes) or NONE_KNOWN


def _when_idle(evidence: Evidence, tracks: Mapping[str, Track]) -> OwnProbes | None:
    begin = min((workload.start for workload in evidence.frame.workloads), default=0.0)
    moved = [track.inside(-inf, begin) for track in tracks.values()]
    seen = [m for m in moved if m is not None and m.seconds >= IDLE_FOR]
    if not seen or len(seen) < len(moved):
        return None
    rate = sum(m.calls / m.seconds for m in seen) / len(seen)
    return OwnProbes(rate, rate, min(m.seconds for m in seen))


def _without_faults(
    evidence: Evidence, tracks: Mapping[str, Track], due: Due, strikes: Sequence[Strike]
) -> OwnProbes | None:
    """From the longest stretch of load in which no fault was in force, nor just before."""
    stretch = max(_calm(evidence, strikes), key=lambda pair: pair[1] - pair[0], default=(0.0, 0.0))
    moved = [track.inside(*stretch) for track in tracks.values()]
    seen = [m for m in moved if m is not None and m.seconds > 0]
    start, end = max((m.start for m in seen), default=0.0), min((m.end for m in seen), default=0.0)
    if not seen or len(seen) < len(moved) or end <= start:
        return None
    rate, asked = sum(m.calls / m.seconds for m in seen), due.between(start, end) / (end - start)
    return OwnProbes(0.0, max(0.0, rate - asked) / len(seen), end - start, rate >= PASSED_ON * asked)


def _calm(evidence: Evidence, strikes: Sequence[Strike]) -> Iterator[tuple[float, float]]:
    load = [(workload.start, workload.end) for workload in evidence.frame.workloads]
    if not load:
        return
    free = min(start for start, _ in load)
    for strike in sorted(strikes, key=lambda strike: strike.from_):
        if strike.from_ > free:
            yield free, strike.from_
        free = max(free, strike.to + CALM_AFTER)
    if free < max(end for _, end in load):
        yield free, max(end for _, end in load)
