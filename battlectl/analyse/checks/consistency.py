"""Did the answers about one block agree: its transactions, its receipts, its logs?

Rule: blocks are asked for by their hash, a few below the head that the target itself told, so that nodes at
different heights are no excuse. A look counts when the block and something to compare it with were told;
where too few were, nothing is proven. What a reorg explains, or a fault that the target could not have
noticed yet, is told and not held against it; where a reorg could not be seen, nothing is said.
"""

from __future__ import annotations

from battlectl.analyse.checks.facts import Account, account_of, asked_too_little, unheard
from battlectl.analyse.evidence import Evidence
from battlectl.analyse.verdict import Finding, Verdict

CHECK = "consistency"
LEAST_SHARE = 0.5
"""Of the looks, that must have been whole for a pass."""
ADVERSE = {
    "logs": "blocks without logs that they have, or with others",
    "receipts": "blocks whose receipts are not those of their transactions",
    "block": "blocks that were not the same when asked for again",
    "withheld": "blocks that were shown and then denied",
    "denied": "blocks just shown as the head that were not there",
    "mixed": "answers about `latest` from far below the head",
    "off_chain": "blocks by number that are not the chain's",
}
EXCUSED = {"after_reorg": "explained by a reorg", "not_noticed_yet": "just after a fault began or ended"}


def check_consistency(evidence: Evidence) -> Finding:
    """See the rule."""
    account = account_of(evidence, CHECK)
    looks, whole = account.number("looks"), account.number("whole")
    if not looks:
        return account.finding(Verdict.INCONCLUSIVE, unheard(evidence, "nobody looked at any block"), 0)
    excused = account.tell(EXCUSED)
    also = f"; {excused}: not held against it" if excused else ""
    kinds = tuple(kind for kind in ADVERSE if account.number(kind))
    if kinds:
        summary = f"of {looks:,} looks at blocks, {account.tell(ADVERSE)}{also}"
        return account.finding(Verdict.FAIL, summary, looks, kinds)
    if unsettled := account.number("unsettled"):
        summary = f"{unsettled:,} answers did not agree, and the chain was not read after them{also}"
        return account.finding(Verdict.INCONCLUSIVE, summary, looks, ("unsettled",))
    if whole < max(1, LEAST_SHARE * looks):
        return account.finding(Verdict.INCONCLUSIVE, f"{_unanswered(account)}{also}", looks, ("unanswered",))
    if too_little := asked_too_little(evidence):
        return account.finding(Verdict.INCONCLUSIVE, too_little, looks)
    parts = ", ".join(f"{number:,} with {part}" for part, number in _compared(account) if number)
    summary = f"each of {whole:,} blocks agreed with itself ({parts}){also}"
    return account.finding(Verdict.PASS, summary, looks)


def _compared(account: Account) -> list[tuple[str, int]]:
    return [("logs", account.number("with_logs")), ("receipts", account.number("with_receipts"))]


def _unanswered(account: Account) -> str:
    looks, whole = account.number("looks"), account.number("whole")
    return f"only {whole:,} of {looks:,} looks at blocks were answered"
