"""What replies tell of who served them, against what a fault leaves possible.

Rule: a provider that fails all that comes to it gave no good answer, and one whose answers are all late gave
none early. Of requests that were due while that was so, and over before it ended, each reply that says
otherwise is wrong. Only faults that count what they hit are used: they strike every transport; and only
those that the provider itself shows from beginning to end: one that did nothing, or of which nobody knows
whether it did, leaves everything possible. What clients were told is no proof of them: that is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from battlectl.analyse.breakers.attempts import Attempts, failed_attempts
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.faults.known import Known, know
from battlectl.analyse.faults.provider_side import is_proven_there
from battlectl.analyse.faults.strike import Strike
from battlectl.analyse.telemetry.disagreement import ENOUGH, Disagreement, slack
from battlectl.observe import outcome
from battlectl.observe.served import OWN_NAMES
from battlectl.plan.frame import WorkloadFrame

REPLIES = "replies"
"""As the source of a disagreement."""
FAILING = frozenset({outcome.TIMEOUT, outcome.HTTP_ERROR, outcome.MALFORMED})
"""How requests fail that were counted, and of which no client would make two in silence."""
LATE = "rpc_latency"
EARLY = 0.9
"""The part of a delay before which no answer can have come; clocks and bins have a grain."""
LEAST = 3
MOST_COARSE = 3
"""Bits that a stored sketch may have lost, for its bins to be as narrow as that."""


@dataclass(frozen=True, slots=True)
class Grip:
    """A fault that leaves no choice; requests due from `start` to `end` were over before it was."""

    strike: Strike
    start: float
    end: float
    attempts: Attempts

    @property
    def failed(self) -> int:
        """Attempts of the load that failed there in that time, at least; no probes among them."""
        least = max((s.total[0] for s in self.attempts.steps if s.end <= self.end), default=0)
        return max(0, least - ceil(self.attempts.own_per_s * (self.end - self.strike.from_)))


def reply_disagreements(evidence: Evidence) -> Iterator[Disagreement]:
    """Providers that are named and cannot have answered, or not so soon."""
    known = know(evidence)
    for grip in grips_of(known):
        yield from _unable(grip, known)
    for strike in slow_strikes(known):
        if strike.struck is not None:
            yield from _too_soon(strike, strike.struck, known)


def slow_strikes(known: Known) -> Iterator[Strike]:
    """The faults by which every answer there is late by a time that is known."""
    for strike in known.strikes:
        is_late = strike.injection.toxic == LATE and _is_whole(strike)
        if is_late and strike.struck is not None and is_proven_there(strike, known):
            yield strike


def comparable_faults(evidence: Evidence) -> int:
    """The faults under which a lie about who served, or in how many attempts, would have been seen."""
    known = know(evidence)
    return sum(grip.failed >= ENOUGH for grip in grips_of(known)) if _are_named(known) else 0


def grips_of(known: Known) -> Iterator[Grip]:
    """The faults by which every request fails that comes there, with what they have hit."""
    longest = longest_wait(known)
    for strike in known.strikes:
        labels = {outcome.outcome_of(label) for label in strike.expected.labels}
        if not labels or not labels <= FAILING or not _is_whole(strike) or strike.struck is None:
            continue
        attempts = failed_attempts(strike, known)
        end = min(strike.end, known.evidence.ended_at) - longest
        if attempts.source == "counters" and end > strike.struck and is_proven_there(strike, known):
            yield Grip(strike, strike.struck, end, attempts)


def longest_wait(known: Known) -> float:
    """How long any request of the run took."""
    return known.evidence.tally.cell(known.evidence.frame.all_segments).latency.maximum or 0.0


def is_struck(workload: WorkloadFrame, strike: Strike) -> bool:
    """Whether a fault strikes all calls of a workload."""
    methods = strike.injection.attributes.get("methods")
    return not methods or set(workload.labels) <= set(methods)


def _is_whole(strike: Strike) -> bool:
    expected, attributes = strike.expected, strike.injection.attributes
    is_always = expected.probability >= 1 and expected.connections == "all" and expected.turns is None
    is_anywhere = attributes.get("transport", "both") == "both" and not expected.is_of_websockets
    return is_always and is_anywhere and not expected.bids_target


def _are_named(known: Known) -> bool:
    return any(name not in OWN_NAMES for _, name, _ in known.evidence.tally.by_provider)


def _unable(grip: Grip, known: Known) -> Iterator[Disagreement]:
    provider, width = grip.strike.provider, known.evidence.frame.slice_width
    struck = {load.name for load in known.evidence.frame.workloads if is_struck(load, grip.strike)}
    named = {
        slice_: row.ok
        for (workload, name, slice_), row in known.evidence.tally.provider_rows.items()
        if workload in struck and name == provider and row.ok
        if grip.start <= slice_ * width and (slice_ + 1) * width <= grip.end
    }
    if (wrong := sum(named.values())) >= LEAST:
        words = (
            f"name {provider} in {wrong:,} good answers, {grip.start:.1f}s to {grip.end:.1f}s, while "
            f"{grip.strike.injection.name} failed all that came to it"
        )
        yield Disagreement("server", REPLIES, provider, float(min(named) * width), words, 1.0)


def _too_soon(strike: Strike, struck: float, known: Known) -> Iterator[Disagreement]:
    """By segments, which the plan of the fault cuts: what was due before it was in force is allowed for."""
    evidence, provider = known.evidence, strike.provider
    frame, soon = evidence.frame, EARLY * strike.expected.late_by
    early = total = allowed = 0.0
    for segment in frame.all_segments:
        start, end = frame.cuts[segment], frame.cuts[segment + 1]
        if start < strike.injection.at or end > strike.injection.until:
            continue
        for load in frame.workloads:
            cell = evidence.tally.by_provider.get((load.name, provider, segment))
            if cell is None or cell.coarse > MOST_COARSE or not is_struck(load, strike):
                continue
            early += sum(count for value, count in cell.latency.weighted_values() if value < soon)
            total += cell.latency.count
        allowed += known.due.between(start, min(end, struck))
        allowed += known.due.between(max(start, strike.end - strike.expected.late_by), end)
    if early - allowed >= ENOUGH and early - allowed > slack(total):
        words = (
            f"name {provider} in {early:,.0f} answers that came within {soon * 1e3:,.0f} ms, though "
            f"{strike.injection.name} makes each of its answers take {strike.expected.late_by * 1e3:,.0f} ms"
        )
        yield Disagreement("server", REPLIES, provider, struck, words, early / total)
