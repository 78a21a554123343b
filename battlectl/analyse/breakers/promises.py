"""What the config promises of breakers, against what the attempts under each fault say.

Rule: a promise is broken only where all of the range of what was seen contradicts it, and kept only where all
of it agrees; a rest counts as long enough when it is surely longer than three quarters of what was promised,
because looks have a grain. Under a fault that makes attempts wait, more than the configured number are begun
before the first has failed, so there is no "too late". While others are broken too, a target may ask whom it
likes: nothing is said of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from battlectl.analyse.breakers.attempts import Step
from battlectl.analyse.breakers.closing import BY_LATENCY, TOO_SHORT, judge_closing
from battlectl.analyse.breakers.half_open import told_half_open
from battlectl.analyse.breakers.seen import (
    LIMITS,
    Seen,
    is_beside,
    must_not_trip,
    must_trip,
    seen_under,
    strategies_of,
)
from battlectl.analyse.faults.breaker import timeline
from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.quiet import ENOUGH
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.telemetry.states import CLOSED, OPEN, states_of
from battlectl.plan.routing import BreakerFrame
from battlectl.quantities import format_duration, format_times

SURELY = 0.75
"""The part of the recovery time beyond which a rest is long enough, whatever the grain of the looks."""
EARLY = 0.98
STILL = 0.5
"""The part of its usual attempts that a provider must go on getting, to say that it was never left alone."""
AT_ONCE_OVER = "each trial fails before another request is due: make attempts wait (`hang`) to see more"
TOLD_BY_NOTHING = "trials that succeed look like requests of one that is closed"
HEEDLESS = frozenset({"priority", "cheapest"})
"""Strategies that ask a provider however many requests it has not answered yet."""


Judged = tuple[str, bool | None, str]
"""A promise, whether it holds, and why."""


@dataclass(frozen=True, slots=True)
class Point:
    """One promise under one fault; `holds` is None where it is not known, and `words` say why."""

    provider: str
    fault: str
    promise: str
    holds: bool | None
    words: str

    @property
    def can_be_known(self) -> bool:
        """Whether another run under such a fault could show it."""
        return self.holds is not None or self.words not in (AT_ONCE_OVER, TOLD_BY_NOTHING, TOO_SHORT)


def points_of(known: Known) -> tuple[Point, ...]:
    """Every promise under every fault that says anything of it."""
    promised = known.evidence.frame.breaker or BreakerFrame()
    return tuple(point for strike in known.strikes for point in _points(strike, promised, known))


def _points(strike: Strike, promised: BreakerFrame, known: Known) -> Iterator[Point]:
    must, must_not = must_trip(strike, known), must_not_trip(strike)
    if not must and not must_not:
        return

    seen = seen_under(strike, known, promised)
    if isinstance(seen, str):
        found: Iterable[Judged] = [("trips" if must else "does not trip", None, seen)]
    else:
        found = _judge_tripping(seen) if must else [_judge_not_tripping(seen)]
    for promise, holds, words in found:
        yield Point(strike.provider, strike.injection.name, promise, holds, words)


def _judge_tripping(seen: Seen) -> Iterator[Judged]:
    opened = _opened(seen)
    if (excess := _beyond_budget(seen)) is not None:
        yield excess
        return
    if opened is None:
        yield _never_opened(seen)
        return
    least, most = opened
    if seen.strike.expected.makes_wait and not strategies_of(seen) & HEEDLESS:
        yield "trips", None, "who has requests under way may be asked less, breaker or not"
        return
    counted = f"it was left alone after {_range(least, most)} failed attempts"
    yield "trips", True, counted
    if seen.promised.failures is not None:
        yield (
            "failures",
            _agrees_on_failures(seen, least, most),
            f"{counted}, {seen.promised.failures} promised",
        )
    if seen.promised.recovery is not None:
        yield _judge_recovery(seen, seen.promised.recovery)
    if seen.promised.half_open is not None:
        yield _judge_half_open(seen, seen.promised.half_open)
    if seen.promised.successes is not None:
        yield "successes", None, TOLD_BY_NOTHING
    if seen.promised.longest is not None:
        yield judge_closing(seen, seen.promised.longest)


def _opened(seen: Seen) -> tuple[float, float] | None:
    """How many attempts failed before it was left alone: the load's at least, all of them at most."""
    if seen.spells.tripped_after is not None:
        until = seen.spells.rests[0].start
        own = seen.attempts.own_per_s * (until - seen.strike.from_)
        least, most = seen.spells.tripped_after
        return max(0.0, least - ceil(own)), most
    for change in timeline(seen.strike.provider, seen.known).changes:
        is_here = seen.strike.from_ <= change.latest and change.earliest < seen.strike.end
        if change.state == "opened" and change.is_sure and is_here:
            own = seen.attempts.own_per_s * (change.latest - seen.strike.from_)
            sure = sum(step.least for step in seen.attempts.steps if step.end <= change.earliest)
            return max(0.0, sure - ceil(own)), _until(seen.attempts.steps, change.latest)
    return None


def _until(steps: Sequence[Step], end: float) -> float:
    return float(sum(step.most for step in steps if step.start < end))


def _agrees_on_failures(seen: Seen, least: float, most: float) -> bool | None:
    wanted = seen.promised.failures or 0
    strategies = strategies_of(seen)
    waits = seen.strike.expected.makes_wait
    if most < wanted:
        return None if strategies & BY_LATENCY else False  # Who failed may be slow, and left for that.
    if least > wanted + seen.spare and not waits:
        return False
    return True if least >= wanted and (waits or most <= wanted + seen.spare) else None


def _beyond_budget(seen: Seen) -> Judged | None:
    """More attempts than may fail in that time, if each rest is as long as promised and lets in so many."""
    promised, steps = seen.promised, seen.attempts.steps
    if None in (promised.failures, promised.recovery, promised.half_open) or seen.strike.expected.makes_wait:
        return None
    seconds = steps[-1].end - seen.strike.from_
    trials = (promised.half_open or 0) * (int(seconds / (EARLY * (promised.recovery or seconds))) + 1)
    most = (promised.failures or 0) + seen.spare + trials
    failed = steps[-1].total[0] - ceil(seen.attempts.own_per_s * seconds)
    if failed <= most or _still_asked(seen):
        return None
    words = f"at least {failed:,} attempts failed in {format_duration(round(seconds, 1))}"
    return "recovery", False, f"{words}, and at most {most:,} may if all that is promised is kept"


def _still_asked(seen: Seen) -> bool:
    """Whether it goes on as if there were no breaker, which is told in other words."""
    return _never_opened(seen)[1] is False


def _never_opened(seen: Seen) -> Judged:
    """Attempts that were begun so early that they had failed, and went on as before."""
    evidence, end = seen.known.evidence, seen.attempts.steps[-1].end
    longest = evidence.tally.cell(evidence.frame.all_segments).latency.maximum or 0.0
    early = [step for step in seen.attempts.steps if step.end <= end - longest - ENOUGH / max(seen.rate, 0.1)]
    late = [step for step in seen.attempts.steps if step not in early]
    own = seen.attempts.own_per_s * (end - seen.strike.from_)
    failed = sum(step.least for step in early) - ceil(own)
    wanted = (seen.promised.failures or int(ENOUGH)) + seen.spare
    seconds = sum(step.end - step.start for step in late)
    still = sum(step.least for step in late) - seen.attempts.own_per_s * seconds
    times = f"from {format_duration(round(seen.strike.from_, 1))} to {format_duration(round(end, 1))}"
    words = f"{_range(failed, sum(s.most for s in seen.attempts.steps))} attempts failed {times}"
    if failed >= wanted and still >= STILL * seen.rate * seconds > 0:
        return "trips", False, f"it was never left alone: {words}"
    return "trips", None, f"it is not known whether it was left alone: {words}"


def _judge_recovery(seen: Seen, promised: float) -> Judged:
    rests = seen.spells.rests
    ended = [rest for rest in rests if rest.is_over]
    if short := [rest for rest in ended if rest.length[1] < EARLY * promised]:
        rest = short[0]
        words = f"it was asked again after {_seconds(*rest.length)}, at {format_duration(round(rest.end, 1))}"
        return "recovery", False, f"{words}, and {format_duration(promised)} are promised"
    told = ", ".join(_seconds(*rest.length) for rest in rests[:3]) or "no rest was seen"
    is_kept = bool(rests) and all(rest.length[0] >= SURELY * promised for rest in rests[: len(ended) or 1])
    return "recovery", True if is_kept else None, f"it was left alone for {told}"


def _judge_half_open(seen: Seen, promised: int) -> Judged:
    """Of trials under the fault, so that each one fails; what comes after the fault cannot be told."""
    trials = [burst for burst in seen.spells.bursts[1:] if burst.end <= seen.spells.rests[-1].start]
    for burst in trials:
        own = ceil(seen.attempts.own_per_s * (burst.end - burst.start))
        if burst.count[0] - own > promised:
            when = format_duration(round(burst.start, 1))
            words = f"it let {_range(*burst.count)} attempts through at {when}"
            return "half_open", False, f"{words}, and at most {promised} are promised"
    if not seen.strike.expected.makes_wait:
        return "half_open", None, AT_ONCE_OVER
    if not trials:
        return "half_open", None, "no trial was seen while the fault was in force"
    is_kept = all(burst.count[1] <= promised for burst in trials)
    most = max(trials, key=lambda burst: burst.count[1]).count
    words = f"{len(trials)} trials of {_range(*most)} attempts at most"
    return "half_open", True if is_kept else None, words


def _judge_not_tripping(seen: Seen) -> Judged:
    """By what the target tells of its breaker, else by whether it went on asking."""
    strike, rests = seen.strike, seen.spells.rests
    if other := _another_reason(strike, seen.known):
        return "does not trip", None, f"{other} was in force there at the same time"
    if half_open := told_half_open(strike, seen.known):
        return "does not trip", *half_open
    if said := _said_open(strike, seen.known):
        return "does not trip", False, f"the target says that its breaker is open, at {said}"
    failed = sum(step.least for step in seen.attempts.steps)
    if strike.injection.toxic in LIMITS:
        pause = float(strike.injection.attributes.get("retry_after_s") or 1.0)
        if rests and any(rest.length[1] > 2 * pause + 1 for rest in rests):
            told = ", ".join(_seconds(*rest.length) for rest in rests[:3])
            words = f"it was left alone for {told}: for its limit or by a breaker, nobody can tell"
            return "does not trip", None, words
    elif rests:
        rest = rests[0]
        words = f"it was left alone at {format_duration(round(rest.start, 1))} for {_seconds(*rest.length)}"
        is_sure = seen.attempts.source == "counters" and rest.length[0] >= 1.0
        return "does not trip", False if is_sure else None, words
    enough = failed >= (seen.promised.failures or ENOUGH)
    return "does not trip", True if enough else None, f"it was asked on, at least {format_times(failed)}"


def _another_reason(strike: Strike, known: Known) -> str:
    """A fault at the same provider for which a breaker may well trip, or nothing."""
    own = (s for s in known.strikes if s is not strike and s.provider == strike.provider)
    return next((s.injection.name for s in own if is_beside(s, strike) and not must_not_trip(s)), "")


def _said_open(strike: Strike, known: Known) -> str:
    """When telemetry said so while the fault was in force, and not before; or nothing.

    One that was open when the fault began, or was not told of before, may have tripped for something else.
    """
    was_open = True
    for reading in known.evidence.telemetry.readings:
        states = states_of(reading.told.breakers, strike.provider)
        is_under = strike.struck is not None and strike.struck <= reading.t and reading.until <= strike.end
        if states == OPEN and is_under and not was_open:
            return format_duration(round(reading.t, 1))
        was_open = states != CLOSED if states else was_open
    return ""


def _range(least: float, most: float) -> str:
    return f"{least:,.0f}" if least == most else f"{least:,.0f} to {most:,.0f}"


def _seconds(least: float, most: float) -> str:
    ends = (format_duration(round(end, 1)) for end in (least, most))
    return " to ".join(dict.fromkeys(ends))
