"""The target's own health probes: calls at providers that no client asked for.

Rule: they are known only where providers were looked at while nothing was due. Else all that is known is that
they are no more than what the baseline had beyond one call for each arrival; a target that asks twice for
everything has as much, so that nothing is ever taken off by this bound to make a figure look better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.counting import Due, Track

IDLE_FOR = 2.0


@dataclass(frozen=True, slots=True)
class OwnProbes:
    """Calls per second and provider, on average, at least and at most."""

    least: float
    most: float


NONE_KNOWN = OwnProbes(0.0, float("inf"))


def own_probes(evidence: Evidence, tracks: Mapping[str, Track], due: Due) -> OwnProbes:
    """See the rule; `NONE_KNOWN` where nothing was counted."""
    return _when_idle(evidence, tracks) or _in_baseline(evidence, tracks, due) or NONE_KNOWN


def _when_idle(evidence: Evidence, tracks: Mapping[str, Track]) -> OwnProbes | None:
    begin = min((workload.start for workload in evidence.frame.workloads), default=0.0)
    moved = [track.inside(float("-inf"), begin) for track in tracks.values()]
    seen = [m for m in moved if m is not None and m.seconds >= IDLE_FOR]
    if not seen or len(seen) < len(moved):
        return None
    rate = sum(m.calls / m.seconds for m in seen) / len(seen)
    return OwnProbes(rate, rate)


def _in_baseline(evidence: Evidence, tracks: Mapping[str, Track], due: Due) -> OwnProbes | None:
    window = evidence.frame.windows.get("baseline")
    if window is None or not tracks:
        return None
    moved = [track.inside(window.start, window.end) for track in tracks.values()]
    seen = [m for m in moved if m is not None and m.seconds > 0]
    start, end = max((m.start for m in seen), default=0.0), min((m.end for m in seen), default=0.0)
    if len(seen) < len(moved) or end <= start:
        return None
    excess = sum(m.calls / m.seconds for m in seen) - due.between(start, end) / (end - start)
    return OwnProbes(0.0, max(0.0, excess) / len(seen))
