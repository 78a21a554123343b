"""Was every reply a reply to what was asked?

Rule: a malformed reply (not JSON, another id, another version, cut short) or a wrong one is the target's
fault whatever the success rate allows; it is shown with its first and worst example.
"""

from __future__ import annotations

from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe import outcome

BAD = frozenset({outcome.MALFORMED, outcome.WRONG, outcome.TOO_LARGE})


def check_replies(evidence: Evidence) -> Finding:
    """See the rule; over the whole run, warm-up included."""
    cell = evidence.tally.cell(evidence.frame.all_segments)
    answered = sum(n for label, n in cell.outcomes.items() if outcome.outcome_of(label) in outcome.ANSWERED)
    bad = sum(n for label, n in cell.outcomes.items() if outcome.outcome_of(label) in BAD)
    if not answered:
        return Finding("check", "replies", Verdict.INCONCLUSIVE, "no reply came", samples=0)
    if not bad:
        summary = f"each of {answered:,} replies matched its request"
        return Finding("check", "replies", Verdict.PASS, summary, samples=answered)
    first, worst = evidence.examples(BAD)
    return Finding(
        "check",
        "replies",
        Verdict.FAIL,
        f"{bad:,} of {answered:,} replies were malformed or wrong",
        samples=answered,
        first=first,
        worst=worst,
    )
