"""Was every reply a reply to what was asked?

Rule: a malformed reply (not JSON, another id, another version, cut short) or a wrong one is the target's
fault whatever the success rate allows; it is shown with its first and worst example. So is what came over a
WebSocket and answered nothing (`observe.unasked`): a second reply, or one to what was never asked.
"""

from __future__ import annotations

from battlectl.analyse.checks.facts import account_of
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe import outcome
from battlectl.observe.unasked import FAULTS, HARMLESS

BAD = frozenset({outcome.MALFORMED, outcome.WRONG, outcome.TOO_LARGE})


def check_replies(evidence: Evidence) -> Finding:
    """See the rule; over the whole run, warm-up included."""
    cell = evidence.tally.cell(evidence.frame.all_segments)
    answered = sum(n for label, n in cell.outcomes.items() if outcome.outcome_of(label) in outcome.ANSWERED)
    bad = sum(n for label, n in cell.outcomes.items() if outcome.outcome_of(label) in BAD)
    account = account_of(evidence, "replies")
    unasked, harmless = account.tell(FAULTS), account.tell(HARMLESS)
    if not bad and unasked:
        return account.finding(Verdict.FAIL, f"nobody asked for {unasked}", answered, FAULTS)
    if not answered:
        return Finding("check", "replies", Verdict.INCONCLUSIVE, "no reply came", samples=0)
    if not bad:
        summary = f"each of {answered:,} replies matched its request"
        told = f"{summary}; besides {harmless}" if harmless else summary
        return account.finding(Verdict.PASS, told, answered)
    first, worst = evidence.examples(BAD)
    summary = f"{bad:,} of {answered:,} replies were malformed or wrong"
    return Finding(
        "check",
        "replies",
        Verdict.FAIL,
        f"{summary}; nobody asked for {unasked}" if unasked else summary,
        samples=answered,
        first=first,
        worst=worst,
    )
