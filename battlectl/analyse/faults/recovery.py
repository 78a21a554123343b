"""How long a fault did harm: recovery time, and unavailability in seconds.

Rule: recovery runs from the first bad second since the injection to the first of five good seconds in a row.
Where these never came before the next fault or the end, it did not recover: the time is what was seen of it
at least. Unavailability counts every bad second up to then, those of the fault itself included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
    """Of one injection, in seconds from the start of the run: the first bad second, and when it was over.

    `harmed_at` is None without any harm, `back_at` None when it did not recover by `seen_until`. `from_heal`
    is the time from the planned end of the fault, 0.0 when it was over before.
    """

    fault: str
    harmed_at: float | None
    back_at: float | None
    seen_until: float
    time: Figure
    from_heal: float | None
    unavailable: Figure

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
    until = horizon(injection, evidence)
    own = between(seconds, injection.at, until)
    count = math.ceil(GOOD_FOR / evidence.frame.slice_width)
    harmed, back = _harm(own, count, lambda second: second.was_good)
    time = _time(injection, own, count, evidence)
    return Recovery(
        fault=injection.name,
        harmed_at=harmed,
        back_at=back,
        seen_until=own[-1].end if own else injection.at,
        time=time,
        from_heal=0.0 if harmed is None else None if back is None else max(0.0, back - injection.until),
        unavailable=_unavailable(own, evidence),
    )


def _harm(
    seconds: Sequence[Second], count: int, is_good: Callable[[Second], bool]
) -> tuple[float | None, float | None]:
    """(the first bad second, the first of enough good ones after it)."""
    harmed: float | None = None
    streak: list[float] = []
    for second in seconds:
        if not is_good(second):
            harmed, streak = second.start if harmed is None else harmed, []
        elif harmed is not None:
            streak.append(second.start)
            if len(streak) == count:
                return harmed, streak[0]
    return harmed, None


def _time(injection: Injection, own: Sequence[Second], count: int, evidence: Evidence) -> Figure:
    known = [second for second in own if second.arrivals]
    if not any(second.start < injection.until for second in known):
        return not_observable("nothing was due while it was in force")
    harmed, back = _harm(own, count, lambda second: second.was_good)
    most = 0.0 if harmed is None else inf if back is None else back - harmed
    least, is_over = _least(known, count)
    words = f"in steps of {format_duration(evidence.frame.slice_width)}"
    if harmed is not None and back is None:
        words = _not_back(own, harmed, is_over, evidence)
    return Figure(min(least, most), most, len(known), "client", words)


def _least(known: Sequence[Second], count: int) -> tuple[float, bool]:
    """(the shortest that it can have been, whether it was over then), in the most favourable reading."""
    harmed, back = _harm(known, count, lambda second: second.may_be_good)
    if harmed is None:
        return 0.0, True
    if back is not None:
        return back - harmed, True
    bad = [second.end for second in known if not second.may_be_good]
    return bad[-1] - harmed, bad[-1] < known[-1].end


def _not_back(own: Sequence[Second], harmed: float, is_over: bool, evidence: Evidence) -> str:
    seen = format_duration(own[-1].end - harmed)
    held_to = ", ".join(objective.text for objective in standards(evidence.frame))
    if is_over:
        return f"not seen to recover: fewer than {GOOD_FOR}s in a row were surely good in the {seen} left"
    return f"did not recover in the {seen} that were left ({held_to})"


def _unavailable(own: Sequence[Second], evidence: Evidence) -> Figure:
    known = [second for second in own if second.arrivals]
    if not known:
        return not_observable("nothing was due since it began")
    width = evidence.frame.slice_width
    least = sum(width for second in known if not second.may_be_good)
    most = sum(width for second in own if not second.was_good)
    return Figure(least, most, len(known), "client", f"in steps of {format_duration(width)}")
