"""Everything that a target's telemetry comes to: who said what, who saw what, and what cannot be so."""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.telemetry.breakers import breaker_disagreements
from battlectl.analyse.telemetry.counts import count_disagreements
from battlectl.analyse.telemetry.denied import denials
from battlectl.analyse.telemetry.disagreement import Disagreement
from battlectl.analyse.telemetry.memory import memory_disagreements
from battlectl.analyse.telemetry.tracks import tracks_of

FINDERS = (count_disagreements, denials, breaker_disagreements, memory_disagreements)


def disagreements(evidence: Evidence) -> tuple[Disagreement, ...]:
    """All of them, the furthest off first; of two about the same thing both, as they are two pages."""
    found = [one for find in FINDERS for one in find(evidence)]
    return tuple(sorted(found, key=lambda one: (-one.off, one.at, one.source)))


@dataclass(frozen=True, slots=True)
class Comparable:
    """How much there was to hold the target's word against: counters told, states told, memory told."""

    counters: int
    breakers: int
    memory: int

    @property
    def any(self) -> bool:
        """Whether agreement means anything."""
        return bool(self.counters or self.breakers or self.memory)


def comparable(evidence: Evidence) -> Comparable:
    """What was told of something that was seen as well."""
    telemetry = evidence.telemetry
    tracks = [track for track in tracks_of(evidence) if track.client(track.readings[-1].before)]
    states = {name for reading in telemetry.readings for name in reading.told.breakers}
    told = {r.source for r in telemetry.readings if r.told.memory_bytes is not None}
    return Comparable(len(tracks), len(states), len(told) if telemetry.samples else 0)
