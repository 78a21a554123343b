"""What a provider usually gets of the load, and whether it got less.

Rule: usual is what it got in the last seconds before the fault in which nothing was wrong with it. What it
should have got during the fault follows from its share of the arrivals, so that a load which changes by plan
looks like nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.strike import Strike

LOOK_BACK = 10.0
SHORTEST = 0.5
LEAST_CALLS = 5.0
SIGMAS = 3.0

Stretches = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Usual:
    """Load calls at a provider without the fault: how many, in which seconds, and of how many arrivals."""

    calls: int
    start: float
    end: float
    arrivals: float
    is_after: bool

    @property
    def seconds(self) -> float:
        """How long they were counted."""
        return self.end - self.start

    @property
    def share(self) -> float:
        """Calls at the provider for each arrival."""
        return self.calls / self.arrivals if self.arrivals else 0.0

    @property
    def when(self) -> str:
        """In words."""
        return "after" if self.is_after else "before"


def usual_calls(strike: Strike, known: Known) -> Usual | None:
    """Of the last stretch before the fault, else of the first after it; None where neither was looked at."""
    before, after = _gaps(strike, known)
    looks = known.track(strike.provider)
    for stretches, is_after in ((before, False), (after, True)):
        for start, end in stretches:
            moved = looks.inside(start, end)
            if moved is not None and moved.seconds >= SHORTEST:
                arrivals = known.due.between(moved.start, moved.end)
                return Usual(moved.calls, moved.start, moved.end, arrivals, is_after)
    return None


def _gaps(strike: Strike, known: Known) -> tuple[Stretches, Stretches]:
    load = [(workload.start, workload.end) for workload in known.evidence.frame.workloads]
    return gaps_in(load, strike, known)


def gaps_in(load: Stretches, strike: Strike, known: Known) -> tuple[Stretches, Stretches]:
    """Stretches of load without any fault at the provider: those before, latest first, and the next one."""
    own = sorted((*known.others_at(strike), strike), key=lambda one: one.from_)
    if not load:
        return [], []
    free = min(start for start, _ in load)
    gaps: Stretches = []
    for one in own:
        if one.from_ - free >= SHORTEST:
            gaps.append((max(free, one.from_ - LOOK_BACK), one.from_))
        free = max(free, one.to)
    last = max(end for _, end in load)
    if last - free >= SHORTEST:
        gaps.append((free, min(last, free + LOOK_BACK)))
    before = [gap for gap in reversed(gaps) if gap[1] <= strike.from_]
    return before, [gap for gap in gaps if gap[0] >= strike.to][:1]


def free_stretches(strike: Strike, known: Known) -> Stretches:
    """Stretches of load before the fault in which nothing was wrong with the provider, else the next one."""
    before, after = _gaps(strike, known)
    return before or after


def calls_gone(
    strike: Strike, usual: Usual | None, known: Known, start: float, end: float
) -> tuple[int, float] | None:
    """(calls that came, calls that would have come) when far fewer came than usual, else None."""
    moved = known.track(strike.provider).inside(start, end)
    if moved is None or usual is None:
        return None
    expected = usual.share * known.due.between(moved.start, moved.end)
    if expected < LEAST_CALLS or moved.calls > expected / 2:
        return None
    return (moved.calls, expected) if expected - moved.calls >= SIGMAS * math.sqrt(expected) else None
