"""Everything that a target's telemetry comes to: who said what, who saw what, and what cannot be so.

Rule: agreement means something only where a lie would have been seen: of a counter where enough was counted
on our side too, of a breaker where it is told under a name that we know and its provider was seen to answer,
or to be left alone, of memory where enough looks fell together.
"""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.telemetry.breakers import breaker_disagreements, comparable_breakers
from battlectl.analyse.telemetry.counts import count_disagreements
from battlectl.analyse.telemetry.denied import denials
from battlectl.analyse.telemetry.disagreement import ENOUGH, Disagreement
from battlectl.analyse.telemetry.latencies import comparable_latencies, latency_disagreements
from battlectl.analyse.telemetry.memory import comparable_memory, memory_disagreements
from battlectl.analyse.telemetry.replies import comparable_faults, reply_disagreements
from battlectl.analyse.telemetry.retries import retry_disagreements
from battlectl.analyse.telemetry.tracks import tracks_of

FINDERS = (
    count_disagreements,
    denials,
    breaker_disagreements,
    memory_disagreements,
    reply_disagreements,
    retry_disagreements,
    latency_disagreements,
)


def disagreements(evidence: Evidence) -> tuple[Disagreement, ...]:
    """All of them, the furthest off first; of two about the same thing both, as they are two pages."""
    found = [one for find in FINDERS for one in find(evidence)]
    return tuple(sorted(found, key=lambda one: (-one.off, one.at, one.source)))


@dataclass(frozen=True, slots=True)
class Comparable:
    """How much there was to hold the target's word against: counters told, states told, memory told, faults
    under which replies would have given themselves away, and delays under which their latencies would."""

    counters: int
    breakers: int
    memory: int
    faults: int = 0
    delays: int = 0


def comparable(evidence: Evidence) -> Comparable:
    """What was told of something that was seen as well."""
    counters = [
        track
        for track in tracks_of(evidence)
        if track.client(track.readings[-1].before) - track.client(track.readings[0].before) >= ENOUGH
    ]
    return Comparable(
        len(counters),
        len(comparable_breakers(evidence)),
        comparable_memory(evidence.telemetry),
        comparable_faults(evidence),
        comparable_latencies(evidence),
    )
