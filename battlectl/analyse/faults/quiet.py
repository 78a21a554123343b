"""When a target leaves a provider alone: no attempt of the load, for as long as ten would have come.

Rule: attempts are calls, and connections that a fault ended before a call could be read. Silence is told from
what was due, not from the clock, so that a pause of the load is none. Where the target's own probes are as
many as the calls of the load, or the load is too thin, nothing can be told. Where every provider is broken a
target asks whom it likes, one that it had left alone as well: nothing can be told of that time either. (One
that is healed and not used again may still be left alone, so it counts as broken there.)
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from battlectl.analyse.faults.counting import Due, Moved, Track
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.faults.usual import SHORTEST, Usual, usual_calls
from battlectl.plan.frame import RUN

ENOUGH = 10.0
"""Calls that would have come, had it not been left alone."""
SHORTEST_SILENCE = 1.0
LONGEST_SILENCE = 30.0
RETURNED = 0.5
"""The part of the usual calls at which it is used again."""
LASTING = 0.2
"""The part of them that must still come in the second half of that time."""
DIP = 0.5
DIP_CALLS = 5.0
JITTER = 0.01
"""Seconds, and calls that would have come in them, without any: too short to be sure of a silence."""
HALF_A_CALL = 0.5
SIGMAS = 3.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What silence means at one provider: for how long, and how many calls are still none of the load.

    In `dark` stretches a fault kept attempts from being counted: they are silent whatever the target does.
    """

    provider: str
    track: Track
    share: float
    rate: float
    silence: float
    allowed: float
    known: Known
    dark: tuple[tuple[float, float], ...] = ()

    @property
    def begin(self) -> float:
        """When the load began."""
        return min((w.start for w in self.known.evidence.frame.workloads), default=0.0)

    @property
    def sees_short_silence(self) -> bool:
        """Whether so many calls usually come that it would be seen if none did for a second."""
        calls = self.rate * DIP
        return calls >= max(DIP_CALLS, 2 * _may_be_own(DIP, self.known))

    @property
    def blind(self) -> Iterator[tuple[float, float]]:
        """When a silence of a second may be missed: in steps that are too long, and while others are slow."""
        for step in self.track.steps(self.begin, math.inf):
            if step.seconds > (SHORTEST_SILENCE - DIP) / 2 + JITTER:
                yield step.start, step.end
        yield from _overdue(self.provider, self.known)

    @property
    def sees_single_calls(self) -> bool:
        """Whether one call of the load would be told from the target's own probes."""
        return self.allowed < 1.0

    def is_silent(self, index: int) -> bool:
        """Whether nothing of the load came from a look on, though it should have."""
        ahead = self._ahead(index)
        if ahead is None or self._is_dark(ahead):
            return False
        is_enough = self._expected(ahead) >= max(ENOUGH, 4 * self.allowed) / 2
        return is_enough and ahead.attempts <= self.allowed

    def dips(self, index: int) -> bool:
        """Whether nothing of the load may have come from a look on, for a moment at least."""
        ahead = self._ahead(index, DIP)
        if ahead is None or self._is_dark(ahead):
            return False
        own = _may_be_own(ahead.seconds, self.known)
        return self._expected(ahead) >= max(DIP_CALLS, 2 * own) and ahead.attempts <= own

    def ends_by(self, index: int) -> float:
        """By when a dip from a look on was over: at the look after the first that it may have lasted to."""
        times = self.track.times
        return times[min(bisect_left(times, times[index] + DIP) + 1, len(times) - 1)]

    def stopped_by(self, index: int) -> float:
        """The end of the last call in the silence from a look on: what may be a probe may be load as well."""
        until = self.track.times[index] + self.silence
        steps = self.track.steps(self.track.times[index], until)
        return max((step.end for step in steps if step.attempts), default=self.track.times[index])

    def returned_by(self, index: int) -> float:
        """The end of the first step from a look on in which it got its part."""
        steps = self.track.steps(self.track.times[index], self.track.times[-1])
        own = self.known.own.most
        return next(
            (s.end for s in steps if s.attempts - own * s.seconds >= RETURNED * self._expected(s)),
            self.track.times[-1],
        )

    def is_used(self, index: int) -> bool:
        """Whether it gets its part again from a look on, and goes on getting it: else it was a trial."""
        ahead = self._ahead(index)
        if ahead is None or self._is_dark(ahead):
            return False
        if ahead.attempts - self.allowed < max(1.0, RETURNED * self._expected(ahead)):
            return False
        rest = self.track.inside((ahead.start + ahead.end) / 2, ahead.end)
        return rest is None or rest.attempts >= max(1.0, LASTING * self._expected(rest))

    def steps(self) -> Iterator[tuple[int, Moved]]:
        """(number of a look, what was counted from it to the next)."""
        times = self.track.times
        yield from enumerate(self.track.steps(times[0], times[-1]) if times else ())

    def _is_dark(self, moved: Moved) -> bool:
        return any(moved.start < end and moved.end > start for start, end in self.dark)

    def _ahead(self, index: int, seconds: float = 0.0) -> Moved | None:
        times = self.track.times
        last = bisect_left(times, times[index] + (seconds or self.silence))
        return self.track.inside(times[index], times[last]) if last < len(times) else None

    def _expected(self, moved: Moved) -> float:
        return self.share * self.known.due.between(moved.start, moved.end)


def watch(provider: str, known: Known) -> Watch | str:
    """How to tell that a provider is left alone; in words why that cannot be told."""
    usual = _usual(provider, known)
    if usual is None:
        return "its calls were not counted without a fault"
    rate = usual.calls / usual.seconds
    silence = max(SHORTEST_SILENCE, ENOUGH / rate) if rate else math.inf
    if silence > LONGEST_SILENCE:
        return f"it gets too few calls to tell silence from chance ({rate:,.2f}/s)"
    while _may_be_own(silence, known) > RETURNED * rate * silence / 2 and silence * 2 <= LONGEST_SILENCE:
        silence *= 2
    allowed = _may_be_own(silence, known)
    if allowed > RETURNED * rate * silence / 2:
        return "the target's own probes may be as many as the calls of the load"
    dark = tuple(_dark(provider, known))
    return Watch(provider, known.track(provider), usual.share, rate, silence, allowed, known, dark)


def _dark(provider: str, known: Known) -> Iterator[tuple[float, float]]:
    for strike in known.strikes:
        if strike.provider == provider and strike.expected.hides_attempts and strike.to > strike.from_:
            yield strike.from_, strike.to
    yield from _all_broken(known)


def _overdue(provider: str, known: Known) -> Iterator[tuple[float, float]]:
    """When a provider is broken and another is slow: whoever waited there in vain may be sent here, as it was
    decided long ago, whatever the breaker does by now."""
    longest = known.evidence.tally.cell(known.evidence.frame.all_segments).latency.maximum or 0.0
    slow = [s for s in known.strikes if s.provider != provider and s.expected.makes_wait]
    for own in known.strikes:
        for other in slow if own.provider == provider else ():
            start = max(own.from_, other.from_)
            end = min(own.to, other.to) + longest
            if start < end - longest:
                yield start, end


def _all_broken(known: Known) -> Iterator[tuple[float, float]]:
    """From when the last provider that was well is broken until one is healed and all ends well again."""
    everybody = {*known.tracks, *(strike.provider for strike in known.strikes)}
    broken: list[tuple[str, float]] = []
    for strike in sorted(known.strikes, key=lambda strike: strike.from_):
        broken = [(provider, until) for provider, until in broken if until > strike.from_]
        broken.append((strike.provider, _used_again(strike, known)))
        if {provider for provider, _ in broken} == everybody:
            well = min(max(until for other, until in broken if other == provider) for provider in everybody)
            yield strike.from_, _all_ok(known.due, well)


def _used_again(strike: Strike, known: Known) -> float:
    """When a provider got its part of the load again after a fault; at its end where that cannot be told."""
    track = known.track(strike.provider)
    whole = track.inside(-math.inf, math.inf)
    if strike.to == math.inf or whole is None:
        return strike.to
    share = whole.attempts / max(1.0, known.due.between(whole.start, whole.end))
    for step in track.steps(strike.to, math.inf):
        part = share * known.due.between(step.start, step.end)
        if step.attempts - _may_be_own(step.seconds, known) >= RETURNED * part > 0:
            return step.end
    return math.inf if share else strike.to


def _all_ok(due: Due, since: float) -> float:
    """When the first slice began in which all that was due ended ok."""
    for slice_, (total, ok) in zip(due.slices, due.ok, strict=True):
        if slice_ * due.width >= since and ok == total:
            return slice_ * due.width
    return math.inf


def _may_be_own(seconds: float, known: Known) -> float:
    """As many calls as the target's own probes may be in some seconds."""
    own = known.own.most * seconds
    return own + SIGMAS * math.sqrt(own) if own >= HALF_A_CALL else 0.0


def _usual(provider: str, known: Known) -> Usual | None:
    own = [strike for strike in known.strikes if strike.provider == provider]
    if own:
        return usual_calls(min(own, key=lambda strike: strike.from_), known)
    run = known.evidence.frame.windows.get("baseline") or known.evidence.frame.windows[RUN]
    moved = known.track(provider).inside(run.start, run.end)
    if moved is None or moved.seconds < SHORTEST:
        return None
    arrivals = known.due.between(moved.start, moved.end)
    return Usual(moved.calls, moved.start, moved.end, arrivals, is_after=False)
