"""Does what the target tells of itself agree with what was seen?

Rule: adverse is what cannot be so: requests that it has not counted, counters that do not move, a provider
that it says served and that says otherwise, or could not, or not so fast, a breaker that is not as it is
told, memory that is none. Where nothing that is told can be held against anything, nothing is found. A page
that was asked for and never told anything agrees with nothing: beside it the others are no pass. Nor are they
beside latencies that cannot be so, unless they are of other requests.
"""

from __future__ import annotations

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.telemetry.account import comparable, disagreements
from battlectl.analyse.telemetry.descriptors import opened_of
from battlectl.analyse.telemetry.latencies import unsettled_latencies
from battlectl.analyse.telemetry.memory import growth_of
from battlectl.analyse.telemetry.silence import tell_silence
from battlectl.analyse.verdict import Finding, Verdict

MOST_TOLD = 4
NOTHING_TOLD = "not observable: the target tells nothing that could be compared"


def check_telemetry(evidence: Evidence) -> Finding:
    """See the rule."""
    found, samples = disagreements(evidence), len(evidence.telemetry.readings)
    if found:
        told = "; ".join(f"{one.source} {one.words} (at {one.at:.1f}s)" for one in found[:MOST_TOLD])
        more = f"; and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
        return Finding("check", "telemetry", Verdict.FAIL, f"{told}{more}", samples=samples)
    scope = comparable(evidence)
    parts = [
        f"{number} {what}"
        for number, what in (
            (scope.counters, "counters"),
            (scope.breakers, "breakers"),
            (scope.memory, "memory"),
            (scope.faults, "faults that replies tell of"),
            (scope.delays, "delays that replies tell of"),
        )
        if number
    ]
    summary = f"what the target tells agrees with what was seen ({', '.join(parts)}, {samples:,} readings)"
    if doubts := "; ".join(filter(None, (unsettled_latencies(evidence), tell_silence(evidence.telemetry)))):
        told = f"{doubts}; {summary}" if parts else doubts
        return Finding("check", "telemetry", Verdict.INCONCLUSIVE, told, samples=samples)
    if not parts:
        return Finding("check", "telemetry", Verdict.INCONCLUSIVE, NOTHING_TOLD, samples=samples)
    return Finding("check", "telemetry", Verdict.PASS, summary, samples=samples)


def check_leak(evidence: Evidence) -> Finding:
    """Does the memory of the target only ever grow, or what it holds open?"""
    opened = opened_of(evidence)
    if opened.is_leak:
        later = f"{opened.seconds:.0f}s later {opened.last:,}"
        told = f"{opened.first:,} files and connections were open, and {later}"
        return Finding("check", "leak", Verdict.FAIL, told, measured=opened.last - opened.first, unit="count")
    growth = growth_of(evidence)
    if growth.is_leak is None:
        return Finding("check", "leak", Verdict.INCONCLUSIVE, f"not observable: {growth.words}")
    told = (
        f"memory grew by {growth.total / 1e6:,.1f} MB over {growth.seconds:.0f}s, "
        f"{growth.late / 1e6:,.1f} MB of it in the second half"
    )
    verdict = Verdict.FAIL if growth.is_leak else Verdict.PASS
    return Finding("check", "leak", verdict, told, measured=growth.total, unit="size")
