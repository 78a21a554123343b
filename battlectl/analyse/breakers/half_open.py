"""Whether replies tell that a breaker was half-open under a fault for which none may open.

Rule: one that is half-open was open before. It opened for this fault only where replies told before it that
it was closed, and never that it was half-open, and where nothing else at that provider can have tripped it.
Pages that told it closed all the while contradict that: then nobody knows.
"""

from __future__ import annotations

from battlectl.analyse.breakers.seen import must_not_trip
from battlectl.analyse.faults.breaker_told import HALF_OPEN, states_told
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.telemetry.states import told_closed


def told_half_open(strike: Strike, known: Known) -> tuple[bool | None, str] | None:
    """Whether it held, and what was told; None where replies tell nothing of it."""
    evidence, provider = known.evidence, strike.provider
    frame, at, until = evidence.frame, strike.injection.at, strike.injection.until
    own = (one for one in known.others_at(strike) if one.from_ < strike.end)
    if strike.struck is None or not all(map(must_not_trip, own)):
        return None
    before = states_told(evidence, provider, [s for s in frame.all_segments if frame.cuts[s + 1] <= at])
    under = [s for s in frame.all_segments if at <= frame.cuts[s] and frame.cuts[s + 1] <= until]
    number = states_told(evidence, provider, under).get(HALF_OPEN, 0)
    if not number or not before.get("closed") or before.get(HALF_OPEN):
        return None
    words = f"{number:,} replies tell that its breaker was half-open, and so had been open"
    inside = [r for r in evidence.telemetry.readings if strike.struck <= r.t and r.until <= strike.end]
    if source := told_closed(inside, provider):
        return None, f"{words}, while {source} tells that it was closed all along"
    return False, words
