"""Were the answers to one call the same from both places that it was sent to?

Rule: pairs count of which both halves were answered; a difference that a reorg explains is not held against
anybody. Where hardly any pair could be compared nothing is proven, nor where pairs differ and nobody looked
whether a reorg explains it; a scenario that asks for no proof is told of those as what they are.
"""

from __future__ import annotations

from battlectl.analyse.checks.facts import account_of
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.pairs import CHECK

LEAST_SHARE = 0.5
"""Of the pairs, that must have been comparable for a pass."""
ADVERSE = {
    "different": "are not equal",
    "unwatched": "are not equal (nobody looked whether the chain turned)",
}
LEFT_OUT = {
    "unanswered": "one side did not answer",
    "unlike": "were asked for different blocks",
    "alone": "never had an other half",
    "unsettled": "differ, and the chain was not read around them",
    "unwatched": "differ, and nobody read the chain",
    "after_reorg": "differ by a reorg",
    "not_noticed_yet": "differ just after a fault began or ended",
}


def check_equality(evidence: Evidence) -> Finding:
    """See the rule."""
    account = account_of(evidence, CHECK)
    is_note = evidence.frame.checks.get(CHECK, "note") == "note"
    adverse = ("different", "unwatched") if is_note else ("different",)
    equal, different = account.number("equal"), account.number(*adverse)
    reasons = {kind: words for kind, words in LEFT_OUT.items() if kind not in adverse}
    left_out = account.tell(reasons)
    compared, pairs = equal + different, equal + different + account.number(*reasons)
    also = f"; not compared: {left_out}" if left_out else ""
    if different:
        told = account.tell({kind: ADVERSE[kind] for kind in adverse})
        return account.finding(Verdict.FAIL, f"of {compared:,} pairs, {told}{also}", pairs, adverse)
    if compared < max(1, LEAST_SHARE * pairs) or account.number("unsettled", "unwatched"):
        summary = f"{compared:,} of {pairs:,} pairs could be compared{also}"
        return account.finding(Verdict.INCONCLUSIVE, summary, pairs, tuple(reasons))
    return account.finding(Verdict.PASS, f"each of {compared:,} pairs is equal{also}", pairs)
