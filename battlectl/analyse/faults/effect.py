"""Was the provider up before the fault, and did the fault do there what it should?

Rule: a driver's "done" says nothing. The effect shows in probes, on every sort of connection that the fault
should hit, or the fault's own count of hits moved; and a probe that could not miss it and did, refutes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from battlectl.analyse.faults.doubt import Doubt, mismatch, unproven
from battlectl.analyse.faults.expect import Expected
from battlectl.analyse.faults.looks import VISIBLE, may_be_late
from battlectl.analyse.faults.sight import Sight, at, tell
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.faults.untouched import is_unfelt
from battlectl.observe import outcome
from battlectl.observe.faults import Probe
from battlectl.quantities import format_duration

CERTAINTY = 1e-3
AS_SLOW_WITHOUT = "answers may have been as slow without it"


def doubt_start(sight: Sight) -> Iterator[Doubt]:
    """Reasons to think that it was not up before."""
    fresh = [probe for probe in sight.before if probe.connection == "new"]
    if not fresh:
        yield unproven("no probe says that it was up before the fault")
    elif is_down_before(sight):
        yield unproven(f"was already down before the fault ({fresh[-1].outcome} at {at(fresh[-1].t)})")


def is_down_before(sight: Sight) -> bool:
    """Whether the last probe before the fault had no answer either."""
    fresh = [probe for probe in sight.before if probe.connection == "new"]
    return bool(fresh) and fresh[-1].outcome != outcome.OK


def doubt_effect(strike: Strike, sight: Sight, seen_elsewhere: bool, why: str = "") -> Iterator[Doubt]:
    """Reasons to think that it did nothing, or not all; `seen_elsewhere` is where the target itself obeys.

    `why` is what explains that nothing met it, see `untouched.explain`.
    """
    if strike.expected.restarts and sight.restarts == 0:
        yield mismatch("did not restart: its generation is the same as before")
    if strike.expected.does_nothing:
        yield unproven("does nothing by design: that it was in force proves its driver and nothing else")
        return
    if not (sight.shown or sight.hits or seen_elsewhere):
        yield _no_effect(strike, sight, why)
        return
    if is_unfelt(strike, sight):
        yield unproven(_unfelt(strike, sight))
    if sight.shown or seen_elsewhere:
        yield from _half(strike, sight)
    else:
        yield from _only_counted(strike, sight, why)
    yield from _late(strike, sight)


def _unfelt(strike: Strike, sight: Sight) -> str:
    most = format_duration(strike.expected.most_late or 0.0)
    return f"adds {most} at most, and nobody could tell: {tell(sight.during)} while in force"


def _only_counted(strike: Strike, sight: Sight, why: str) -> Iterator[Doubt]:
    """Its own count says that it struck, and no probe that could not miss it has met it."""
    expected = strike.expected
    if expected.probability < 1 or not cannot_miss(expected):
        return
    own = [probe for probe in sight.during if _could_meet(expected, probe)]
    misses = [probe for probe in own if not may_be_late(expected, probe)]
    if misses:
        yield mismatch(
            "struck another provider, or is asked at another's url: "
            f"it counted {sight.hits or 0:,} hits, and {tell(misses)} at its address"
        )
    elif own:
        yield unproven(f"{AS_SLOW_WITHOUT}: {tell(own)} while in force, only its own count of hits{why}")
    elif not sight.during:
        yield unproven(f"no probe while it was in force, only its own count of hits{why}")


def _no_effect(strike: Strike, sight: Sight, why: str) -> Doubt:
    expected = strike.expected
    own = [probe for probe in sight.during if _could_meet(expected, probe)]
    misses = [probe for probe in own if not may_be_late(expected, probe)]
    if len(misses) >= probes_needed(expected.probability) and cannot_miss(expected):
        return mismatch(f"had no effect: {tell(misses)} while in force, {expected.what} was expected")
    if sight.hits == 0:
        return unproven(f"was in force and nothing met it: its own count of hits is 0{why}")
    if not sight.during:
        return unproven(f"no probe that it alone explains while in force, and no count of its hits{why}")
    return unproven(f"{tell(sight.during)} while in force prove nothing, and nothing counts its hits")


def _half(strike: Strike, sight: Sight) -> Iterator[Doubt]:
    """New and kept connections: a fault that misses one of those it should hit is half a fault."""
    expected = strike.expected
    if expected.probability < 1 or not cannot_miss(expected):
        return
    for which in ("kept", "new"):
        own = [p for p in sight.during if p.connection == which and _could_meet(expected, p)]
        if not own or any(probe in sight.shown for probe in own):
            continue
        if not all(may_be_late(expected, probe) for probe in own):
            yield mismatch(f"left {which} connections alone: {tell(own)}, {expected.what} was expected")
        elif not _is_slower(own, sight):
            yield unproven(f"{AS_SLOW_WITHOUT} on {which} connections: {tell(own)} while in force")


def _late(strike: Strike, sight: Sight) -> Iterator[Doubt]:
    """Whether it began to work long after it was said to."""
    if not sight.shown or strike.expected.probability < 1 or not cannot_miss(strike.expected):
        return
    for which in ("new", "kept"):
        own = [probe for probe in sight.shown if probe.connection == which]
        first = min((probe.t for probe in own), default=0.0)
        before = [p for p in sight.during if p.connection == which and p.t < first and p not in own]
        misses = [probe for probe in before if not may_be_late(strike.expected, probe)]
        since = strike.injection.at + strike.tolerance
        if misses and misses[-1].t > since:
            late = format_duration(misses[-1].t - strike.injection.at)
            yield mismatch(f"took effect late: {tell(misses)} until {late} after it was due")
            return
        if before and before[-1].t > since and not _is_slower(before, sight):
            yield unproven(f"{AS_SLOW_WITHOUT} until {at(first)}: {tell(before)} while in force")
            return


def cannot_miss(expected: Expected) -> bool:
    """Whether a probe that meets it always tells."""
    if expected.is_late:
        return expected.must_show and expected.late_by >= VISIBLE
    return expected.must_show and expected.shows_in_probes


def _could_meet(expected: Expected, probe: Probe) -> bool:
    return expected.connections == "all" or (expected.connections == "new") == (probe.connection == "new")


def _is_slower(probes: Sequence[Probe], sight: Sight) -> bool:
    """Whether each of them, of one sort of connections, took visibly longer than any before the fault."""
    usual = [
        p.seconds for p in sight.before if p.connection == probes[0].connection and p.outcome == outcome.OK
    ]
    return bool(usual) and min(probe.seconds for probe in probes) >= max(usual) + VISIBLE


def probes_needed(probability: float) -> int | float:
    """How many probes meet a fault of this probability at least once with 99.9 % certainty."""
    if probability >= 1:
        return 1
    return math.ceil(math.log(CERTAINTY) / math.log1p(-probability)) if probability > 0 else math.inf
