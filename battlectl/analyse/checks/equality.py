"""Were the answers to one call the same from both places that it was sent to?

Rule: pairs count of which both halves were answered; a difference that a reorg explains is not held against
anybody. Where hardly any pair could be compared nothing is proven.
"""

from __future__ import annotations

from battlectl.analyse.checks.facts import account_of
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.pairs import CHECK

LEAST_SHARE = 0.5
"""Of the pairs, that must have been comparable for a pass."""
LEFT_OUT = {
    "unanswered": "one side did not answer",
    "unlike": "were asked for different blocks",
    "alone": "never had an other half",
    "unsettled": "differ, and the chain was not read around them",
    "after_reorg": "differ by a reorg",
    "not_noticed_yet": "differ just after a fault began or ended",
}


def check_equality(evidence: Evidence) -> Finding:
    """See the rule."""
    account = account_of(evidence, CHECK)
    equal, different = account.number("equal"), account.number("different")
    left_out = account.tell(LEFT_OUT)
    compared, pairs = equal + different, equal + different + account.number(*LEFT_OUT)
    also = f"; not compared: {left_out}" if left_out else ""
    if different:
        told = account.tell({"different": "are not equal"})
        return account.finding(Verdict.FAIL, f"of {compared:,} pairs, {told}{also}", pairs, ("different",))
    if compared < max(1, LEAST_SHARE * pairs) or account.number("unsettled"):
        summary = f"{compared:,} of {pairs:,} pairs could be compared{also}"
        return account.finding(Verdict.INCONCLUSIVE, summary, pairs, tuple(LEFT_OUT))
    return account.finding(Verdict.PASS, f"each of {compared:,} pairs is equal{also}", pairs)
