"""Was nothing done twice that must be done once, and did no error give away what is inside?

Rule: what must be done once (`plan.once`) is asked of providers at most as often as it was sent, again by us
included. Only providers' counters can show that: they are read from one look to the next, so some
may be missed and none is invented. That nothing was repeated takes counters that saw at least what was
answered. An error that tells an upstream's address or key is adverse by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from battlectl.analyse.checks.facts import account_of
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict, merge_verdicts
from battlectl.observe import outcome
from battlectl.observe.errors_told import CHECK as ERRORS
from battlectl.observe.faults import Count
from battlectl.quantities import format_times

LEAK = "leak"
NOTHING = "nothing was sent that must be done once, and no error was told"


@dataclass(frozen=True, slots=True)
class Sent:
    """Calls that must be done once: by us in all, resent ones included, and those with an ok answer."""

    calls: int
    resent: int
    answered: int


def check_safety(evidence: Evidence) -> Finding:
    """See the rule."""
    sent = _sent(evidence)
    errors = account_of(evidence, ERRORS)
    parts = [part for part in (_once(evidence, sent), _leaks(evidence)) if part is not None]
    if not parts:
        return Finding("check", "safety", Verdict.INCONCLUSIVE, NOTHING, samples=0)
    verdict = merge_verdicts(verdict for verdict, _ in parts)
    words = "; ".join(words for one, words in parts if one is verdict)
    return errors.finding(verdict, words, sent.calls + errors.number("errors"), (LEAK,), name="safety")


def _once(evidence: Evidence, sent: Sent) -> tuple[Verdict, str] | None:
    if not sent.calls:
        return None
    counted = _counted(evidence.campaign.counts)
    total, told = sum(counted.values()), ", ".join(f"{name} {n:,}" for name, n in sorted(counted.items()))
    asked = f"{sent.calls:,} calls that must be done once"
    if total > sent.calls + sent.resent:
        return Verdict.FAIL, f"{asked} were asked of providers {format_times(total)} ({told})"
    if total < sent.answered:
        return Verdict.INCONCLUSIVE, f"not observable: {asked}, and nobody counts them all at providers"
    return Verdict.PASS, f"{asked} were asked of providers {format_times(total)} ({told})"


def _leaks(evidence: Evidence) -> tuple[Verdict, str] | None:
    account = account_of(evidence, ERRORS)
    if told := account.tell({LEAK: "errors gave something away"}):
        return Verdict.FAIL, told
    errors = account.number("errors")
    return (Verdict.PASS, f"none of {errors:,} errors gave anything away") if errors else None


def _sent(evidence: Evidence) -> Sent:
    """Over the whole run, warm-up included."""
    tally, everywhere = evidence.tally, evidence.frame.all_segments
    calls = resent = answered = 0
    for workload in evidence.frame.workloads:
        for label in workload.once:
            cell = tally.cell(everywhere, workload.name, label)
            calls += cell.total - cell.outcomes.get(outcome.DROPPED, 0)
            answered += cell.outcomes.get(outcome.OK, 0)
        if workload.once:
            flow = tally.flow(everywhere, workload.name)
            resent += flow.retries + flow.reconnects
    return Sent(calls, resent, answered)


def _counted(counts: tuple[Count, ...]) -> dict[str, int]:
    """Calls that must be done once, as each provider counted them; a new generation begins at zero."""
    last: dict[str, Count] = {}
    found: dict[str, int] = {}
    for count in counts:
        before = last.get(count.provider, count)
        is_same = before.generation == count.generation
        moved = count.once - (before.once if is_same else 0)
        found[count.provider] = found.get(count.provider, 0) + max(0, moved)
        last[count.provider] = count
    return {name: number for name, number in found.items() if number}
