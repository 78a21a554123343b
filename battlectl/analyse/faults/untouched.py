"""Why a fault may have met nothing of the load, as far as its own parameters explain it.

Rule: only what is known is said: what the fault was meant for, and what the load was by plan.
"""

from __future__ import annotations

from battlectl.analyse.faults.known import Known
from battlectl.analyse.faults.looks import VISIBLE
from battlectl.analyse.faults.sight import Sight
from battlectl.analyse.faults.strike import Strike
from battlectl.plan.workload import WS
from battlectl.quantities import format_duration, format_ratio

SHORT = 0.2
"""Seconds in which a load may well have sent nothing there."""


def explain(strike: Strike, known: Known) -> str:
    """`: it strikes eth_getLogs alone, ...`, or nothing when no parameter explains it."""
    found = _explanation(strike, known)
    return f": {found}" if found else ""


def is_unfelt(strike: Strike, sight: Sight) -> bool:
    """Whether it is a delay too small for anybody to tell, and no probe told it either."""
    most = strike.expected.most_late
    return most is not None and most < VISIBLE and not sight.shown


def _explanation(strike: Strike, known: Known) -> str:
    attributes, expected = strike.injection.attributes, strike.expected
    methods = attributes.get("methods")
    start, end = strike.from_, min(strike.end, known.evidence.ended_at)
    length = round(strike.injection.until - strike.injection.at, 6)
    if not _is_due(known, start, end):
        return "no load was due while it was in force"
    if expected.is_of_websockets and not has_websockets(known):
        return "it strikes WebSockets alone, and nothing of the load went there over one"
    if methods and not set(methods) & _called(known):
        calls = ", ".join(sorted(_called(known)))
        return f"it strikes {', '.join(methods)} alone, and the load calls {calls}"
    if expected.connections != "all":
        others = "open before" if expected.connections == "new" else "opened since"
        return f"it strikes {expected.connections} connections alone, and spares those that were {others}"
    if expected.probability < 1:
        return f"it strikes {format_ratio(expected.probability)} of them alone"
    return f"it was to last {format_duration(length)}" if length < SHORT else ""


def has_websockets(known: Known) -> bool:
    """Whether anything of the load goes over one: else those that were struck are the target's own."""
    frame = known.evidence.frame
    return bool(frame.streams) or any(workload.client == WS for workload in frame.workloads)


def _called(known: Known) -> frozenset[str]:
    return frozenset(label for workload in known.evidence.frame.workloads for label in workload.labels)


def _is_due(known: Known, start: float, end: float) -> bool:
    """By plan: arrivals are counted by the second only."""
    frame = known.evidence.frame
    times = [(load.start, load.end) for load in frame.workloads]
    times += [(stream.start, stream.end) for stream in frame.streams]
    return any(begin < end and over > start for begin, over in times)
