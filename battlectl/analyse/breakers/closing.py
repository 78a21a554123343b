"""Whether a provider that is well again gets its part again, as soon as was promised.

Rule: judged from `longest` after the fault is healed to the end of the load or the next fault there, by what
the provider counted. It is back when it surely had some of the load, and forgotten when all that may have
been load is far less than it had before the fault. A strategy that goes by latency may have its own reason.
"""

from __future__ import annotations

from math import inf

from battlectl.analyse.breakers.seen import Seen, strategies_of
from battlectl.quantities import format_duration

NOTICED = 1.0
"""Seconds in which a target finds that the time is over, and a look that it has."""
LEAST = 20.0
"""Attempts that it would have had, for their absence to mean anything."""
FORGOTTEN = 0.2
"""The part of them that trials of one that is half-open may be."""
TOO_SHORT = "the run was over before it had to be asked again"
BY_LATENCY = frozenset({"fastest", "latency-weighted"})


def judge_closing(seen: Seen, longest: float) -> tuple[str, bool | None, str]:
    """See the rule."""
    known, provider = seen.known, seen.strike.provider
    start, end = seen.strike.to + longest + NOTICED, _until(seen)
    expected = seen.rate * (end - start)
    moved = known.track(provider).inside(start, end) if start < end else None
    if moved is None or expected < LEAST:
        return "closes", None, TOO_SHORT
    times = f"from {format_duration(round(start, 1))} to {format_duration(round(end, 1))}"
    words = f"it had {moved.attempts:,} calls {times}, its health checks among them"
    if moved.attempts - known.own.at_most(moved.seconds) >= FORGOTTEN * expected:
        return "closes", True, words
    most = moved.attempts - known.own.at_least(moved.seconds)
    is_forgotten = most < FORGOTTEN * expected and not strategies_of(seen) & BY_LATENCY
    more = f", {expected:,.0f} of the load were to be expected; it was healed at"
    healed = format_duration(round(seen.strike.to, 1))
    return "closes", False if is_forgotten else None, f"{words}{more} {healed}"


def _until(seen: Seen) -> float:
    """Of the load, or to the next fault there."""
    evidence, strike = seen.known.evidence, seen.strike
    over = max((load.end for load in evidence.frame.workloads), default=0.0)
    others = (s.from_ for s in seen.known.others_at(strike) if s.from_ >= strike.end)
    return min(over, evidence.ended_at, *others, inf)
