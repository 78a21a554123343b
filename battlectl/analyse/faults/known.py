"""All that is known of a run's faults, sorted once: strikes, counters, probes, arrivals.

Rule: nothing is concluded here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.counting import Due, Track, due_arrivals, tracks_of
from battlectl.analyse.faults.own_probes import OwnProbes, own_probes
from battlectl.analyse.faults.strike import Strike, strikes_of
from battlectl.observe import outcome
from battlectl.observe.faults import Probe

CUT_OFF = frozenset({outcome.RESET, outcome.CLOSED, outcome.REFUSED})
"""How a connection ends that is taken and reset at once: it may not even seem to have been made."""
NO_TRACK = Track()


@dataclass(frozen=True, slots=True)
class Known:
    """See the rule; counters and probes are by provider, in order of time."""

    evidence: Evidence
    strikes: tuple[Strike, ...]
    tracks: Mapping[str, Track]
    probes: Mapping[str, tuple[Probe, ...]]
    due: Due
    own: OwnProbes

    def track(self, provider: str) -> Track:
        """The counters of a provider, without any look where it was not looked at."""
        return self.tracks.get(provider, NO_TRACK)

    def probes_between(self, provider: str, start: float, end: float) -> tuple[Probe, ...]:
        """The probes of a provider that were begun and ended in a stretch."""
        own = self.probes.get(provider, ())
        first = bisect_left(own, start, key=_begun)
        last = bisect_right(own, end, key=_begun)
        return tuple(probe for probe in own[first:last] if probe.t + probe.seconds <= end)

    def others_at(self, strike: Strike) -> tuple[Strike, ...]:
        """The other strikes at the same provider."""
        return tuple(s for s in self.strikes if s is not strike and s.provider == strike.provider)


def _begun(probe: Probe) -> float:
    return probe.t


def know(evidence: Evidence) -> Known:
    """Sort what is known."""
    strikes = strikes_of(evidence)
    tracks, due = tracks_of(evidence.campaign, _cut_off(evidence, strikes)), due_arrivals(evidence)
    probes: dict[str, list[Probe]] = {}
    for probe in sorted(evidence.campaign.probes, key=lambda probe: probe.t):
        probes.setdefault(probe.provider, []).append(probe)
    return Known(
        evidence=evidence,
        strikes=strikes,
        tracks=tracks,
        probes={name: tuple(own) for name, own in probes.items()},
        due=due,
        own=own_probes(evidence, tracks, due, strikes),
    )


def _cut_off(evidence: Evidence, strikes: Sequence[Strike]) -> Mapping[str, Sequence[float]]:
    """When our probes were refused unread, by provider, where such attempts are counted."""
    times: dict[str, list[float]] = {}
    counting = [strike for strike in strikes if strike.expected.counts_refused]
    for probe in evidence.campaign.probes:
        is_cut = probe.connection == "new" and probe.outcome in CUT_OFF
        if is_cut and any(s.provider == probe.provider and s.overlaps(probe.t, probe.t) for s in counting):
            times.setdefault(probe.provider, []).append(probe.t)
    return times
