"""Connections and files that a target opens and never closes.

Rule: the target holds as many open as there are requests under way, some times over; what it holds beyond
that, and more of it all along, it has forgotten. Judged without faults and subscribers alone: both make a
target hold more for good reasons. It takes seconds to see, where memory takes minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence

LEAST_SECONDS, LEAST_LOOKS = 8.0, 8
PER_REQUEST = 3
"""Connections for one request under way: the client's, one to a provider, one that was kept from before."""
FORGOTTEN = 50
LATE_PART = 1 / 3
"""The part of its growth that must lie in the last half, as for memory."""


@dataclass(frozen=True, slots=True)
class Opened:
    """`is_leak` is None where nothing can be said; `first` and `last` are how many were open."""

    is_leak: bool | None = None
    first: int = 0
    last: int = 0
    seconds: float = 0.0


def opened_of(evidence: Evidence) -> Opened:
    """After warm-up."""
    frame, telemetry = evidence.frame, evidence.telemetry
    looks = [
        (sample.t, sample.files)
        for sample in telemetry.samples
        if sample.files is not None and any(a <= sample.t <= b for a, b in frame.run.stretches)
    ]
    if frame.injections or frame.streams or len(looks) < LEAST_LOOKS:
        return Opened()
    (begin, first), (end, last) = looks[0], looks[-1]
    if end - begin < LEAST_SECONDS:
        return Opened()
    middle = next(files for t, files in looks if t >= (begin + end) / 2)
    busy = max((reading.open for reading in telemetry.readings), default=0)
    if not telemetry.readings:
        busy = sum(load.connections for load in frame.workloads)
    is_leak = last - first - PER_REQUEST * busy >= FORGOTTEN and last - middle >= LATE_PART * (last - first)
    return Opened(is_leak, first, last, end - begin)
