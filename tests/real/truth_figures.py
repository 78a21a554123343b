"""What each figure should be, computed anew from the gateway's own record by what the figure is said to mean.

Rule: nothing of battlectl's analysis is used here. A figure that the record has no value for is None: what
is measured must then be "not observable".
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from battlectl.plan.injection import Injection
from battlectl.plan.workload import Window
from tests.real.truth_record import Attempt, Request, Truth, Turn

GOOD_ENOUGH = 0.99
SLOWEST = 1.0
GOOD_FOR = 5
"""The objectives of the scenario, and how many good seconds end a harm."""
TRIP = 3
"""Failures in a row that open the gateway's breaker."""


def nearest_rank(values: Sequence[float], share: float) -> float | None:
    """The quantile that is one of the values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(round(share * len(ordered), 6)) - 1)] if ordered else None


# Windows


def failed_over(requests: Sequence[Request]) -> tuple[Request, ...]:
    """Those that took more than one attempt."""
    return tuple(request for request in requests if len(request.attempts) > 1)


def amplification(requests: Sequence[Request]) -> float | None:
    """Attempts for each request."""
    attempts = sum(len(request.attempts) for request in requests)
    return attempts / len(requests) if requests else None


@dataclass(frozen=True, slots=True)
class Part:
    """What one provider did in a window."""

    requests: int
    ok: int
    mean: float
    p95: float


def parts(requests: Sequence[Request]) -> dict[str, Part]:
    """By the provider whose answer was passed on."""
    found: dict[str, list[Request]] = {}
    for request in requests:
        if request.to is not None:
            found.setdefault(request.to, []).append(request)
    return {name: _part(own) for name, own in found.items()}


def _part(own: Sequence[Request]) -> Part:
    latencies = [request.latency for request in own]
    p95 = nearest_rank(latencies, 0.95) or 0.0
    return Part(len(own), sum(r.is_ok for r in own), sum(latencies) / len(own), p95)


def asked_between(truth: Truth, provider: str, window: Window) -> tuple[int, int]:
    """(least, most) attempts at a provider in a window's time: one that was under way at an edge of it may
    have been read on either side."""
    made = truth.attempts_at(provider)
    inside = sum(any(a <= one.at and one.until < b for a, b in window.stretches) for one in made)
    touching = sum(any(one.at < b and one.until >= a for a, b in window.stretches) for one in made)
    return inside, touching


# Faults


def struck_at(truth: Truth, injection: Injection) -> float | None:
    """When it was in force at all of its providers; None when that never was."""
    times = [truth.struck(injection.name, provider) for provider in injection.providers]
    known = [time for time in times if time is not None]
    return max(time[1] for time in known) if len(known) == len(times) else None


def healed_at(truth: Truth, injection: Injection) -> float:
    """When it was healed at all of its providers."""
    times = [truth.struck(injection.name, provider) for provider in injection.providers]
    return max((time[2] for time in times if time is not None), default=injection.until)


def failover_time(truth: Truth, injection: Injection) -> float | None:
    """From the injection to the first success elsewhere of a request due since; inf for none by its end."""
    since = struck_at(truth, injection)
    if since is None:
        return None
    ended = [
        request.until
        for request in truth.requests
        if request.due >= since and request.is_ok and request.to not in (None, *injection.providers)
    ]
    first = min(ended, default=inf)
    return first - since if first <= healed_at(truth, injection) else inf


def left_alone(
    truth: Truth, injection: Injection, provider: str, silence: float, spare: float
) -> float | None:
    """From the injection to the last attempt before at least so long with `spare` others; inf for never."""
    times = truth.struck(injection.name, provider)
    if times is None:
        return None
    _, struck, healing, _ = times
    end = max(request.due for request in truth.requests)
    made = [0.0, *(attempt.at for attempt in truth.attempts_at(provider))]
    for last in sorted([*made, struck]):  # It may be left alone already.
        few = bisect_right(made, last + silence) - bisect_right(made, last) <= spare
        if few and last < healing and struck < last + silence <= end:
            return max(0.0, last - struck)
    return inf


def usual_rate(truth: Truth, provider: str) -> float:
    """Attempts a second at a provider before any fault."""
    first = min((injection.at for injection in truth.evidence.frame.injections), default=0.0)
    made = [attempt for attempt in truth.attempts_at(provider) if attempt.at < first]
    return len(made) / first if first else 0.0


# Recovery

Second = tuple[float, bool]
"""(start, whether it was good)."""


def seconds_of(truth: Truth, good_enough: float = GOOD_ENOUGH, slowest: float = SLOWEST) -> list[Second]:
    """Every second of the load by when requests were due, held to the scenario's objectives."""
    by_second: dict[int, list[Request]] = {}
    for request in truth.requests:
        by_second.setdefault(int(request.due), []).append(request)

    def is_good(own: Sequence[Request]) -> bool:
        ok = sum(request.is_ok for request in own)
        return ok / len(own) >= good_enough and max(request.latency for request in own) < slowest

    return [(float(second), is_good(own)) for second, own in sorted(by_second.items())]


def horizon(truth: Truth, injection: Injection) -> float:
    """The next fault after its end, or the end of the load."""
    end = max(workload.end for workload in truth.evidence.frame.workloads)
    return min([i.at for i in truth.evidence.frame.injections if i.at >= injection.until] + [end])


def recovery_time(truth: Truth, injection: Injection, seconds: Sequence[Second]) -> tuple[float, bool]:
    """(length of the longest harm, whether it ended): one that did not end outweighs all others."""
    until = horizon(truth, injection)
    own = [(start, good) for start, good in seconds if start + 1 > injection.at and start < until]
    harms = list(_harms(injection, own))
    lasting = [length for length, ended in harms if not ended]
    return (max(lasting), False) if lasting else (max((length for length, _ in harms), default=0.0), True)


def _harms(injection: Injection, seconds: Sequence[Second]) -> Iterator[tuple[float, bool]]:
    """From a bad second to the last one before GOOD_FOR good ones; as far as was seen without these."""
    start: float | None = None
    bad_until, streak = 0.0, 0
    for second, good in seconds:
        if not good:
            if start is None and second >= injection.until + GOOD_FOR:
                return
            start, bad_until, streak = second if start is None else start, second + 1, 0
        elif start is not None:
            streak += 1
            if streak == GOOD_FOR:
                yield bad_until - start, True
                start = None
    if start is not None:
        yield bad_until - start, False


def unavailable_seconds(truth: Truth, injections: Sequence[Injection], seconds: Sequence[Second]) -> float:
    """Bad seconds of all of them up to their horizons, none counted twice."""
    stretches = [(injection.at, horizon(truth, injection)) for injection in injections]
    return float(
        sum(not good for start, good in seconds if any(start + 1 > a and start < b for a, b in stretches))
    )


# Breakers


def openings(truth: Truth, provider: str) -> tuple[Turn, ...]:
    """From closed to open; back to open after a trial is the same opening going on."""
    return truth.turns_of(provider, before="closed", after="open")


def closings(truth: Truth, provider: str) -> tuple[Turn, ...]:
    """To closed, from whatever state."""
    return truth.turns_of(provider, after="closed")


def half_openings(truth: Truth, provider: str) -> tuple[Turn, ...]:
    """To half-open."""
    return truth.turns_of(provider, after="half_open")


def within(turns: Sequence[Turn], window: Window) -> int:
    """How many of them lie in a window."""
    return sum(any(a <= turn.at < b for a, b in window.stretches) for turn in turns)


def time_open(truth: Truth, provider: str, window: Window, end: float) -> float:
    """Seconds of a window in which it was not closed; `end` is up to when anything is known."""
    opened: float | None = None
    spans = []
    for turn in truth.turns_of(provider):
        if turn.after == "closed" and opened is not None:
            spans.append((opened, turn.at))
            opened = None
        elif turn.after == "open" and opened is None:
            opened = turn.at
    if opened is not None:
        spans.append((opened, max(opened, end)))
    return sum(max(0.0, min(b, y) - max(a, x)) for a, b in spans for x, y in window.stretches)


def false_trips(truth: Truth, provider: str) -> tuple[Turn, ...]:
    """Openings for failures of which none was begun while a fault was in force there."""
    return tuple(turn for turn in openings(truth, provider) if not _is_explained(truth, provider, turn.at))


def _is_explained(truth: Truth, provider: str, opened: float) -> bool:
    failed = [a for a in truth.attempts_at(provider) if a.failure is not None and a.until <= opened + 0.01]
    causes = sorted(failed, key=lambda attempt: attempt.until)[-TRIP:]
    forces = [
        times
        for injection in truth.evidence.frame.injections
        for times in [truth.struck(injection.name, provider)]
        if times is not None
    ]
    # A health probe may be among the causes: an opening while a fault is in force is that fault's as well.
    return any(
        begun <= opened <= healed or any(begun <= cause.until and cause.at <= healed for cause in causes)
        for begun, _, _, healed in forces
    )


def time_to_open(truth: Truth, provider: str, trips: Callable[[Injection], bool]) -> float | None:
    """The longest from a fault that trips until it is open, which it may be already: inf for never."""
    times = []
    for injection in truth.evidence.frame.injections:
        struck = truth.struck(injection.name, provider)
        if struck is None or not trips(injection):
            continue
        # It may be in force some time before the driver hears that it is.
        before = [turn for turn in truth.turns_of(provider) if turn.at < struck[0]]
        if before and before[-1].after != "closed":
            times.append(0.0)
            continue
        later = [turn.at for turn in openings(truth, provider) if turn.at >= struck[0]]
        opened = min((at for at in later if at < struck[2]), default=inf)
        times.append(max(0.0, opened - struck[1]))
    return max(times, default=None)


def trials(truth: Truth, provider: str) -> tuple[Attempt, ...]:
    """Attempts while it was half-open."""
    return tuple(a for a in truth.attempts_at(provider) if a.breaker == "half_open")


def last_resorts(truth: Truth, provider: str) -> tuple[Attempt, ...]:
    """Attempts while it was open."""
    return tuple(a for a in truth.attempts_at(provider) if a.breaker == "open")
