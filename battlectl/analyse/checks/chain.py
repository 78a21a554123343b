"""Was the target on the right chain, whenever it was asked?

Rule: a chain is told by the hash of its first block; eth_chainId may be the target's own word. Wrong answers
while the target could not yet have noticed a fault are told and not held against it. Without anything to
compare with, only a change can be seen, and the finding says so.
"""

from __future__ import annotations

from battlectl.analyse.checks.facts import account_of, asked_too_little, unheard
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict
from battlectl.observe.first_block import CHECK


def check_chain(evidence: Evidence) -> Finding:
    """See the rule."""
    account = account_of(evidence, CHECK)
    right, wrong = account.number("right"), account.number("wrong")
    early = account.number("not_noticed_yet")
    asked = right + wrong + early
    if not asked:
        summary = unheard(evidence, "nobody asked for the first block")
        return account.finding(Verdict.INCONCLUSIVE, summary, 0)
    also = f"; {early:,} more just after a fault began or ended" if early else ""
    if wrong:
        told = account.tell({"wrong": "of another chain"})
        return account.finding(Verdict.FAIL, f"of {asked:,} first blocks, {told}{also}", asked, ("wrong",))
    if not right:
        summary = f"no first block was told but just after a fault began or ended{also}"
        return account.finding(Verdict.INCONCLUSIVE, summary, asked, ("not_noticed_yet",))
    if too_little := asked_too_little(evidence):
        return account.finding(Verdict.INCONCLUSIVE, too_little, asked)
    known = "the right one" if account.number("known") else "the same one: which is right was not known"
    summary = f"each of {right:,} first blocks was {known}{also}"
    return account.finding(Verdict.PASS, summary, asked)
