"""Who feeds the subscribers: the events that each provider sends, where they are counted.

Rule: only the provider from which alone events come is known to feed anybody, for an aggregator may well
listen to all of them for itself. That it was left is known when its events stop, and it was alone, or as many
more come from others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from battlectl.analyse.faults.counting import Moved
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.faults.usual import LEAST_CALLS, SHORTEST, SIGMAS, gaps_in


@dataclass(frozen=True, slots=True)
class Feed:
    """Events per second from a provider, and from all others together, without the fault."""

    own: float
    others: float
    when: str

    @property
    def role(self) -> Literal["alone", "shared", "none"]:
        """What the provider was to subscribers."""
        if not self.own:
            return "none"
        return "shared" if self.others else "alone"


def usual_feed(strike: Strike, known: Known) -> Feed | None:
    """Of the last stretch of subscribers before the fault without any other, else of the first after it.

    None where events are not counted, or were not then.
    """
    if not any(track.events and track.events[-1] for track in known.tracks.values()):
        return None
    load = [(streams.start, streams.end) for streams in known.evidence.frame.streams]
    before, after = gaps_in(load, strike, known)
    stretches = [(*_end_of(*gap, strike, known), "before") for gap in before]
    stretches += [(*_begin_of(*gap, strike, known), "after") for gap in after]
    for start, end, when in stretches:
        own = known.track(strike.provider).inside(start, end)
        if own is not None and own.seconds >= SHORTEST:
            others = sum(one.events / one.seconds for one in _others(strike, known, start, end))
            return Feed(own.events / own.seconds, others, when)
    return None


def events_gone(strike: Strike, usual: Feed | None, known: Known) -> tuple[int, float, float] | None:
    """(events that came, that would have come, that others sent more) where it was left, else None."""
    during = None if strike.struck is None else known.track(strike.provider).inside(strike.struck, strike.end)
    if usual is None or during is None:
        return None
    expected, theirs = usual.own * during.seconds, usual.others * during.seconds
    lost = expected - during.events
    if expected < LEAST_CALLS or during.events > expected / 2 or lost < SIGMAS * math.sqrt(expected):
        return None
    gained = sum(one.events for one in _others(strike, known, during.start, during.end)) - theirs
    is_more = gained >= lost / 2 and gained >= SIGMAS * math.sqrt(theirs)
    return (during.events, expected, gained) if is_more or usual.role == "alone" else None


def _others(strike: Strike, known: Known, start: float, end: float) -> Iterator[Moved]:
    for name, track in known.tracks.items():
        moved = None if name == strike.provider else track.inside(start, end)
        if moved is not None and moved.seconds > 0:
            yield moved


def _end_of(start: float, end: float, strike: Strike, known: Known) -> tuple[float, float]:
    """The last part of a stretch, without what other faults did to other providers."""
    for other in known.strikes:
        if other is not strike and other.overlaps(start, end):
            is_late = other.to >= end
            start, end = (start, min(end, other.from_)) if is_late else (max(start, other.to), end)
    return start, end


def _begin_of(start: float, end: float, strike: Strike, known: Known) -> tuple[float, float]:
    """The first part of it."""
    for other in known.strikes:
        if other is not strike and other.overlaps(start, end):
            is_early = other.from_ <= start
            start, end = (max(start, other.to), end) if is_early else (start, min(end, other.from_))
    return start, end
