"""How long a fault did harm: recovery time, and unavailability in seconds.

Rule: recovery runs from the first bad second since the injection to the first of five good seconds in a row.
Harm that begins anew, while the fault lasts or within five seconds of its end, is its doing as well: the
longest counts. Where the good seconds never came before the next fault or the end, it did not recover: the
time is what was seen of it at least. Unavailability counts every bad second up to then, those of the fault
itself included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.figure import Figure, longest, not_observable
from battlectl.analyse.faults.seconds import Second, between, judge_seconds, standards
from battlectl.plan.injection import Injection
from battlectl.quantities import format_duration

GOOD_FOR = 5
"""Seconds in a row that must be good."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Of one injection, in seconds from the start of the run: when its longest harm began, and when it ended.

    `harmed_at` is None without any harm, `back_at` None when it did not recover by `seen_until`; `bad_until`
    is the end of its last second that was not good for certain. `from_heal` is the time from the planned
    end of the fault, 0.0 when it was over before.
    """

    fault: str
    harmed_at: float | None
    back_at: float | None
    seen_until: float
    time: Figure
    from_heal: float | None
    unavailable: Figure
    bad_until: float | None = None

    @property
    def did_recover(self) -> bool:
        """Whether the harm was over, or there was none."""
        return self.harmed_at is None or self.back_at is not None


def injections_of(evidence: Evidence, name: str) -> tuple[Injection, ...]:
    """Those of a fault: one repeat by its number, or all of them."""
    return tuple(i for i in evidence.frame.injections if name in (i.name, i.fault))


def recoveries(evidence: Evidence, generator_fit: bool = True) -> tuple[Recovery, ...]:
    """Of every injection, in the order of the plan."""
    seconds = judge_seconds(evidence, generator_fit)
    return tuple(_recovery(injection, seconds, evidence) for injection in evidence.frame.injections)


def recovery_time(evidence: Evidence, name: str, generator_fit: bool) -> Figure:
    """The longest of a fault's repeats."""
    wanted = {injection.name for injection in injections_of(evidence, name)}
    return longest(r.time for r in recoveries(evidence, generator_fit) if r.fault in wanted)


def unavailability(evidence: Evidence, name: str, generator_fit: bool) -> Figure:
    """Bad seconds of all repeats of a fault, none counted twice."""
    seconds, found = judge_seconds(evidence, generator_fit), injections_of(evidence, name)
    stretches = [(injection.at, horizon(injection, evidence)) for injection in found]
    return _unavailable(
        [s for s in seconds if any(s.end > a and s.start < b for a, b in stretches)], evidence
    )


def horizon(injection: Injection, evidence: Evidence) -> float:
    """Until when what happens is this fault's doing: the next fault, or the end of the load."""
    end = max((workload.end for workload in evidence.frame.workloads), default=0.0)
    starts = (other.at for other in evidence.frame.injections if other.at >= injection.until)
    return min((*starts, end))


def _recovery(injection: Injection, seconds: Sequence[Second], evidence: Evidence) -> Recovery:
    own = between(seconds, injection.at, horizon(injection, evidence))
    harm = _worst(_harms(injection, own, evidence, lambda second: second.was_good))
    back = None if harm is None else harm.back
    return Recovery(
        fault=injection.name,
        harmed_at=None if harm is None else harm.start,
        back_at=back,
        seen_until=own[-1].end if own else injection.at,
        time=_time(injection, own, harm, evidence),
        from_heal=0.0 if harm is None else None if back is None else max(0.0, back - injection.until),
        unavailable=_unavailable(own, evidence),
        bad_until=None if harm is None else harm.bad_until,
    )


@dataclass(frozen=True, slots=True)
class _Harm:
    """From a bad second to the first of enough good ones, or to the end of the last bad one."""

    start: float
    bad_until: float
    back: float | None

    @property
    def least(self) -> float:
        """How long it was, at least."""
        return (self.bad_until if self.back is None else self.back) - self.start

    @property
    def most(self) -> float:
        """How long it was, at most."""
        return inf if self.back is None else self.back - self.start


def _harms(
    injection: Injection, seconds: Sequence[Second], evidence: Evidence, is_good: Callable[[Second], bool]
) -> Iterator[_Harm]:
    """Those that began during the fault or soon after it."""
    count = math.ceil(GOOD_FOR / evidence.frame.slice_width)
    start, bad_until, streak = 0.0, -inf, list[float]()
    for second in seconds:
        if not is_good(second):
            if bad_until == -inf and second.start >= injection.until + GOOD_FOR:
                return
            start = second.start if bad_until == -inf else start
            bad_until, streak = second.end, []
        elif bad_until > -inf:
            streak.append(second.start)
            if len(streak) == count:
                yield _Harm(start, bad_until, streak[0])
                bad_until = -inf
    if bad_until > -inf:
        yield _Harm(start, bad_until, None)


def _worst(harms: Iterable[_Harm]) -> _Harm | None:
    return max(harms, key=lambda harm: (harm.most, harm.least), default=None)


def _time(injection: Injection, own: Sequence[Second], harm: _Harm | None, evidence: Evidence) -> Figure:
    known = [second for second in own if second.arrivals]
    if not any(second.start < injection.until for second in known):
        return not_observable("nothing was due while it was in force")
    at_best = list(_harms(injection, known, evidence, lambda second: second.may_be_good))
    least = max((one.least for one in at_best), default=0.0)
    most = 0.0 if harm is None else harm.most
    words = f"in steps of {format_duration(evidence.frame.slice_width)}"
    if harm is not None and harm.back is None:
        is_sure = any(one.back is None for one in at_best)
        words = _not_back(harm, own[-1].end, evidence, is_sure)
    return Figure(min(least, most), most, len(known), "client", words)


def _not_back(harm: _Harm, end: float, evidence: Evidence, is_sure: bool) -> str:
    seen = format_duration(end - harm.start)
    held_to = ", ".join(objective.text for objective in standards(evidence.frame))
    if harm.bad_until < end:
        return f"not seen to recover: fewer than {GOOD_FOR}s in a row were surely good in the {seen} left"
    if not is_sure:
        return f"not seen to recover: too little was answered in the {seen} left to judge it by {held_to}"
    return f"did not recover in the {seen} that were left ({held_to})"


def _unavailable(own: Sequence[Second], evidence: Evidence) -> Figure:
    known = [second for second in own if second.arrivals]
    if not known:
        return not_observable("nothing was due since it began")
    width = evidence.frame.slice_width
    least = sum(width for second in known if not second.may_be_good)
    most = sum(width for second in own if not second.was_good)
    return Figure(least, most, len(known), "client", f"in steps of {format_duration(width)}")
