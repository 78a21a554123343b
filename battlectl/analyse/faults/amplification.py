"""Attempts at providers for each request of a client.

Rule: replies that tell their attempts are exact. Counters are a range: calls inside the window, less what may
be the target's own probes, up to all calls around it; connections that a fault ended unread count with them.
An attempt at a closed port is seen by nobody, so then there is a least and no most.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import inf

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.counting import Moved, Track
from battlectl.analyse.faults.figure import Figure, exact, not_observable
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.served import told
from battlectl.analyse.faults.strike import Strike
from battlectl.observe import outcome
from battlectl.observe.consistency import ASKED, WATCH, counted
from battlectl.observe.faults import Probe
from battlectl.plan.workload import Window

READ = 0.1
"""Seconds: a look is dated when its answer came, and what it tells may be so much older."""
LONGEST_PROBE = 5.0
HIDDEN = "attempts at a provider that is down are counted by nobody"


def amplification(evidence: Evidence, window: Window, known: Known | None = None) -> Figure:
    """See the rule."""
    segments = evidence.frame.segments(window)
    replies = told(evidence, segments)
    if replies.tells and not replies.unsaid:
        return exact(replies.cell.attempts / replies.cell.told, replies.cell.told, "metadata")
    sent = requests_sent(evidence, window)
    attempts = counted_attempts(window, known or know(evidence))
    if not sent or attempts is None:
        unsaid = (
            f"{replies.unsaid:,} requests do not say how many attempts they took, and nothing counts them"
        )
        return not_observable(
            unsaid if replies.tells else "no reply tells its attempts and no call is counted"
        )
    least, most = attempts
    words = HIDDEN if most == inf else "calls counted at the providers"
    return Figure(least / sent, most / sent, sent, "counters", words)


def requests_sent(evidence: Evidence, window: Window) -> int:
    """Arrivals that went out, each of a batch, what we sent again, and what we asked beside the load."""
    segments = evidence.frame.segments(window)
    cell, flow = evidence.tally.cell(segments), evidence.tally.flow(segments)
    asked = counted(evidence.tally.facts, WATCH, ASKED, segments).number
    return cell.total - cell.outcomes.get(outcome.DROPPED, 0) + flow.retries + flow.reconnects + asked


def counted_attempts(window: Window, known: Known) -> tuple[float, float] | None:
    """(least, most) attempts that the requests of a window made, by the providers' counters."""
    if not known.tracks:
        return None
    lag = _longest_wait(window, known)
    least, most = 0.0, 0.0
    for start, end in window.stretches:
        for provider in known.tracks:
            a, b = _counted(provider, start, end, lag, known)
            least, most = least + a, most + b
    hidden = any(
        strike.expected.hides_attempts and strike.overlaps(start, end)
        for strike in known.strikes
        for start, end in window.stretches
    )
    return least, inf if hidden or _is_partly_counted(known) else most


def attempts_within(provider: str, window: Window, known: Known) -> tuple[float, float]:
    """(least, most) attempts at one provider in the time of a window, whenever their requests were due."""
    track, least, most = known.track(provider), 0.0, 0.0
    for start, end in window.stretches:
        inner, outer = track.inside(start + READ, end), track.around(start, end + READ)
        if outer is None and track.times and track.times[-1] >= known.evidence.ended_at >= end:
            outer = track.around(start, track.times[-1])
        least += _at_least(provider, inner, known)
        most += _at_most(provider, outer, known) + _cut_on_the_way(provider, start, end, known)
    own = (strike for strike in known.strikes if strike.provider == provider)
    hidden = any(s.expected.hides_attempts and s.overlaps(a, b) for s in own for a, b in window.stretches)
    return least, inf if hidden else max(0.0, most)


def _is_partly_counted(known: Known) -> bool:
    """Whether a provider that faults are aimed at is not among those that are counted."""
    return any(strike.provider not in known.tracks for strike in known.strikes)


def _longest_wait(window: Window, known: Known) -> float:
    """How long after it was due a request of the window may still have made an attempt."""
    evidence = known.evidence
    cell = evidence.tally.cell(evidence.frame.segments(window))
    return cell.latency.maximum or 0.0


def _counted(provider: str, start: float, end: float, lag: float, known: Known) -> tuple[float, float]:
    """At one provider, for one stretch: of what was due before it nothing is left after the longest wait."""
    track = known.track(provider)
    first = start + lag if known.due.between(0.0, start) else _last_look(track, start)
    last = end if known.due.between(end, inf) else inf  # Nothing else came after the end of the load.
    inner = track.inside(first, last)
    least = _at_least(provider, inner, known)
    outer = track.around(start, end + lag)
    if outer is None and track.times and not known.due.between(end, inf) and track.times[-1] >= end:
        outer = track.around(start, track.times[-1])  # Nothing came after the last look.
    most = _at_most(provider, outer, known) + _cut_on_the_way(provider, start, end, known)
    return least, max(0.0, most)


def _at_least(provider: str, moved: Moved | None, known: Known) -> float:
    if moved is None:
        return 0.0
    ours = _in_flight(provider, moved.start, known)
    return max(0.0, moved.attempts - known.own.at_most(moved.seconds) - ours)


def _at_most(provider: str, moved: Moved | None, known: Known) -> float:
    if moved is None:
        return inf
    return moved.attempts - known.own.at_least(moved.seconds) + _in_flight(provider, moved.end, known)


def _in_flight(provider: str, at: float, known: Known) -> int:
    """Probes of ours at a look, which are taken off from when they are sent, read or not."""
    own = known.probes.get(provider, ())
    begun = own[bisect_left(own, at - LONGEST_PROBE, key=_begun) : bisect_right(own, at, key=_begun)]
    return sum(probe.t + probe.seconds + READ >= at for probe in begun)


def _begun(probe: Probe) -> float:
    return probe.t


def _last_look(track: Track, start: float) -> float:
    """From it until the load began there was nothing but the target's own probes."""
    before = track.within(-inf, start)
    return before[-1].t if before else start


def _cut_on_the_way(provider: str, start: float, end: float, known: Known) -> int:
    """Connections that were open when a fault ended them: each may have carried a request nobody read."""
    own = (s for s in known.strikes if s.provider == provider and s.expected.counts_refused)
    return sum(_were_open(strike, known) for strike in own if strike.overlaps(start, end))


def _were_open(strike: Strike, known: Known) -> int:
    """Its hits, less the connections that it refused."""
    track, name = known.track(strike.provider), strike.injection.name
    before = track.within(-inf, strike.from_)
    refused = before[-1].refused if before else 0
    looks = (look for look in track.within(strike.from_, strike.to) if name in look.hits)
    return max((look.hits[name] - (look.refused - refused) for look in looks), default=0)
